import { engineNamed, enginesThat } from "../../components/engines/catalogue";
import type { Server } from "../../components/engines/engine";
import type { Autoscaling } from "../../components/model-server/server-autoscaler";
import type { Weights } from "../../components/model-server/model-weights";
import { maxLabel } from "../../components/names";
import { missing, type Mistake } from "../messages/mistakes";
import { edits, remove, set, type Fix } from "../plan/config-edits";
import { integer, matching, name, object, oneOf, optional, required, withDefault } from "./fields";
import type { z } from "zod";

/* Where a pool's weights come from, and how it follows the load. */

export const weightsSchema = object({
  from: required(oneOf(["hugging-face", "gcs", "disk"]), {
    description:
      "`hugging-face`: the model is downloaded by its name. `gcs`: a Cloud Storage bucket. `disk`: a disk that many nodes read.",
    example: "gcs",
    change: "new-pool",
  }),
  bucket: optional(matching(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/, "the name of a bucket"), {
    description: "With `from: gcs`: the bucket.",
    default: "none; required with gcs",
    example: "acme-models",
    change: "new-pool",
  }),
  path: optional(matching(/^[^/](.*[^/])?$/, "a folder, without / at either end"), {
    description: "With `from: gcs` or `disk`: the folder that holds the model.",
    default: "the model's name",
    example: "qwen3-8b",
    change: "new-pool",
  }),
  loader: optional(oneOf(["mount", "stream"]), {
    description: `With \`from: gcs\`: \`mount\` by Cloud Storage FUSE, or \`stream\` into the GPUs (only with ${enginesThat(({ stream }) => stream !== undefined).titles}).`,
    default: "mount",
    example: "stream",
    change: "new-pool",
  }),
  claim: optional(name(maxLabel), {
    description: "With `from: disk`: the PersistentVolumeClaim (ReadOnlyMany) in the pool's namespace.",
    default: "none; required with disk",
    example: "models",
    change: "new-pool",
  }),
});

/** Source of the queue's default: accelerated-platforms' autoscaler of model servers. */
const defaultTargets = { queue: 10, cache: 80 } as const;

export const autoscalingSchema = object({
  max: required(integer(1, 1000, "replicas"), {
    description: "Maximum number of replicas. The minimum is what the rollout needs.",
    example: 8,
  }),
  metric: withDefault(oneOf(["queue", "cache"]), "queue", {
    description: "The metric to follow: `queue`, waiting requests, or `cache`, use of the KV cache.",
    example: "cache",
  }),
  target: optional(integer(1, 1000), {
    description: "Waiting requests per replica, or percent of the KV cache.",
    default: `${defaultTargets.queue} for queue, ${defaultTargets.cache} for cache`,
    example: 10,
  }),
  shrinkAfterSeconds: withDefault(integer(0, 3600, "seconds"), 600, {
    description: "How long the load must have been lower before a replica goes, one every two minutes.",
    example: 1800,
  }),
});

type WeightsInput = z.infer<typeof weightsSchema>;

/** What is known of a pool before its weights and its autoscaling are resolved. */
export interface PoolContext {
  /** Config key of the pool. */
  key: string;
  /** With the settings of the pools that it is like. */
  input: {
    accelerator?: string | undefined;
    weights?: WeightsInput | undefined;
    autoscaling?: z.infer<typeof autoscalingSchema> | undefined;
  };
  server: Server;
  family: "gpu" | "tpu";
  /** Nodes of one replica. */
  hosts: number;
}

/** Fields that each source knows; the others are mistakes there. */
const known = { "hugging-face": [], gcs: ["bucket", "path", "loader"], disk: ["claim", "path"] } as const;

/** Where a pool's weights come from. */
export function resolveWeights(
  weights: WeightsInput | undefined,
  model: string,
  context: PoolContext,
  mistakes: Mistake[],
): Weights {
  const { server, family } = context;
  const engine = engineNamed(server.engine);
  mistakes.push(...engineMistakes(context));
  if (weights === undefined) return { from: "hugging-face" };
  const at = context.input.weights === undefined ? "weights" : `${context.key}.weights`;
  const allowed: readonly string[] = known[weights.from];
  for (const field of ["bucket", "path", "loader", "claim"] as const) {
    if (weights[field] === undefined || allowed.includes(field)) continue;
    mistakes.push({
      key: `${at}.${field}`,
      found: `${weights[field]}, but from is ${weights.from}`,
      allowed: `nothing: ${field} does not apply to ${weights.from}`,
      fix: edits(remove(`${at}.${field}`)),
    });
  }
  const path = weights.path ?? model;
  switch (weights.from) {
    case "hugging-face":
      return { from: "hugging-face" };
    case "disk":
      if (weights.claim === undefined) {
        mistakes.push(missing(`${at}.claim`, "the PersistentVolumeClaim that contains the model", "models"));
      }
      return { from: "disk", claim: weights.claim ?? "", path };
    case "gcs": {
      if (weights.bucket === undefined) {
        mistakes.push(missing(`${at}.bucket`, "the bucket that contains the model", "acme-models"));
      }
      const loader = weights.loader ?? "mount";
      if (loader === "stream" && (engine.stream === undefined || family !== "gpu")) {
        const able = enginesThat(({ stream }) => stream !== undefined);
        mistakes.push({
          key: `${at}.loader`,
          found: `stream for ${server.engine} on ${family === "gpu" ? "GPUs" : "TPUs"}`,
          allowed: `mount: only ${able.titles} on GPUs can stream weights`,
          fix: edits(set(`${at}.loader`, "mount")),
        });
      }
      return { from: "gcs", bucket: weights.bucket ?? "", path, loader };
    }
  }
}

/** Reports an engine that does not support the nodes of the pool. */
function engineMistakes({ key, input, server, family, hosts }: PoolContext): Mistake[] {
  const wrong = (where: string, able: { names: string; first: string }): Mistake[] => [
    {
      key: `${key}.server.engine`,
      found: `${server.engine}, on ${input.accelerator ?? where}`,
      allowed: `${able.names}: the only engine that this program supports on ${where}`,
      fix: edits(set(`${key}.server.engine`, able.first)),
    },
  ];
  const { images, overNodes } = engineNamed(server.engine);
  if (family === "tpu" && images.tpu === undefined)
    return wrong(
      "TPUs",
      enginesThat((engine) => engine.images.tpu !== undefined),
    );
  return hosts > 1 && overNodes === undefined
    ? wrong(
        "slices of several nodes",
        enginesThat((engine) => engine.overNodes !== undefined),
      )
    : [];
}

/** How far a pool's replicas follow the load; undefined: not at all. */
export function resolveAutoscaling(
  replicas: number,
  { key, input, server, hosts }: PoolContext,
  mistakes: Mistake[],
): Autoscaling | undefined {
  const { autoscaling } = input;
  if (autoscaling === undefined) return undefined;
  const { max, metric, target, shrinkAfterSeconds } = autoscaling;
  const without = edits(remove(`${key}.autoscaling`));
  const wrong = (field: string, found: string, allowed: string, fix: Fix): void =>
    void mistakes.push({ key: `${key}.autoscaling${field}`, found, allowed, fix });
  if (hosts > 1) {
    wrong("", "an autoscaler", "no autoscaling for replicas on multi-host slices", without);
  }
  if (engineNamed(server.engine).metrics === undefined) {
    const able = enginesThat(({ metrics }) => metrics !== undefined);
    wrong("", `an autoscaler for ${server.engine}`, `none: it uses metrics of ${able.titles}`, without);
  }
  if (max < replicas) {
    wrong(
      ".max",
      `${max}, but replicas is ${replicas}`,
      "at least the replicas needed to serve 100 % of the traffic",
      edits(set(`${key}.autoscaling.max`, replicas)),
    );
  }
  return { max, metric, target: target ?? defaultTargets[metric], shrinkAfterSeconds };
}
