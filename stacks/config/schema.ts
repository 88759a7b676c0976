import { z } from "zod";
import { acceleratorNames } from "../../components/accelerators/catalogue";
import { maxLabel, maxPoolName, maxServiceName } from "../names";
import { capacitySchema, freezeSchema, resumedSchema, rolledBackSchema } from "./safety-schema";

/*
 * The shape of a stack's config. Each field's error text is what is allowed there: validation adds the key, what
 * was found and the command that mends it (validate.ts). Descriptions and defaults become docs/config.md.
 */

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const dnsName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** A name that Kubernetes takes everywhere, so also where it must begin with a letter (Services). */
const name = (max: number): z.ZodString => {
  const allowed = `a name of at most ${max} characters: a-z, 0-9 and -, beginning with a letter, not ending with -`;
  return z
    .string({ error: allowed })
    .max(max, allowed)
    .regex(/^[a-z]/, allowed)
    .regex(dnsLabel, allowed);
};

const text = (allowed: string): z.ZodString => z.string({ error: allowed }).min(1, allowed);

/** An integer, also as the string that `pulumi config set` stores. */
function integer(min: number, max: number, what: string): z.ZodType<number> {
  const allowed = `a whole number from ${min} to ${max}${what}`;
  return z.preprocess(
    (value) => (typeof value === "string" && /^[+-]?\d+$/.test(value) ? Number(value) : value),
    z.int({ error: allowed }).min(min, allowed).max(max, allowed),
  );
}

function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values, { error: `one of ${values.join(", ")}` });
}

const flag = (): z.ZodType<boolean> =>
  z.preprocess(
    (value) => (value === "true" ? true : value === "false" ? false : value),
    z.boolean({ error: "true or false" }),
  );

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
      .describe("Further arguments of the server, after the ones that the program sets."),
    port: integer(1, 65535, "").optional().describe("Port of the server's HTTP API. Default: 8000."),
  },
  { error: "an object with engine, version, image, args, port" },
);

export const poolSchema = z.strictObject(
  {
    existing: flag()
      .optional()
      .describe("The pool was made by somebody else: it is read and routed to, never changed or removed."),
    like: name(maxPoolName)
      .optional()
      .describe("The pool whose settings (of an existing one: whose pod template) this one takes over."),
    accelerator: oneOf(acceleratorNames as [string, ...string[]])
      .optional()
      .describe("GKE's name of the accelerator."),
    acceleratorsPerReplica: integer(1, 64, "")
      .optional()
      .describe(
        "GPUs or TPU chips of one replica. Default: 1 GPU; for TPUs all chips of the smallest machine.",
      ),
    machineType: text("a Compute Engine machine type")
      .optional()
      .describe("Default: the smallest that carries a replica."),
    replicas: integer(1, 1000, ": what carries all of the traffic")
      .optional()
      .describe("Replicas that carry 100 % of the traffic on this hardware."),
    model: text("a model, as Qwen/Qwen3-8B").optional().describe("Default: the stack's model."),
    server: serverSchema.optional().describe("Default: the stack's server."),
    namespace: name(maxLabel).optional().describe("Where the pool lives. Settled when the pool is made."),
    zones: z
      .array(text("a zone"), { error: "a list of zones" })
      .min(1, "at least one zone")
      .optional()
      .describe("Zones of the nodes. Default: the cluster's."),
    provisioning: oneOf(["on-demand", "spot"])
      .optional()
      .describe("How the machines are bought. Default: on-demand."),
    driver: oneOf(["default", "latest", "disabled"])
      .optional()
      .describe("GPU driver that GKE installs. Default: default."),
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
  },
  { error: "an object with name, location, create, kubeconfig" },
);

export const gatewaySchema = z.strictObject(
  {
    name: name(maxLabel).optional().describe("Default: my-inference-gateway, the source's name."),
    namespace: name(maxLabel).optional().describe("Default: the service's namespace."),
    existing: flag()
      .optional()
      .describe("The Gateway was made by somebody else (also by a platform stack). Default: false."),
    routesFrom: z
      .array(name(maxLabel), { error: "a list of namespaces" })
      .optional()
      .describe("Namespaces whose routes may attach. Default: the service's namespace."),
    exposure: oneOf(["internal", "external"])
      .optional()
      .describe("Default: internal, a regional internal load balancer."),
    port: integer(1, 65535, "")
      .optional()
      .describe("Default: 80 in clear text inside the network, 443 with TLS."),
    hostname: text("a DNS name")
      .regex(dnsName, "a DNS name")
      .optional()
      .describe("Needed for an external gateway."),
    tlsSecret: name(maxLabel)
      .optional()
      .describe("Secret with the certificate, in the gateway's namespace. Needed for an external gateway."),
  },
  { error: "an object" },
);

export const gateSchema = z.strictObject(
  {
    via: oneOf(["gateway", "api-server", "off"])
      .optional()
      .describe(
        "How the candidate is asked before its share rises: through the gateway, by what the API server says of its pods, or not at all. Default: gateway.",
      ),
    address: text("host:port")
      .regex(/^[^\s/:]+:\d+$/, "host:port")
      .optional()
      .describe(
        "Where the gate reaches the gateway instead of the gateway's own address: a tunnel or a proxy.",
      ),
    timeoutSeconds: integer(1, 86_400, "")
      .optional()
      .describe("How long the gate waits for the candidate. Default: 600."),
  },
  { error: "an object with via, address, timeoutSeconds" },
);

const allowable = oneOf([
  ...(["edited-in-place", "destroy", "unready-stable", "frozen", "route-edited"] as const),
  ...(["take-over-route", "pool-missing", "route-missing"] as const),
]);

/** Every key of a stack's config, without the project's prefix. */
export const configSchema = {
  role: oneOf(["all", "platform", "service"])
    .optional()
    .describe("What this stack is made of. Default: all."),
  platform: text("a stack, as acme/inference/platform")
    .optional()
    .describe("role service: the platform stack whose outputs it takes."),
  service: name(maxServiceName)
    .optional()
    .describe("Name of the inference service; its route is routes-to-<service>. Default: llm."),
  namespace: name(maxLabel).optional().describe("Where the customers' route lives. Default: default."),
  model: text("a model, as Qwen/Qwen3-8B")
    .optional()
    .describe("The model that every pool serves that names none itself."),
  server: serverSchema.optional().describe("The model server of every pool that names none itself."),
  stable: name(maxPoolName).optional().describe("The pool that serves the customers."),
  candidate: z
    .union([z.literal(""), name(maxPoolName)], { error: "the name of a pool, or nothing" })
    .optional()
    .describe("The pool that is rolled out; empty: no roll-out under way."),
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
  rollout: oneOf(["node-update", "base-model", "model-server"])
    .optional()
    .describe("What the roll-out is meant to be: refused where it is not."),
  cluster: clusterSchema.optional(),
  gateway: gatewaySchema.optional(),
  gate: gateSchema.optional(),
  ladder: z
    .array(integer(1, 100, ""), { error: "a list of weights" })
    .optional()
    .describe("Weights that the output `next` proposes. Default: 10, 30, 60, 100."),
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
export type PoolInput = z.infer<typeof poolSchema>;
export type ServerInput = z.infer<typeof serverSchema>;
export type Allowance = z.infer<typeof allowable>;
