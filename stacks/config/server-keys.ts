import { z } from "zod";
import { maxLoadingMinutes } from "../../components/model-server/loading";
import { integer, list, matching, object, oneOf, optional, text } from "./fields";

/* The model server, of the stack and of a pool. Its defaults depend on the engine: see servers.ts. */

const fixedTag = (tag: string): boolean => tag !== "latest" && tag !== "main";

export const serverSchema = object({
  engine: optional(oneOf(["vllm", "sglang"]), {
    description: "The model server.",
    default: "the stack's server; vllm",
    example: "vllm",
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
  image: optional(
    matching(/(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$/, "an image with a tag or a digest").refine(
      (image) => !/:(latest|main)$/.test(image),
      "a fixed tag or a digest: latest and main change without notice",
    ),
    {
      description: "Container image to use instead of the engine's own.",
      default: "the engine's own image",
      example: "vllm/vllm-openai:v0.21.0",
      change: "new-pool",
    },
  ),
  args: optional(list(text("an argument"), "arguments"), {
    description:
      "Arguments of the server, added after those that the program sets. One can be a secret (`pulumi config set --secret --path 'pools.llm.server.args[1]' VALUE`): a Secret in the pool's namespace holds it.",
    default: "none",
    example: ["--max-model-len", "8192"],
    secret: true,
    change: "new-pool",
  }),
  port: optional(integer(1, 65535), {
    description: "Port of the server's HTTP API.",
    default: "8000",
    example: 8000,
    change: "new-pool",
  }),
  loadingMinutes: optional(integer(1, maxLoadingMinutes, "minutes"), {
    description:
      "How long an update waits for model servers to start: nodes, image and model must be ready in that time.",
    default: `${maxLoadingMinutes}, after which Kubernetes restarts the container`,
    example: 20,
  }),
});

export type ServerInput = z.infer<typeof serverSchema> & {
  /** Places of the secret words in `args`; not a key of the config: see secrets.ts. */
  secretArgs?: readonly number[];
  secretArgsGuessed?: boolean;
};
