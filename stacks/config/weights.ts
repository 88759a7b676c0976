import type { Autoscaling } from "../../components/model-server/server-autoscaler";
import { engineNamed, enginesThat } from "../../components/engines/catalogue";
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
  const engine = engineNamed(server.engine);
  mistakes.push(...engineMistakes(context));
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
      if (loader === "stream" && (engine.stream === undefined || family !== "gpu")) {
        const able = enginesThat(({ stream }) => stream !== undefined);
        mistakes.push({
          key: `${at}.loader`,
          found: `stream, for ${server.engine} on ${family === "gpu" ? "GPUs" : "TPUs"}`,
          allowed: `mount: only ${able.titles} on GPUs is set up to stream weights`,
          fix: setCommand(`${at}.loader`, "mount"),
        });
      }
      return { from: "gcs", bucket: weights.bucket ?? "", path, loader };
    }
  }
}

/** Where the engine is not set up for the nodes of the pool. */
function engineMistakes({ key, input, server, family, hosts }: PoolContext): Mistake[] {
  const wrong = (where: string, able: { names: string; first: string }): Mistake[] => [
    {
      key: `${key}.server.engine`,
      found: `${server.engine}, on ${input.accelerator ?? where}`,
      allowed: `${able.names}: the only engine set up for ${where} here`,
      fix: setCommand(`${key}.server.engine`, able.first),
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

/** Source of the queue's default: accelerated-platforms' autoscaler of model servers. */
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
  if (engineNamed(server.engine).metrics === undefined) {
    const able = enginesThat(({ metrics }) => metrics !== undefined);
    wrong("", `an autoscaler for ${server.engine}`, `none: it follows metrics of ${able.titles}`, remove);
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
