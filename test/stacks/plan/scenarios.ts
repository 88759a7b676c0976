import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import type { Claim, OwnedObject } from "../../../stacks/plan/claims";
import { holdsNothing, type HeldPlatform, type WantedPlatform } from "../../../stacks/plan/standing";
import { after, serviceConfig, sourceCase } from "../cases";
import { adapterScenarios } from "./adapter-scenarios";
import { copyScenarios } from "./copy-scenarios";
import { gateway, known, othersOf, poolRef, prefix } from "./route-fixtures";
import { shapeScenarios } from "./shape-scenarios";
import { type Scenario, deployed, planned } from "./worlds";

/*
 * One situation for each rule that refuses an update; docs/refusals.md shows the messages they give.
 */

export const serving = { ...sourceCase, candidate: "", weight: 0 };
export const at = (weight: number): RawConfig => ({ ...sourceCase, weight });
export const promoted = { ...serving, stable: "llm-new" };

/** The same world with other weights in the live route, as `kubectl edit` leaves it. */
export function edited(world: Observed, weights: Readonly<Record<string, number>>): Observed {
  const backends = Object.entries(weights).map(([pool, weight]) => ({ namespace: "default", pool, weight }));
  return { ...world, route: { ...world.route, backends, coOwners: ["kubectl-edit"] } };
}

/** The same world with a route that this program did not make. */
export function foreign(
  world: Observed,
  weights: Readonly<Record<string, number>>,
  differences = { rules: [] as string[], attachment: [] as string[] },
): Observed {
  const backends = Object.entries(weights).map(([pool, weight]) => ({ namespace: "default", pool, weight }));
  return {
    pools: world.pools,
    namespaces: world.namespaces,
    route: { backends, foreign: true, differences, coOwners: ["helm"] },
  };
}

/** The same value without one of its fields. */
export function less<T extends object, K extends keyof T>(value: T, field: K): Omit<T, K> {
  const copy = { ...value };
  Reflect.deleteProperty(copy, field);
  return copy;
}

/** The same world without a pool. */
export function without(world: Observed, name: string): Observed {
  return { ...world, pools: world.pools.filter((pool) => pool.name !== name) };
}

export const rolledBack = { candidate: "llm-new", reason: "worse answers", time: "2026-11-20T09:00:00Z" };
export const resumed = { candidate: "llm-new", reason: "new weights", time: "2026-11-21T09:00:00Z" };
const sale = { from: "2026-11-27T00:00:00Z", to: "2026-11-30T00:00:00Z", reason: "Black Friday" };
const inTheSale = new Date("2026-11-28T12:00:00Z");
const objectives = [{ name: "batch", priority: -10 }];
const brownfield = { ...serving, pools: { ...sourceCase.pools, llm: { existing: true } } };

/** One replica, with labels on its pod. */
const oneReplica = (labels: object): RawConfig => ({
  ...serving,
  pools: { llm: { accelerator: "nvidia-l4", replicas: 1, server: { labels } } },
});

const withNew = (pool: object): RawConfig => ({
  ...at(0),
  pools: { llm: sourceCase.pools.llm, "llm-new": { replicas: 2, ...pool } },
});

const inference = { name: "inference", location: "us-central1", project: "acme-ml" };
const heldCluster: HeldPlatform = { ...holdsNothing, cluster: inference, regions: ["us-central1"] };
/** cluster.name was set to the name of the cluster that the stack created. */
const namedCluster: WantedPlatform = {
  ...{ role: "all", mode: "adopt", region: "us-central1", place: inference },
};

const claim = (kind: string, name: string, rest: Partial<OwnedObject> = {}): Claim => ({
  object: {
    group: kind === "HTTPRoute" ? "gateway.networking.k8s.io" : "inference.networking.k8s.io",
    kind,
    namespace: "default",
    name,
    service: "llm",
    owner: { id: "b1c2", stack: "acme/inference-rollout/blue" },
    managers: [],
    ...rest,
  },
  whose: "theirs",
});

export const scenarios: readonly Scenario[] = [
  {
    rule: "another-stacks",
    config: serving,
    world: () => ({
      ...deployed(serving),
      claims: [claim("InferencePool", "llm", { pool: "llm" }), claim("HTTPRoute", "routes-to-llm")],
    }),
  },
  {
    rule: "service-moved",
    config: { ...at(30), service: "chat", route: "routes-to-llm" },
    world: () => deployed(at(0), at(30)),
  },
  {
    rule: "nodes-shared",
    config: serving,
    world: () => ({
      ...nothingDeployed,
      claims: [
        {
          whose: "theirs",
          object: {
            ...{ group: "rbac.authorization.k8s.io", kind: "ClusterRoleBinding" },
            ...{ name: "search-llm-epp-reviewer", service: "llm", pool: "llm", managers: [] },
            owner: { id: "b1c2", stack: "acme/inference-rollout/search" },
          },
        },
      ],
    }),
  },
  { rule: "pool-has-traffic", config: serving, world: () => deployed(at(0), at(30)) },
  { rule: "existing-pool-ours", config: brownfield, world: () => deployed(serving) },
  {
    rule: "unproven-stable",
    config: { ...promoted, pools: brownfield.pools },
    world: () => ({
      ...deployed(serving),
      pools: [{ name: "llm", namespace: "default", owned: false }],
    }),
  },
  {
    rule: "edited-in-place",
    config: {
      ...at(0),
      pools: {
        ...sourceCase.pools,
        "llm-new": { accelerator: "nvidia-a100-80gb", replicas: 2, acceleratorsPerReplica: 8 },
      },
    },
    world: () => deployed(at(0)),
  },
  {
    rule: "restarts-only-replica",
    config: oneReplica({ team: "ads" }),
    world: () => deployed(oneReplica({ team: "search" })),
  },
  {
    rule: "moved-namespace",
    config: {
      ...at(0),
      pools: { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, namespace: "elsewhere" } },
    },
    world: () => deployed(at(0)),
  },
  {
    rule: "server-reference-missing",
    config: {
      ...serving,
      pools: {
        llm: {
          accelerator: "nvidia-l4",
          replicas: 2,
          server: { env: { HUB: { secret: "hub-credentials", key: "token" } } },
        },
      },
    },
    world: () => ({
      ...nothingDeployed,
      namespaces: { default: "foreign" },
      settings: {
        llm: {
          namespace: "default",
          missing: [
            {
              kind: "Secret",
              name: "hub-credentials",
              where: ["env HUB of container vllm"],
              problem: { kind: "absent" },
              atSource: false,
            },
          ],
          unchecked: [],
        },
      },
    }),
  },
  { rule: "existing-pool-missing", config: brownfield, world: () => nothingDeployed },
  {
    rule: "objectives-under-way",
    config: { ...at(0), objectives: [{ name: "batch", priority: 5 }] },
    world: () => deployed({ ...at(0), objectives }),
  },
  {
    rule: "not-the-kind",
    config: {
      ...at(0),
      rollout: "node-update",
      pools: { ...sourceCase.pools, "llm-new": { ...sourceCase.pools["llm-new"], model: "Qwen/Qwen3-14B" } },
    },
    world: () => nothingDeployed,
  },
  { rule: "latched", config: at(30), world: () => deployed(at(0), at(60), { ...at(0), rolledBack }) },
  {
    rule: "frozen",
    config: { ...at(60), freeze: [sale] },
    world: () => ({ ...deployed(at(0), at(30)), now: inTheSale }),
  },
  {
    rule: "route-edited",
    config: at(30),
    world: () => edited(deployed(at(0), at(30)), { llm: 50, "llm-new": 50 }),
  },
  {
    rule: "unknown-backend",
    config: at(30),
    world: () => edited(deployed(at(0), at(30)), { llm: 60, "llm-new": 30, "llm-canary": 10 }),
  },
  { rule: "pool-missing", config: at(30), world: () => without(deployed(at(0), at(30)), "llm-new") },
  {
    rule: "route-missing",
    config: at(30),
    world: () => less(deployed(at(0), at(30)), "route"),
  },
  {
    rule: "route-not-ours",
    config: brownfield,
    world: () =>
      foreign(
        { ...nothingDeployed, pools: [{ name: "llm", namespace: "default", owned: false }] },
        { llm: 1 },
      ),
  },
  ...copyScenarios,
  {
    rule: "no-zone",
    config: serving,
    world: () => ({
      ...nothingDeployed,
      zones: { llm: { machineType: "g2-standard-12", region: "us-central1", zones: [] } },
    }),
  },
  {
    rule: "gke-version",
    config: withNew({ accelerator: "nvidia-h200-141gb", provisioning: "spot" }),
    world: () => ({ ...nothingDeployed, cluster: { created: true, version: "1.33.5-gke.1697000" } }),
  },
  {
    rule: "workload-identity",
    config: withNew({ accelerator: "nvidia-l4" }),
    world: () => ({ ...nothingDeployed, cluster: { created: false, workloadIdentity: false } }),
  },
  {
    rule: "ubuntu-driver",
    config: withNew({ accelerator: "nvidia-l4", nodeImage: "ubuntu" }),
    world: () => nothingDeployed,
  },
  {
    rule: "bare-metal-cluster",
    config: withNew({
      ...{ accelerator: "nvidia-gb300", provisioning: "reservation", reservation: "racks" },
      zones: ["us-central1-a"],
    }),
    world: () => ({ ...nothingDeployed, cluster: { created: true } }),
  },
  {
    rule: "autoscaling-metrics",
    config: withNew({ accelerator: "nvidia-l4", autoscaling: { max: 8 } }),
    world: () => ({ ...nothingDeployed, cluster: { created: false, customMetrics: false } }),
  },
  {
    rule: "image-mirror-in-use",
    config: serving,
    world: () => {
      const mirrors = { "docker.io": "us-central1-docker.pkg.dev/acme-ml/inference-docker-hub" };
      const made = planned(serving, { ...nothingDeployed, imageMirrors: mirrors });
      return { ...after(serviceConfig(serving), made), otherMirrors: mirrors };
    },
  },
  {
    rule: "platform-changed",
    config: at(10),
    world: () => ({ ...deployed(at(10)), standing: { held: heldCluster, wanted: namedCluster } }),
  },
  {
    rule: "nodes-changed",
    config: serving,
    world: () => ({ ...deployed(serving), ownNodes: false }),
  },
  {
    rule: "other-route",
    config: { ...brownfield, candidate: "llm-new", weight: 50 },
    world: () => ({
      ...nothingDeployed,
      pools: [{ name: "llm", namespace: "default", owned: false }],
      others: othersOf([known("llm-route", [{ matches: [prefix("/")], backendRefs: [poolRef("llm")] }])]),
    }),
  },
  {
    rule: "address-dropped",
    config: at(30),
    world: () => ({
      ...deployed(at(10)),
      others: othersOf([], {
        customers: known("routes-to-llm", [{ backendRefs: [poolRef("llm")] }], {
          hostnames: ["llm.example.com"],
        }),
        gateway: { ...gateway, hostname: "chat.example.com" },
      }),
    }),
  },
  {
    rule: "routes-unknown",
    config: at(30),
    world: () => ({
      ...deployed(at(0)),
      others: othersOf([], { unseen: ["HTTPRoutes of the whole cluster cannot be listed (forbidden)"] }),
    }),
  },
  ...shapeScenarios,
  {
    rule: "taken-over-route",
    config: { ...serving, allow: ["destroy"] },
    world: () => {
      const world = deployed(serving);
      return { ...world, route: { backends: [], ...world.route, takenOver: true } };
    },
  },
  {
    rule: "release-serving",
    config: { ...brownfield, candidate: "llm-new", weight: 30, allow: ["release"] },
    world: () => {
      const config = { ...sourceCase, weight: 30 };
      const world = deployed(at(0), config);
      return {
        ...world,
        pools: world.pools.map((pool) =>
          pool.name === "llm" ? { name: "llm", namespace: "default", owned: false } : pool,
        ),
      };
    },
  },
  {
    rule: "cluster-rights",
    config: { ...serving, objectives, clusterScoped: false },
    world: () => nothingDeployed,
  },
  ...adapterScenarios,
];
