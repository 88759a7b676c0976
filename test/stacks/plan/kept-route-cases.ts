import { labels } from "../../../components/names";
import type { LiveObject } from "../../../stacks/state/cluster-reader";
import { knownOf, observedRoute } from "../../../stacks/state/observe";
import { recordOf } from "../../../stacks/plan/record";
import { routeAnnotations } from "../../../stacks/state/route-annotations";
import { nothingDeployed, type DeploymentRecord, type Observed } from "../../../stacks/plan/model";
import type { RawConfig } from "../../../stacks/config/parse";
import { planFor, serviceConfig, sourceCase, type Planned } from "../cases";
import { liveRoute, poolRef, prefix } from "./route-fixtures";

/* A route that somebody's chart made, and updates of it as the API server takes them. */

export const pools = { ...sourceCase.pools, llm: { existing: true } };
export const brown = (weight: number, rest: RawConfig = {}): RawConfig => ({
  ...{ ...sourceCase, pools, weight, route: "chat" },
  ...rest,
});
export const service = { kind: "Service", name: "docs", port: 80, weight: 100 };
export const filters = [
  { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x", value: "1" }] } },
];
export const timeouts = { request: "300s" };

/** A route of several rules, as somebody's chart makes it. */
export const theirs = (change: (route: LiveObject) => void = () => undefined): LiveObject => {
  const route = liveRoute(
    "chat",
    [
      { matches: [prefix("/v1")], filters, timeouts, backendRefs: [poolRef("llm", { weight: 1 })] },
      {
        matches: [{ ...prefix("/docs"), headers: [{ type: "Exact", name: "x-tenant", value: "a" }] }],
        backendRefs: [service],
      },
      { matches: [prefix("/beta")], backendRefs: [service, poolRef("llm", { weight: 900, filters })] },
    ],
    {
      hostnames: ["a.example.org", "b.example.org"],
      parents: [{ name: "my-inference-gateway", sectionName: "http" }, { name: "public" }],
      labels: { team: "search", "app.kubernetes.io/managed-by": "Helm" },
    },
  );
  route.metadata.annotations = { "meta.helm.sh/release-name": "chat" };
  change(route);
  return route;
};

export const gateway = { name: "my-inference-gateway", namespace: "default", hostname: "a.example.org" };
export const live = { namespace: "default", replicas: 4, readyReplicas: 4 };
export const others = [
  { name: "llm", owned: false, ...live },
  { name: "llm-new", owned: true, ...live },
];

/** What the last successful update of each route left behind. */
export const records = new WeakMap<LiveObject, DeploymentRecord>();

/** What the plan sees of a live route. */
export function worldOf(route: LiveObject, raw: RawConfig): Observed {
  const record = records.get(route);
  return {
    ...nothingDeployed,
    pools: others,
    route: observedRoute(route, gateway, knownOf(serviceConfig(raw), record)),
    ...(record === undefined ? {} : { record }),
  };
}

/** One update of the route, as the API server takes it. @returns the plan. */
export function write(route: LiveObject, raw: RawConfig): Planned {
  const config = serviceConfig(raw);
  const done = planFor(config, worldOf(route, raw));
  if (done.refusals.length > 0 || done.shape === undefined) return done;
  const { labels: marks, annotations: notes, spec } = done.shape;
  const changed = JSON.stringify(spec) !== JSON.stringify(route["spec"]);
  const manager = "app.kubernetes.io/managed-by";
  route["spec"] = structuredClone({ ...(route["spec"] as object), ...spec });
  route.metadata = {
    ...route.metadata,
    generation: (route.metadata.generation ?? 1) + Number(changed),
    labels: {
      ...marks,
      [manager]: done.shape.managedByAnother
        ? (route.metadata.labels?.[manager] ?? "")
        : "gke-inference-rollout",
      [labels.service]: "llm",
    },
    annotations: { ...notes, ...routeAnnotations(done, false) },
  };
  records.set(route, recordOf(config, done));
  return done;
}

export const take = { allow: ["take-over-route"] };
export const rulesOf = (route: LiveObject): Record<string, unknown>[] =>
  (route["spec"] as { rules: Record<string, unknown>[] }).rules;
/** Everything that is the owner's: the spec without the pools of this stack, and metadata without its marks. */
export function ownersPart(route: LiveObject): unknown {
  const isPool = (ref: object): boolean => "group" in ref;
  const own = (entries: Record<string, string> = {}): Record<string, string> =>
    Object.fromEntries(
      Object.entries(entries).filter(([key]) => !/^(inference-rollout|pulumi\.com)\//.test(key)),
    );
  return {
    labels: own(route.metadata.labels),
    annotations: own(route.metadata.annotations),
    spec: {
      ...(route["spec"] as object),
      rules: rulesOf(route).map((rule) => ({
        ...rule,
        backendRefs: (rule["backendRefs"] as object[]).filter((ref) => !isPool(ref)),
        filtersOfPools: (rule["backendRefs"] as { filters?: object }[])
          .filter((ref) => isPool(ref))
          .map((ref) => ref.filters)
          .slice(0, 1),
      })),
    },
  };
}

export const weightsIn = (route: LiveObject): Record<string, number>[] =>
  rulesOf(route).map(({ backendRefs }) =>
    Object.fromEntries(
      (backendRefs as { name: string; weight: number }[]).map(({ name, weight }) => [name, weight]),
    ),
  );
