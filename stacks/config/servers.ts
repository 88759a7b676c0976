import { defaultEngine, engineNamed, imageOf, maxLoadingMinutes } from "../../components/engines/catalogue";
import type { Server } from "../../components/engines/engine";
import type { ServerInput } from "./schema";

/** The server of a pool: its own settings over the stack's; another engine takes nothing over but what it says. */
export function resolveServer(
  stack: ServerInput | undefined,
  pool: ServerInput | undefined,
  family: "gpu" | "tpu" = "gpu",
): Server {
  const name = pool?.engine ?? stack?.engine ?? defaultEngine.name;
  const inherited = stack !== undefined && (stack.engine ?? defaultEngine.name) === name ? stack : undefined;
  const engine = engineNamed(name);
  // A pool that names a version means that version of the engine's own image, not an image it inherits.
  const image =
    pool?.image ??
    (pool?.version === undefined ? inherited?.image : undefined) ??
    imageOf(engine, family, pool?.version ?? inherited?.version);
  const source = pool?.args === undefined ? inherited : pool;
  return {
    engine: name,
    image,
    args: source?.args ?? [],
    ...(source?.secretArgs === undefined ? {} : { secretArgs: source.secretArgs }),
    ...(source?.secretArgsGuessed === true ? { secretArgsGuessed: true } : {}),
    port: pool?.port ?? inherited?.port ?? engine.port,
    loadingMinutes: pool?.loadingMinutes ?? inherited?.loadingMinutes ?? maxLoadingMinutes,
  };
}
