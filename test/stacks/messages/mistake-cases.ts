import { z } from "zod";
import { longFormOf, unwrapped } from "../../../stacks/config/fields";
import { configSchema, typeAt } from "../../../stacks/config/schema";
import type { RawConfig } from "../../../stacks/config/parse";
import { sourceCase } from "../cases";

/*
 * Configs with mistakes. Those of a key's own shape are made from the schema, so that a key that is added tomorrow is
 * among them; those between several keys are written down, one for each message (fixes.test.ts asks for what is
 * missing).
 */

const adapter = { name: "sql", version: "v1", source: "acme/sql", bases: ["Qwen/Qwen3-8B"] };

/** A config in which every list and object has something in it. */
const base: RawConfig = {
  ...sourceCase,
  objectives: [{ name: "batch", priority: -10 }],
  adapters: [adapter],
};

/** None of them is right everywhere; most are wrong nearly everywhere. */
const wrong: readonly unknown[] = [
  8192,
  true,
  "not ! right",
  "-x",
  { zzz: 1 },
  ["not ! right"],
  "8192",
  "2026-11-27",
];

type Path = readonly (string | number)[];

function* paths(schema: z.ZodType, at: Path): Generator<{ at: Path; open: boolean }> {
  const inner = longFormOf(unwrapped(schema).inner);
  yield { at, open: inner instanceof z.ZodObject };
  if (inner instanceof z.ZodObject) {
    for (const [name, field] of Object.entries<z.ZodType>(inner.shape)) yield* paths(field, [...at, name]);
  }
  if (inner instanceof z.ZodArray) yield* paths(inner.element as z.ZodType, [...at, 0]);
}

function withValue(value: unknown, path: Path, put: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return put;
  if (typeof part === "number") {
    const list = Array.isArray(value) ? [...(value as unknown[])] : [];
    list[part] = withValue(list[part], rest, put);
    return list;
  }
  const object = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  return { ...object, [part]: withValue(object[part], rest, put) };
}

/** Every key of the schema with every wrong value, and with keys that it does not have. */
export function* shapeCases(): Generator<RawConfig> {
  const roots: [z.ZodType, Path][] = [
    ...Object.entries(configSchema).map(([key, schema]): [z.ZodType, Path] => [schema as z.ZodType, [key]]),
    [typeAt(configSchema.pools, ["llm"])?.type ?? z.never(), ["pools", "llm"]],
  ];
  for (const [schema, root] of roots) {
    for (const { at, open } of paths(schema, root)) {
      for (const value of wrong) yield withValue(base, at, value) as RawConfig;
      if (!open) continue;
      for (const key of ["zzz", "a.b", 'q"[']) yield withValue(base, [...at, key], 1) as RawConfig;
    }
  }
  yield { ...base, wieght: 10, "foo.bar": "x", modle: "Qwen/Qwen3-8B" };
  for (const name of ["llama-3.1-8b", 'a"b', "a[0]", "Größe", "compass-token.x"]) {
    yield { ...base, pools: { ...sourceCase.pools, [name]: { accelerator: "nope", replicas: 0, zzz: 1 } } };
  }
}

const aVolume = { name: "data", mountPath: "/data", emptyDir: {} };
const h100 = { accelerator: "nvidia-h100-80gb", replicas: 2 };
const pools = sourceCase.pools;
const withPool = (fields: object): RawConfig => ({
  ...sourceCase,
  pools: { ...pools, "llm-new": { ...h100, ...fields } },
});
const withoutKeys = (...keys: string[]): RawConfig =>
  Object.fromEntries(Object.entries(sourceCase).filter(([key]) => !keys.includes(key)));
const rolledBack = { candidate: "llm-new", reason: "slow", time: "2026-11-20T09:00:00Z" };
const external = { exposure: "external", hostname: "llm.example.com", tlsSecret: "cert" };
const armor = (region: string): string => `projects/p/locations/${region}/templates/t`;

/** Mistakes between several keys. */
export const crossCases: readonly RawConfig[] = [
  {},
  { ...sourceCase, route: "preview-of-llm" },
  { ...sourceCase, gateway: { hostname: "*.example.com" } },
  { ...sourceCase, gateway: { hostname: "*.example.com" }, hostname: "llm.example.org" },
  {
    ...sourceCase,
    pools: {
      llm: { existing: true },
      "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 1, server: { port: 8080 } },
    },
  },
  { ...sourceCase, "gcp:none": "true" },
  { ...sourceCase, cluster: { name: "inference", imageMirrors: ["docker.io"] } },
  { ...sourceCase, cluster: { kubeconfig: "kubeconfig.yaml", imageMirrors: ["docker.io", "ghcr.io"] } },
  withPool({
    ...{ accelerator: "nvidia-gb200", acceleratorsPerReplica: 4, provisioning: "reservation" },
    ...{ reservation: "r", zones: ["a"], replicas: 100 },
  }),
  withPool({ accelerator: "nvidia-l4", acceleratorNetwork: "auto" }),
  withPool({ weights: { from: "hugging-face", path: "b" } }),
  withPool({
    weights: { from: "gcs", bucket: "acme-models", loader: "stream" },
    server: { engine: "sglang" },
  }),
  {
    ...withPool({ accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, zones: ["a"], adapters: true }),
    adapters: [adapter],
  },
  {
    ...sourceCase,
    pools: {
      llm: { existing: true },
      "llm-new": {
        ...{ like: "llm", accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16 },
        ...{ zones: ["a"], replicas: 1 },
      },
    },
  },
  withPool({ server: { volumes: [{ ...aVolume, name: "cache" }] } }),
  withPool({ server: { volumes: [aVolume, { ...aVolume, mountPath: "/other" }] } }),
  withPool({ server: { volumes: [{ ...aVolume, mountPath: "/dev/shm" }] } }),
  withPool({ server: { volumes: [{ ...aVolume, configmap: {} }] } }),
  withPool({ server: { volumes: [{ ...aVolume, nfs: { server: "a", path: "/b" } }] } }),
  withPool({ server: { env: { LWS_LEADER_ADDRESS: "x" }, labels: { app: "x" } } }),
  withPool({ server: { podPatch: { spec: { nodeName: "a", containers: [{ image: "a" }] } } } }),
  withPool({ like: { pool: "llm", overrides: { spec: { hostIPC: true } } } }),
  {
    ...sourceCase,
    pools: {
      ...pools,
      llm: { existing: true },
      "llm-new": {
        ...h100,
        like: {
          pool: "llm",
          overrides: {
            metadata: { labels: { "app.kubernetes.io/managed-by": "x" } },
            spec: { nodeName: "a", containers: [{ image: "a" }] },
          },
        },
      },
    },
  },
  withoutKeys("pools"),
  withoutKeys("stable"),
  withoutKeys("candidate"),
  withoutKeys("model"),
  { ...sourceCase, stable: "llmm" },
  { ...sourceCase, candidate: "other" },
  { ...sourceCase, candidate: "llm" },
  { ...sourceCase, role: "service" },
  { ...sourceCase, objectives: ["a", "b", "a"].map((name, priority) => ({ name, priority })) },
  { ...sourceCase, aliases: ["a", "b", "a"] },
  { ...sourceCase, rolledBack },
  { ...sourceCase, rolledBack: { ...rolledBack, candidate: "llm" } },
  { ...sourceCase, freeze: [{ from: "2026-11-28T00:00:00Z", to: "2026-11-27T00:00:00Z", reason: "x" }] },
  { ...sourceCase, gateway: { exposure: "external" } },
  { ...sourceCase, gateway: { ...external, certificate: "c" } },
  { ...sourceCase, gateway: { ...external, globalAccess: true } },
  { ...sourceCase, gateway: { cloudArmor: "policy" } },
  {
    ...sourceCase,
    gateway: {
      modelArmor: { promptTemplate: armor("us-central1"), responseTemplate: armor("europe-west1") },
    },
  },
  {
    ...withoutKeys("model"),
    pools: { llm: { ...pools.llm, model: "m/m" }, "llm-new": { ...h100, model: "m/m" } },
    gateway: { modelArmor: { promptTemplate: armor("us-central1"), responseTemplate: armor("us-central1") } },
  },
  withPool({ like: "llm-new" }),
  { ...sourceCase, pools: { ...pools, "llm-new": { like: "nope" } } },
  withPool({ like: { pool: "llm", overrides: { spec: { hostIPC: true } } } }),
  { ...sourceCase, pools: { ...pools, "llm-new": { like: "llm", accelerator: "x" } } },
  { ...sourceCase, pools: { ...pools, "llm-new": { replicas: 2 } } },
  { ...sourceCase, pools: { ...pools, "llm-new": { accelerator: "nvidia-l4" } } },
  {
    ...sourceCase,
    pools: {
      llm: { existing: true },
      "llm-new": { like: "llm", accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, replicas: 1 },
    },
  },
  withPool({ acceleratorsPerReplica: 3 }),
  withPool({ machineType: "g2-standard-4" }),
  withPool({ nodeLabels: ["a=b"] }),
  withPool({ provisioning: "reservation" }),
  withPool({ reservation: "r" }),
  withPool({ fallback: "on-demand" }),
  withPool({
    provisioning: "spot",
    fallback: "on-demand",
    acceleratorsPerReplica: 16,
    accelerator: "tpu-v6e-slice",
  }),
  withPool({ acceleratorNetwork: "none", accelerator: "nvidia-l4" }),
  withPool({ driver: "latest", accelerator: "tpu-v6e-slice" }),
  withPool({ nodeImage: "ubuntu", accelerator: "tpu-v6e-slice" }),
  withPool({ imageCache: "global/images/x", accelerator: "tpu-v6e-slice" }),
  withPool({ diskGb: 10 }),
  withPool({ accelerator: "nvidia-gb200", acceleratorsPerReplica: 4, replicas: 100 }),
  withPool({ accelerator: "nvidia-gb300", acceleratorsPerReplica: 4, replicas: 100 }),
  withPool({ accelerator: "nvidia-gb200", acceleratorsPerReplica: 4, zones: ["a", "b"] }),
  withPool({ accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, zones: ["a", "b"] }),
  withPool({ zones: ["a", "b"], provisioning: "reservation", reservation: "r" }),
  withPool({ accelerator: "tpu-v6e-slice", server: { engine: "sglang" } }),
  withPool({ weights: { from: "gcs" } }),
  withPool({ weights: { from: "disk" } }),
  withPool({ weights: { from: "hugging-face", bucket: "b" } }),
  withPool({ weights: { from: "gcs", bucket: "b", loader: "stream" }, server: { engine: "sglang" } }),
  ...[
    { image: "registry.example.com/epp:v1.5.0", version: "v1.5.1" },
    { config: { queue: -1 } },
    { config: { queue: 0 } },
    { config: { queues: 1, cache: "x" } },
    { config: { plugins: [{ type: "queue-score" }, { type: "latency-scorer" }], zzz: 1, kind: "Pod" } },
    { config: { plugins: [{ type: "token-load-scorer" }, { type: "inflight-load-producer" }] } },
    { config: { plugins: "none" } },
    { config: { plugins: [{ name: "a" }, { type: "queue-scorer" }, { type: "queue-scorer" }] } },
    {
      config: {
        plugins: [{ type: "queue-scorer" }],
        schedulingProfiles: [{ name: "a", plugins: [{ pluginRef: "queue-score" }, { pluginRef: "zzz" }] }],
        featureGates: ["zzz"],
      },
    },
    { config: { plugins: [{ type: "queue-scorer" }] }, featureGates: ["flowControl"] },
    { flags: { "pool-name": "a", verbosity: 1, "--v": 1, v: "loud" } },
    { featureGates: ["flowcontrol", "zzz"] },
  ].map((picker) => withPool({ picker })),
  {
    ...sourceCase,
    pools: {
      llm: { ...pools.llm, picker: { image: "registry.example.com/ours:1", flags: { ours: 1 } } },
      "llm-new": { like: "llm", picker: { version: "v1.5.0" } },
    },
  },
  withPool({ picker: { featureGates: ["enableLegacyMetrics"] }, server: { engine: "sglang" } }),
  withPool({ autoscaling: { max: 1 } }),
  withPool({ autoscaling: { max: 9 }, replicasOwner: "external" }),
  { ...sourceCase, pools: { ...pools, ["x".repeat(41)]: { ...h100, replicas: 1 } } },
  withPool({ replicasOwner: "me" }),
  withPool({ workload: "Pod/x" }),
  withPool({ autoscaling: { max: 9, metric: "cache", target: 500 } }),
  withPool({ autoscaling: { max: 9 }, accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16 }),
  {
    ...withoutKeys("model"),
    pools: { llm: { ...pools.llm, model: "m/m" }, "llm-new": { ...h100, model: "m/m" } },
    adapters: [{ name: "sql", source: "a/b" }],
  },
  { ...sourceCase, adapters: [{ ...adapter, weight: 10 }] },
  { ...sourceCase, adapters: [{ ...adapter, candidate: { version: "v1", source: "acme/x" } }] },
  { ...sourceCase, adapters: [adapter, adapter] },
  { ...sourceCase, adapters: [{ ...adapter, name: "Qwen/Qwen3-8B" }] },
  { ...sourceCase, aliases: ["sql"], adapters: [adapter] },
  {
    ...sourceCase,
    adapters: [adapter],
    pools: { ...pools, llm: { existing: true }, "llm-new": { ...h100, like: "llm", adapters: true } },
  },
  {
    ...withPool({ accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, adapters: true }),
    adapters: [adapter],
  },
  { ...withPool({ server: { engine: "sglang" } }), adapters: [adapter] },
];

/** Configs whose mistakes have to be put right in the order in which they are told. */
export const orderCases: readonly RawConfig[] = [
  { ...sourceCase, objectives: ["a", "b", "a", "a"].map((name, priority) => ({ name, priority })) },
  { ...sourceCase, aliases: ["a", "b", "a", "a"] },
  { ...sourceCase, allow: ["destroy", "nope", "frozen", "nope-too"] },
];
