import { z } from "zod";
import { acceleratorNames } from "../../components/accelerators/catalogue";
import { maxLoadingMinutes } from "../../components/model-server/loading";
import { allowances } from "../plan/rules/all-rules";
import { defaults } from "./defaults";
import { dnsName, flag, integer, name, oneOf, text } from "./fields";
import { gatewaySchema } from "./gateway-schema";
import { autoscalingSchema, hardwareFields, weightsSchema } from "./pool-schema";
import { maxLabel, maxPoolName, maxServiceName } from "../../components/names";
import { capacitySchema, freezeSchema, gateSchema, resumedSchema, rolledBackSchema } from "./safety-schema";

/*
 * The shape of a stack's config. Each field's error text is what is allowed there: validation adds the key, what
 * was found and the command that fixes it (validate.ts). Descriptions and defaults become docs/config.md.
 */

export const serverSchema = z.strictObject(
  {
    engine: oneOf(["vllm", "sglang"]).optional().describe("The model server. Default: vllm."),
    version: text("a version, as v0.21.0")
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "a version, as v0.21.0")
      .refine(
        (tag) => tag !== "latest" && tag !== "main",
        "a fixed version: latest and main move by themselves",
      )
      .optional()
      .describe("Version of the engine's own image. Default: the one this project was tried with."),
    image: text("an image with a tag or a digest")
      .regex(/(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$/, "an image with a tag or a digest")
      .refine(
        (image) => !/:(latest|main)$/.test(image),
        "a fixed tag or a digest: latest and main move by themselves",
      )
      .optional()
      .describe("Image instead of the engine's own."),
    args: z
      .array(text("an argument"), { error: "a list of arguments" })
      .optional()
      .describe(
        "Further arguments of the server, after the ones that the program sets. A secret one (`pulumi config set --secret --path 'pools.llm.server.args[1]' VALUE`) stays one: a Secret in the pool's namespace holds it.",
      ),
    port: integer(1, 65535, "").optional().describe("Port of the server's HTTP API. Default: 8000."),
    loadingMinutes: integer(1, maxLoadingMinutes, ": minutes")
      .optional()
      .describe(
        `How long an update waits at the most for model servers that are being started. Machines, image and model have to come in that time. Default: ${maxLoadingMinutes}, after which Kubernetes starts the container again.`,
      ),
  },
  { error: "an object with engine, version, image, args, port, loadingMinutes" },
);

export const poolSchema = z.strictObject(
  {
    existing: flag()
      .optional()
      .describe(
        "The pool was created outside this stack: it is read and routed to, never changed or removed.",
      ),
    like: name(maxPoolName)
      .optional()
      .describe(
        "The pool whose settings this one takes over; of a pool created outside the stack it copies the pods.",
      ),
    accelerator: oneOf(acceleratorNames as [string, ...string[]])
      .optional()
      .describe("GKE's name of the accelerator."),
    acceleratorsPerReplica: integer(1, 256, "")
      .optional()
      .describe(
        "GPUs or TPU chips of one replica. Default: 1 GPU; for TPUs all chips of the smallest machine.",
      ),
    machineType: text("a Compute Engine machine type")
      .optional()
      .describe("Default: the smallest that carries a replica."),
    replicas: integer(1, 1000, ": what carries all of the traffic")
      .optional()
      .describe(
        "Replicas that carry 100 % of the traffic on this hardware. Of an existing pool: what it needs before it gets traffic back. Default for an existing pool: the replicas it had when it carried the traffic.",
      ),
    model: text("a model, as Qwen/Qwen3-8B").optional().describe("Default: the stack's model."),
    server: serverSchema.optional().describe("Default: the stack's server."),
    namespace: name(maxLabel).optional().describe("Where the pool lives. Settled when the pool is made."),
    zones: z
      .array(text("a zone"), { error: "a list of zones" })
      .min(1, "at least one zone")
      .optional()
      .describe("Zones of the nodes. Default: the cluster's."),
    ...hardwareFields,
    weights: weightsSchema.optional().describe("Default: the stack's weights."),
    autoscaling: autoscalingSchema.optional(),
    adapters: flag()
      .optional()
      .describe("Whether the pool loads the stack's adapters. Default: true where there are any."),
  },
  { error: "an object" },
);

export const objectiveSchema = z.strictObject(
  {
    name: name(maxLabel).describe("Clients name it in the header x-gateway-inference-objective."),
    priority: integer(-1_000_000, 1_000_000, "").describe(
      "Higher is served first; below 0 is shed first when a pool is full.",
    ),
  },
  { error: "an object with name and priority" },
);

export const clusterSchema = z.strictObject(
  {
    name: name(40).optional().describe("Name of the GKE cluster. Default: inference."),
    location: text("a region or a zone").optional().describe("Default: gcp:region."),
    create: flag()
      .optional()
      .describe(
        "false: the cluster exists and is only used. Default: true where neither name nor kubeconfig is given.",
      ),
    kubeconfig: text("a kubeconfig, or the path of one")
      .optional()
      .describe("Use this cluster as it is; node pools are left alone. Set it with --secret."),
    channel: oneOf(["rapid", "regular", "stable"])
      .optional()
      .describe("Release channel of a cluster that is made here. Default: regular."),
    authorizedNetworks: z
      .array(
        text("a network, as 203.0.113.7/32").regex(/^[0-9a-fA-F.:]+\/\d+$/, "a network, as 203.0.113.7/32"),
        {
          error: "a list of networks, as 203.0.113.7/32",
        },
      )
      .optional()
      .describe(
        "Networks from which the control plane of a cluster that is made here may be reached. Default: none, so only from inside its network.",
      ),
    nodeServiceAccount: text("the address of a service account")
      .regex(/^[^@\s]+@[^@\s]+\.gserviceaccount\.com$/, "the address of a service account")
      .optional()
      .describe(
        "Whom the accelerator nodes of a cluster that exists act as. Default: the project's default service account.",
      ),
  },
  {
    error:
      "an object with name, location, create, kubeconfig, channel, authorizedNetworks, nodeServiceAccount",
  },
);

const allowable = z.enum(allowances, { error: `one of ${allowances.join(", ")}` });

const aRouteName = "the name of an HTTPRoute: at most 253 characters, a-z, 0-9, - and .";

/** Every key of a stack's config, without the project's prefix. */
export const configSchema = {
  role: oneOf(["all", "platform", "service"])
    .optional()
    .describe("What this stack is made of. Default: all."),
  platform: text("a stack, as acme/inference/platform")
    .optional()
    .describe("role service: the platform stack whose outputs it takes."),
  service: name(maxServiceName).optional().describe("Name of the inference service. Default: llm."),
  route: text(aRouteName)
    .max(253, aRouteName)
    .regex(dnsName, aRouteName)
    .optional()
    .describe(
      "Name of the customers' HTTPRoute, for one that exists and is taken over under its own name. Default: routes-to-<service>.",
    ),
  namespace: name(maxLabel).optional().describe("Where the customers' route lives. Default: default."),
  model: text("a model, as Qwen/Qwen3-8B")
    .optional()
    .describe("The model that every pool serves that names none itself."),
  server: serverSchema.optional().describe("The model server of every pool that names none itself."),
  weights: weightsSchema
    .optional()
    .describe("Where the weights of every pool come from that says nothing itself. Default: Hugging Face."),
  stable: name(maxPoolName).optional().describe("The pool that serves the customers."),
  candidate: z
    .union([z.literal(""), name(maxPoolName)], { error: "the name of a pool, or nothing" })
    .optional()
    .describe("The pool that is rolled out; empty: no rollout under way."),
  weight: integer(0, 100, ": the candidate's share of the traffic in percent")
    .optional()
    .describe("Default: 0."),
  pools: z
    .record(z.string(), z.unknown(), { error: "an object with a key for each pool" })
    .optional()
    .describe("The pools, by name."),
  objectives: z
    .array(z.unknown(), { error: "a list of {name, priority}" })
    .optional()
    .describe("Priorities, the same on both pools."),
  aliases: z
    .array(text("a model name"), { error: "a list of model names" })
    .optional()
    .describe(
      "Names by which clients ask for the base model, whatever it is: they stay when the model changes. The stable pool's own model name is one of them by itself.",
    ),
  adapters: z
    .array(z.unknown(), { error: "a list of {name, version, source, bases, candidate, weight}" })
    .optional()
    .describe("LoRA adapters, the same on both pools, loaded while the model servers run."),
  rollout: oneOf(["node-update", "base-model", "model-server", "adapter"])
    .optional()
    .describe("What the rollout is meant to be: refused where it is not."),
  cluster: clusterSchema.optional(),
  gateway: gatewaySchema.optional(),
  gate: gateSchema.optional(),
  ladder: z
    .array(integer(1, 100, ""), { error: "a list of weights" })
    .optional()
    .describe(`Weights that the output \`next\` proposes. Default: ${defaults.ladder.join(", ")}.`),
  capacity: capacitySchema.optional(),
  freeze: freezeSchema.optional(),
  rolledBack: rolledBackSchema.optional(),
  resumed: resumedSchema.optional(),
  huggingFaceToken: text("a token").optional().describe("Token for gated models. Set it with --secret."),
  allow: z
    .array(allowable, { error: "a list of rules" })
    .optional()
    .describe("Rules that are waived for one update; the output says so."),
} as const;

export type ConfigKey = keyof typeof configSchema;
export type PoolInput = Omit<z.infer<typeof poolSchema>, "server"> & { server?: ServerInput };
export type ServerInput = z.infer<typeof serverSchema> & {
  /** Places of the secret words in `args`; no key of the config: see secrets.ts. */
  secretArgs?: readonly number[];
  secretArgsGuessed?: boolean;
};
