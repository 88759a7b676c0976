import type { Engine, Server } from "../../components/engines/engine";
import { maxLoadingMinutes } from "../../components/model-server/loading";
import type { ServerInput } from "./server-keys";

interface EngineDefaults {
  repository: string;
  /** The version that manifests of the inference extension were written for. */
  version: string;
  port: number;
  /** The same engine built for TPUs. */
  tpu?: { repository: string; version: string };
}

/** Sources: accelerated-platforms (vLLM for TPUs), the extension's and llm-d's own manifests (vLLM), SGLang's documentation (image name). */
const engines: Readonly<Record<Engine, EngineDefaults>> = {
  vllm: {
    repository: "vllm/vllm-openai",
    version: "v0.21.0",
    port: 8000,
    tpu: { repository: "vllm/vllm-tpu", version: "v0.22.0" },
  },
  sglang: { repository: "lmsysorg/sglang", version: "v0.5.4", port: 8000 },
};

/** The server of a pool: its own settings over the stack's; another engine takes nothing over but what it says. */
export function resolveServer(
  stack: ServerInput | undefined,
  pool: ServerInput | undefined,
  family: "gpu" | "tpu" = "gpu",
): Server {
  const engine = pool?.engine ?? stack?.engine ?? "vllm";
  const inherited = stack !== undefined && (stack.engine ?? "vllm") === engine ? stack : undefined;
  const defaults = { ...engines[engine], ...(family === "tpu" ? engines[engine].tpu : {}) };
  // A pool that names a version means that version of the engine's own image, not an image it inherits.
  const image =
    pool?.image ??
    (pool?.version === undefined ? inherited?.image : undefined) ??
    `${defaults.repository}:${pool?.version ?? inherited?.version ?? defaults.version}`;
  const source = pool?.args === undefined ? inherited : pool;
  return {
    engine,
    image,
    args: source?.args ?? [],
    ...(source?.secretArgs === undefined ? {} : { secretArgs: source.secretArgs }),
    ...(source?.secretArgsGuessed === true ? { secretArgsGuessed: true } : {}),
    port: pool?.port ?? inherited?.port ?? defaults.port,
    loadingMinutes: pool?.loadingMinutes ?? inherited?.loadingMinutes ?? maxLoadingMinutes,
  };
}
