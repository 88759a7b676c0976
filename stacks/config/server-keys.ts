import { z } from "zod";
import {
  defaultEngine,
  engineNamed,
  engineNames,
  imageOf,
  maxLoadingMinutes,
} from "../../components/engines/catalogue";
import type { Server } from "../../components/engines/engine";
import type { podSettings, PodSettings } from "../../components/model-server/pod-settings";
import { integer, list, matching, object, oneOf, optional, text } from "./fields";
import { mergedSettings } from "./check-pod-settings";
import { podSettingFields } from "./pod-settings-keys";

/* The model server, of the stack and of a pool. Its defaults are those of its engine. */

export const fixedTag = (tag: string): boolean => tag !== "latest" && tag !== "main";

export const fixedImage = matching(
  /(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$/,
  "an image with a tag or a digest",
).refine(
  (image) => !/:(latest|main)$/.test(image),
  "a fixed tag or a digest: latest and main change without notice",
);

export const serverSchema = object({
  engine: optional(oneOf(engineNames() as [string, ...string[]]), {
    description: "The model server.",
    default: `the stack's; \`${defaultEngine.name}\``,
    example: defaultEngine.name,
    change: "new-pool",
  }),
  version: optional(
    matching(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "a version, for example v0.21.0").refine(
      fixedTag,
      "a fixed version: latest and main change without notice",
    ),
    {
      description: "Version of the engine's own image.",
      default: "the version that this program was tested with",
      example: "v0.21.0",
      change: "new-pool",
    },
  ),
  image: optional(fixedImage, {
    description: "Container image to use instead of the engine's own.",
    default: "the engine's own image",
    example: imageOf(defaultEngine),
    change: "new-pool",
  }),
  args: optional(list(text("an argument"), "arguments"), {
    description:
      "Arguments of the server, added after those that the program sets. An argument can be a secret (`pulumi config set --secret --path 'pools.llm.server.args[1]' VALUE`): the stack stores it in a Secret in the pool's namespace.",
    default: "none",
    example: ["--max-model-len", "8192"],
    secret: true,
    change: "new-pool",
  }),
  port: optional(integer(1, 65535), {
    description: "Port of the server's HTTP API.",
    default: `\`${defaultEngine.port}\``,
    example: defaultEngine.port,
    change: "new-pool",
  }),
  loadingMinutes: optional(integer(1, maxLoadingMinutes, "minutes"), {
    description: "Timeout for model servers to start, including nodes, image and model.",
    default: `${maxLoadingMinutes}, after which Kubernetes restarts the container`,
    example: 20,
  }),
  ...podSettingFields,
});

export type RawServer = z.infer<typeof serverSchema>;

export type ServerInput = Omit<RawServer, (typeof podSettings)[number]> & {
  /** What the user sets of the pods. */
  settings?: PodSettings;
  /** Places of the secret words in `args`; not a key of the config: see secrets.ts. */
  secretArgs?: readonly number[];
  secretArgsGuessed?: boolean;
};

/** The server of a pool: its own settings over the stack's. With another engine, the stack's do not apply. */
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
    ...mergedSettings(inherited?.settings ?? {}, pool?.settings ?? {}),
  };
}
