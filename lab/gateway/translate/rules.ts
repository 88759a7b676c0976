import { endpointsCluster, pickerCluster, poolCluster } from "../envoy/clusters";
import { clusterNames } from "../envoy/names";
import type { Share } from "../envoy/routes";
import type { Json, Resource } from "../envoy/types";
import type { Snapshot } from "../objects/snapshot";
import type { HTTPRoute, Redirect, RouteMatch, RouteRule } from "../objects/types";
import { resolveBackend, type Backend } from "./backends";
import { type PoolPlan, serviceEndpoints } from "./endpoints";
import { envoyRedirect, headerChanges, redirectOf } from "./filters";
import type { Problem } from "./listeners";
import { envoyMatch, Unsupported } from "./matches";

/** A rule, ready to be placed on domains. */
export interface CompiledRule {
  matches: readonly { match: RouteMatch; envoy: Json }[];
  headers: Json;
  redirect: Redirect | undefined;
  shares: readonly Share[];
  timeout: string;
  /** Whether clients may go over to WebSocket. */
  upgrades: boolean;
}

export interface CompiledRoute {
  rules: readonly CompiledRule[];
  backends: readonly Backend[];
  /** What the route asks for that is not done; it has no rules then. */
  unsupported?: Problem;
}

/** Clusters that rules need, by name; filled while rules are compiled. */
export type Clusters = Map<string, Resource>;

export function compileRoute(
  route: HTTPRoute,
  snapshot: Snapshot,
  poolPlan: (pool: PoolPlan["pool"]) => PoolPlan,
  clusters: Clusters,
): CompiledRoute {
  const rules = route.spec.rules ?? [{}];
  const backends = rules.map((rule) =>
    (rule.backendRefs ?? []).map((ref) => resolveBackend(route, ref, snapshot, poolPlan)),
  );
  try {
    const needed: Clusters = new Map();
    const compiled = rules.map((rule, i) =>
      named(i, () => compileRule(rule, backends[i] ?? [], snapshot, needed)),
    );
    for (const [name, cluster] of needed) clusters.set(name, cluster);
    return { rules: compiled, backends: backends.flat() };
  } catch (error) {
    // Whatever is wrong with a route must not keep the others from being served.
    const message =
      error instanceof Unsupported
        ? `the lab's Gateway does not support this: ${error.message}`
        : `the lab's Gateway failed on this: ${String(error)}`;
    return { rules: [], backends: backends.flat(), unsupported: { reason: "UnsupportedValue", message } };
  }
}

function named<T>(rule: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Unsupported) throw new Unsupported(`rules[${rule}]: ${error.message}`);
    if (error instanceof RangeError) throw new Unsupported(`rules[${rule}]: ${error.message}`);
    throw error;
  }
}

function compileRule(
  rule: RouteRule,
  backends: readonly Backend[],
  snapshot: Snapshot,
  clusters: Clusters,
): CompiledRule {
  if (rule.retry !== undefined) throw new Unsupported("retry");
  if (rule.sessionPersistence !== undefined) throw new Unsupported("sessionPersistence");
  const matches = rule.matches === undefined || rule.matches.length === 0 ? [{}] : rule.matches;
  const redirect = redirectOf(rule.filters);
  // Made for each listener later; here it shows whether it can be made.
  if (redirect !== undefined) envoyRedirect(redirect, { scheme: "http", port: 80 }, (port) => port, "/");
  const { request, backendRequest } = rule.timeouts ?? {};
  return {
    matches: matches.map((match) => ({ match, envoy: envoyMatch(match) })),
    headers: headerChanges(rule.filters),
    redirect,
    shares: backends.map((backend) => shareOf(backend, snapshot, clusters)),
    // A picker answers when it has the whole request, and a WebSocket's never ends; and a rule that took upgrades only
    // while its picker is away would be worse than one that never does.
    upgrades: backends.every(({ kind }) => kind !== "pool"),
    // Without retries the time for one attempt is the time for the request.
    timeout: shorter(
      request === undefined ? undefined : envoyDuration(request),
      backendRequest === undefined ? undefined : envoyDuration(backendRequest),
    ),
  };
}

function shareOf(backend: Backend, snapshot: Snapshot, clusters: Clusters): Share {
  const { weight, ref } = backend;
  if (redirectOf(ref.filters) !== undefined) throw new Unsupported("RequestRedirect in a backendRef");
  const headers = headerChanges(ref.filters);
  const define = (cluster: Resource): string => {
    clusters.set(cluster.name, cluster);
    return cluster.name;
  };
  switch (backend.kind) {
    case "unresolved":
      return { weight, headers, cluster: clusterNames.unresolved };
    case "service": {
      const { service, port, h2c } = backend;
      const endpoints = serviceEndpoints(service, port, snapshot);
      const name = clusterNames.service(service, port.port, h2c, endpoints);
      return { weight, headers, cluster: define(endpointsCluster(name, endpoints, h2c)) };
    }
    case "pool":
      return { weight, headers, ...poolTarget(backend.plan, define) };
  }
}

function poolTarget(
  { pool, mode, pickers, pods }: PoolPlan,
  define: (cluster: Resource) => string,
): Pick<Share, "cluster" | "picker"> {
  switch (mode) {
    case "picker":
      return {
        cluster: define(poolCluster(pool)),
        picker: define(pickerCluster(clusterNames.picker(pool, pickers), pickers)),
      };
    case "direct":
      return {
        cluster: define(
          endpointsCluster(
            clusterNames.pods(pool, pods),
            pods,
            pool.spec.appProtocol === "kubernetes.io/h2c",
          ),
        ),
      };
    case "closed":
      return { cluster: define(endpointsCluster(clusterNames.unavailable, [], false)) };
  }
}

const unitMs = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/**
 * A duration of Gateway API (GEP-2257: "1h", "1m30s", "250ms") as Envoy's JSON wants it ("90s", "0.25s").
 * "0s" means no limit to both. @throws RangeError for anything else than a duration.
 */
function envoyDuration(text: string): string {
  if (!/^(\d{1,5}(h|ms|m|s)){1,4}$/.test(text)) throw new RangeError(`${text} is not a duration`);
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(h|ms|m|s)/g)) {
    total += Number(count) * unitMs[unit as keyof typeof unitMs];
  }
  return `${total / 1000}s`;
}

/** The shorter of two Envoy durations, where zero is none. */
function shorter(a: string | undefined, b: string | undefined): string {
  const given = [a, b].filter((one) => one !== undefined && Number.parseFloat(one) > 0) as string[];
  return given.sort((x, y) => Number.parseFloat(x) - Number.parseFloat(y))[0] ?? "0s";
}
