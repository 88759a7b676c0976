import type { z } from "zod";
import { defaultEngine } from "../../components/engines/catalogue";
import { maxLabel } from "../../components/names";
import type { Mistake } from "../messages/mistakes";
import { edits, remove } from "../plan/config-edits";
import {
  aModel,
  existingName,
  flag,
  integer,
  matching,
  name,
  object,
  oneOf,
  optional,
  record,
  required,
} from "./fields";
import { hardwareFields } from "./hardware-keys";
import { likeType } from "./like-keys";
import { pickerSchema } from "./picker-keys";
import { serverSchema, type ServerInput } from "./server-keys";
import { autoscalingSchema, weightsSchema } from "./weights-keys";

/* The pools: what each is made of. like-pools.ts has what one takes over from another, resolve-pool.ts their defaults. */

const poolSchema = object({
  existing: optional(flag(), {
    description:
      "The pool was created outside this stack. The stack routes requests to it and never changes it.",
    default: "false",
    example: true,
    change: "new-pool",
  }),
  like: optional(likeType, {
    description:
      "Pool whose settings this one uses, except those that it sets itself. If that pool was created outside this stack, its pods are copied; `{pool: NAME, overrides: {...}}` changes the copy.",
    default: "none",
    example: "llm",
    change: "new-pool",
  }),
  workload: optional(
    matching(
      /^((Deployment|StatefulSet|LeaderWorkerSet)\/)?[a-z0-9][-a-z0-9.]*$/,
      "the name of a workload, or KIND/NAME with the kind Deployment, StatefulSet or LeaderWorkerSet",
    ),
    {
      description:
        "With `like` a pool created outside this stack that selects the pods of several workloads: the one whose pods are copied.",
      default: "the only workload that the pool selects",
      example: "Deployment/decode",
      change: "new-pool",
    },
  ),
  replicas: optional(integer(1, 1000, "replicas for 100 % of the traffic"), {
    description:
      "Replicas needed to serve 100 % of the traffic on this hardware. For an existing pool: what it needs before it gets traffic back.",
    default: "required; for an existing pool, the replicas it had when it served the traffic",
    example: 2,
  }),
  replicasOwner: optional(oneOf(["stack", "external"]), {
    description:
      "Who sets the number of replicas of a pool of this stack. external: whatever scales its workload from outside this stack; the stack sets the number only when it creates the pool, and checks the live number before it moves traffic.",
    default:
      "external while a HorizontalPodAutoscaler or ScaledObject created outside this stack targets the pool's workload, else stack",
    example: "external",
  }),
  ...hardwareFields,
  model: optional(aModel, {
    description: "The model that the pool serves.",
    default: "the stack's model",
    example: "Qwen/Qwen3-8B",
    change: "new-pool",
  }),
  server: optional(serverSchema, {
    description: "The model server, with the keys of `server`.",
    default: "the stack's server",
    example: { version: "v0.21.0" },
  }),
  picker: optional(pickerSchema, {
    description:
      "The pool's endpoint picker. To change it, roll out another pool with `{like: NAME, picker: {...}}`: a rollout of kind `picker`.",
    default: "the one that this program was tested with",
    example: { version: "v1.5.0" },
  }),
  weights: optional(weightsSchema, {
    description: "Where the weights come from, with the keys of `weights`.",
    default: "the stack's weights",
    example: { from: "gcs", bucket: "acme-models" },
    change: "new-pool",
  }),
  adapters: optional(flag(), {
    description: "Whether the pool loads the stack's adapters.",
    default: "true if there are any and the pods are not copied",
    example: true,
    change: "new-pool",
  }),
  autoscaling: optional(autoscalingSchema, {
    description: "An autoscaler for the pool's replicas.",
    default: "none",
    example: { max: 8 },
  }),
  namespace: optional(name(maxLabel), {
    description: "Namespace of the pool.",
    default:
      "the service's, or that of the pool created outside this stack whose pods it copies; with objectives, one of the pool's own (see `objectivesIn`)",
    example: "default",
    change: "new-pool",
  }),
});

export type PoolInput = Omit<z.infer<typeof poolSchema>, "server"> & { server?: ServerInput };

export const poolKeys = {
  server: optional(serverSchema, {
    description: "Model server of every pool without its own `server`.",
    default: `${defaultEngine.title} in the version that this program was tested with`,
    example: { version: "v0.21.0" },
  }),
  weights: optional(weightsSchema, {
    description: "Source of the weights for every pool without its own `weights`.",
    default: "Hugging Face",
    example: { from: "gcs", bucket: "acme-models" },
    change: "new-pool",
  }),
  pools: required(record(existingName(), poolSchema, "an object with a key for each pool"), {
    description: "The pools, by name. Only the stable pool and the candidate are deployed.",
    example: { llm: { accelerator: "nvidia-l4", replicas: 6 } },
  }),
};

/** Node pools of this stack have its own label, and their pods select by that. */
export function checkNodeLabels(pools: Readonly<Record<string, PoolInput>>): Mistake[] {
  return Object.entries(pools).flatMap(([pool, { nodeLabels }]) =>
    nodeLabels === undefined
      ? []
      : [
          {
            key: `pools.${pool}.nodeLabels`,
            found: nodeLabels.join(", "),
            allowed:
              "nothing: this stack creates the pool's nodes; nodeLabels applies only with cluster.kubeconfig",
            fix: edits(remove(`pools.${pool}.nodeLabels`)),
          },
        ],
  );
}
