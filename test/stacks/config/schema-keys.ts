import { z } from "zod";
import { unwrapped } from "../../../stacks/config/fields";
import { allKeys } from "../../../stacks/config/schema";

/** Every key of the schema that holds a value and not more keys, as `pools.*.server.args[]`; whatever is added to it. */
export function schemaKeys(): string[] {
  return allKeys()
    .filter(({ type }) => {
      const { inner } = unwrapped(type);
      return ![z.ZodObject, z.ZodArray, z.ZodRecord].some((container) => inner instanceof container);
    })
    .map(({ key }) => key);
}

/** The key of the schema that a key of a config is: `pools.llm.server.args[1]` is `pools.*.server.args[]`. */
export const schemaKeyOf = (key: string): string =>
  key
    .replace(/^pools\.[^.[]+/, "pools.*")
    .replace(/(\.picker\.(config|flags))\.[^.[]+/, "$1.*")
    .replace(/\[\d+\]/g, "[]")
    .replace(/(like\.overrides\.(?:metadata|spec))\..*/, "$1.*")
    .replace(/(server\.(?:env|labels|annotations|podPatch\.metadata|podPatch\.spec))\..*/, "$1.*");

/**
 * A config with something at every key of the schema. Where the schema takes any text, it is marked: `marked-` and a
 * number of its own. Not every key goes with every other; each is right by itself.
 */
export const everyKey: Readonly<Record<string, unknown>> = {
  role: "all",
  platform: "marked-1/inference/platform",
  service: "marked-2",
  namespace: "marked-3",
  hostname: "marked-99.example.com",
  model: "marked-4/model",
  server: {
    engine: "vllm",
    version: "marked-5",
    image: "marked-6/vllm:v0.21.0",
    args: ["--api-key", "marked-7"],
    port: 8000,
    loadingMinutes: 20,
    env: { AN_ENV: "marked-60" },
    resources: { cpu: "8", memory: "32Gi", ephemeralStorage: "200Gi" },
    shmGb: 16,
    drainSeconds: 600,
    volumes: [
      { name: "marked-61", mountPath: "/marked-62", subPath: "marked-63", readOnly: true, emptyDir: {} },
    ],
    priorityClassName: "marked-64",
    labels: { team: "marked-65" },
    annotations: { team: "marked-66" },
    podPatch: {
      metadata: { labels: { tier: "marked-67" } },
      spec: { runtimeClassName: "marked-68" },
    },
  },
  weights: { from: "gcs", bucket: "marked-8", path: "marked-9/folder", loader: "mount", claim: "marked-10" },
  stable: "llm",
  candidate: "llm-new",
  weight: 10,
  pools: {
    llm: {
      existing: false,
      accelerator: "nvidia-l4",
      acceleratorsPerReplica: 1,
      machineType: "marked-11",
      replicas: 6,
      model: "marked-12/model",
      server: {
        engine: "vllm",
        version: "marked-13",
        image: "marked-14/vllm:v0.21.0",
        args: ["--api-key", "marked-15"],
        port: 8000,
        loadingMinutes: 20,
        env: { AN_ENV: "marked-70" },
        resources: { cpu: "8", memory: "32Gi", ephemeralStorage: "200Gi" },
        shmGb: 16,
        drainSeconds: 600,
        volumes: [
          { name: "marked-71", mountPath: "/marked-72", subPath: "marked-73", readOnly: true, emptyDir: {} },
        ],
        priorityClassName: "marked-74",
        labels: { team: "marked-75" },
        annotations: { team: "marked-76" },
        podPatch: {
          metadata: { labels: { tier: "marked-77" } },
          spec: { runtimeClassName: "marked-78" },
        },
      },
      picker: {
        version: "v1.5.0",
        image: "marked-56/epp:v1.5.0",
        replicas: 2,
        resources: { cpu: "2", memory: "4Gi" },
        config: { queue: 2 },
        flags: { v: 2 },
        featureGates: ["flowControl"],
      },
      replicasOwner: "stack",
      namespace: "marked-16",
      zones: ["marked-17"],
      provisioning: "on-demand",
      reservation: "marked-18",
      fallback: "on-demand",
      driver: "default",
      nodeVersion: "1.34.1-gke.2037000",
      nodeImage: "cos",
      imageCache: "global/images/marked-19",
      diskGb: 100,
      nodeLabels: ["tier=marked-20"],
      acceleratorNetwork: "none",
      weights: { from: "gcs", bucket: "marked-21", path: "marked-22", loader: "mount", claim: "marked-23" },
      autoscaling: { max: 9, metric: "queue", target: 10, shrinkAfterSeconds: 300 },
      adapters: true,
    },
    "llm-new": { like: "llm", workload: "marked-57", accelerator: "nvidia-h100-80gb", replicas: 2 },
    "llm-3": {
      like: {
        pool: "llm",
        overrides: {
          metadata: { labels: { tier: "marked-80" } },
          spec: { runtimeClassName: "marked-81" },
        },
      },
    },
  },
  objectives: [{ name: "marked-24", priority: 1 }],
  objectivesIn: "one-namespace",
  aliases: ["marked-25"],
  adapters: [
    {
      name: "marked-26",
      version: "marked-27",
      source: "marked-28/adapter",
      bases: ["marked-29/model"],
      candidate: { version: "marked-30", source: "marked-31/adapter" },
      weight: 1,
    },
  ],
  rollout: "node-update",
  cluster: {
    name: "marked-32",
    location: "marked-33",
    create: true,
    kubeconfig: '{"users":[{"user":{"token":"marked-34"}}]}',
    channel: "regular",
    authorizedNetworks: ["203.0.113.7/32"],
    systemNodes: 6,
    imageMirrors: ["docker.io"],
    nodeServiceAccount: "marked-35@acme-ml.iam.gserviceaccount.com",
  },
  gateway: {
    name: "marked-36",
    namespace: "marked-37",
    existing: false,
    routesFrom: ["marked-38"],
    exposure: "internal",
    port: 8080,
    hostname: "marked-39.example.com",
    tlsSecret: "marked-40",
    certificate: "marked-41",
    address: "marked-42",
    globalAccess: true,
    timeoutSeconds: 600,
    logging: true,
    cloudArmor: "marked-43",
    modelArmor: {
      promptTemplate: "projects/marked-44/locations/us-central1/templates/a",
      responseTemplate: "projects/marked-45/locations/us-central1/templates/b",
      model: "marked-46/model",
      failOpen: false,
    },
  },
  clusterScoped: true,
  guardedServices: [
    {
      service: "marked-90",
      namespace: "marked-91",
      route: "marked-92",
      poolNamespaces: ["marked-93"],
    },
  ],
  route: "marked-54",
  gate: {
    via: "gateway",
    address: "marked-47:8443",
    timeoutSeconds: 600,
    endpoint: "chat",
    names: "declared",
    apiKey: "marked-55",
  },
  ladder: [10, 30],
  capacity: { mode: "full", headroom: 1.2, rollbackReserve: 0.5 },
  freeze: [{ from: "2026-11-27T00:00:00Z", to: "2026-11-30T00:00:00Z", reason: "marked-48" }],
  rolledBack: { candidate: "marked-49", reason: "marked-50", time: "2026-11-20T09:00:00Z" },
  resumed: { candidate: "marked-51", reason: "marked-52", time: "2026-11-21T09:00:00Z" },
  huggingFaceToken: "marked-53",
  allow: ["destroy"],
};

/** The mark that a value has in it. */
export const markIn = (value: unknown): string | undefined => /marked-\d+/.exec(String(value))?.[0];
