import type { Autoscaling } from "../../components/model-server/server-autoscaler";
import type { Server } from "../../components/engines/engine";
import type { Weights } from "../../components/model-server/model-weights";
import { missing, removeCommand, setCommand, type Mistake } from "../messages/mistakes";
import type { AutoscalingInput, WeightsInput } from "./pool-schema";
import type { PoolInput } from "./schema";

/** What is known of a pool when its weights and its autoscaling are looked at. */
export interface PoolContext {
  /** Config key of the pool. */
  key: string;
  /** With what it takes over from other pools. */
  input: PoolInput;
  /** What it says itself. */
  own: PoolInput;
  server: Server;
  family: "gpu" | "tpu";
  /** Machines of one replica. */
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
  if (server.engine === "sglang" && family === "tpu") {
    mistakes.push({
      key: `${context.key}.server.engine`,
      found: `sglang, on ${context.input.accelerator ?? "TPUs"}`,
      allowed: "vllm: the only engine set up for TPUs here",
      fix: setCommand(`${context.key}.server.engine`, "vllm"),
    });
  }
  if (weights === undefined) return { from: "hugging-face" };
  const at = context.input.weights === undefined ? "weights" : `${context.key}.weights`;
  const allowed: readonly string[] = known[weights.from];
  for (const field of ["bucket", "path", "loader", "claim"] as const) {
    if (weights[field] === undefined || allowed.includes(field)) continue;
    mistakes.push({
      key: `${at}.${field}`,
      found: `${weights[field]}, with from ${weights.from}`,
      allowed: `${field} is no setting of ${weights.from}`,
      fix: removeCommand(`${at}.${field}`),
    });
  }
  const path = weights.path ?? model;
  switch (weights.from) {
    case "hugging-face":
      return { from: "hugging-face" };
    case "disk":
      if (weights.claim === undefined) {
        mistakes.push(missing(`${at}.claim`, "the PersistentVolumeClaim that holds the model", "models"));
      }
      return { from: "disk", claim: weights.claim ?? "", path };
    case "gcs": {
      if (weights.bucket === undefined) {
        mistakes.push(missing(`${at}.bucket`, "the bucket that holds the model", "acme-models"));
      }
      const loader = weights.loader ?? "mount";
      if (loader === "stream" && (server.engine !== "vllm" || family !== "gpu")) {
        mistakes.push({
          key: `${at}.loader`,
          found: `stream, for ${server.engine} on ${family === "gpu" ? "GPUs" : "TPUs"}`,
          allowed: "mount: only vLLM on GPUs is set up to stream weights",
          fix: setCommand(`${at}.loader`, "mount"),
        });
      }
      return { from: "gcs", bucket: weights.bucket ?? "", path, loader };
    }
  }
}

/** Source of the queue's default: accelerated-platforms' autoscaler of vLLM. */
const defaultTargets = { queue: 10, cache: 80 } as const;

/** How far a pool's replicas follow the load; undefined: not at all. */
export function resolveAutoscaling(
  replicas: number,
  { key, input, server, hosts }: PoolContext,
  mistakes: Mistake[],
): Autoscaling | undefined {
  const wanted: AutoscalingInput | undefined = input.autoscaling;
  if (wanted === undefined) return undefined;
  const remove = removeCommand(`${key}.autoscaling`);
  const wrong = (field: string, found: string, allowed: string, fix: string): void =>
    void mistakes.push({ key: `${key}.autoscaling${field}`, found, allowed, fix });
  if (hosts > 1) {
    wrong("", "an autoscaler", "none where a replica is a slice of several machines", remove);
  }
  if (server.engine !== "vllm") {
    wrong("", `an autoscaler for ${server.engine}`, "none: it follows metrics of vLLM", remove);
  }
  if (wanted.max < replicas) {
    wrong(
      ".max",
      `${wanted.max}, with ${replicas} replicas`,
      "at least the replicas that carry all of the traffic",
      setCommand(`${key}.autoscaling.max`, replicas),
    );
  }
  const metric = wanted.metric ?? "queue";
  return { max: wanted.max, metric, target: wanted.target ?? defaultTargets[metric] };
}
