import { planPool, type PoolPlan } from "./endpoints";
import { envoyListener, type Chain } from "../envoy/listener";
import { listenerName, routeConfigName } from "../envoy/names";
import { clustersOf, routeConfiguration } from "../envoy/routes";
import type { EnvoyConfig, ListenerConfig, RouteConfig } from "../envoy/types";
import type { Placed } from "../placement";
import { byAge, ourGateways, type Snapshot } from "../objects/snapshot";
import { keyOf, type Gateway, type HTTPRoute, type InferencePool } from "../objects/types";
import { attachmentsOf, type Attachment, type GatewayPlan } from "./attachment";
import { problemOf, type Backend } from "./backends";
import { virtualHosts, type Attached } from "./hosts";
import { isUsable, planListeners, type ListenerPlan, type Problem } from "./listeners";
import { asRefused, notAccepted, type OtherNamespaces } from "./other-namespaces";
import { compileRoute, type Clusters } from "./rules";

/** What translation needs besides the cluster's objects. */
export interface Surroundings {
  placeOf: (gateway: Gateway) => Placed;
  /** The port that is bound for one that a listener wants. */
  boundPort: (gateway: Gateway, port: number) => number;
  /** Whether a picker's endpoint answers. */
  answers: (endpoint: string) => boolean;
  /** File from which Envoy reads a route configuration. */
  routeFile: (name: string) => string;
  /** File for a line about each request; absent for none. */
  accessLog?: string | undefined;
  /** Envoy's complaint about a route, by {@link versionOf}. */
  refused: ReadonlyMap<string, string>;
  /** How pools of other namespaces are refused; absent: they are not. */
  otherNamespaces?: OtherNamespaces | undefined;
}

export interface RoutePlan {
  route: HTTPRoute;
  attachments: readonly Attachment[];
  backends: readonly Backend[];
  /** Why no parent accepts it, whatever its attachments. */
  unsupported?: Problem;
  /** Why not all of its references lead somewhere. */
  unresolved?: Problem;
}

/** What Envoy is to serve, and what there is to say about each object. */
export interface Plan {
  envoy: EnvoyConfig;
  gateways: readonly GatewayPlan[];
  /** Routes that name a Gateway of ours. */
  routes: readonly RoutePlan[];
  /** Pools that such a route names. */
  pools: readonly PoolPlan[];
}

export function versionOf({ metadata }: HTTPRoute): string {
  return `${metadata.uid ?? keyOf({ metadata })}@${metadata.generation ?? 0}`;
}

export function translate(cluster: Snapshot, around: Surroundings): Plan {
  const snapshot = asRefused(cluster, around.otherNamespaces);
  const gateways = ourGateways(snapshot).map((gateway) => {
    const place = around.placeOf(gateway);
    return {
      gateway,
      place,
      ports: new Map(gateway.spec.listeners.map(({ port }) => [port, around.boundPort(gateway, port)])),
      listeners: planListeners(gateway, snapshot, "problem" in place ? place.problem : undefined),
    };
  });
  const pools = new Map<string, PoolPlan>();
  const poolPlan = (pool: PoolPlan["pool"]): PoolPlan => {
    const plan = pools.get(keyOf(pool)) ?? planPool(pool, snapshot, around.answers);
    pools.set(keyOf(pool), plan);
    return plan;
  };
  const clusters: Clusters = new Map();
  const routes: RoutePlan[] = [];
  const attached: Attached[] = [];
  for (const route of [...snapshot.routes].sort(byAge)) {
    const attachments = attachmentsOf(route, gateways, snapshot);
    if (attachments.length === 0) continue;
    const compiled = compileRoute(route, snapshot, poolPlan, clusters);
    const complaint = around.refused.get(versionOf(route));
    const unsupported =
      compiled.unsupported ??
      notAccepted(route, around.otherNamespaces) ??
      (complaint === undefined ? undefined : { reason: "UnsupportedValue", message: `Envoy: ${complaint}` });
    const unresolved = compiled.backends.map(problemOf).find((problem) => problem !== undefined);
    routes.push({
      route,
      attachments,
      backends: compiled.backends,
      ...(unsupported !== undefined && { unsupported }),
      ...(unresolved !== undefined && { unresolved }),
    });
    if (unsupported !== undefined) continue;
    attached.push(...onceForEachListener(attachments).map((one) => ({ ...one, route, compiled })));
  }
  return {
    envoy: { clusters, ...sockets(gateways, attached, around) },
    gateways,
    routes,
    pools: [...pools.values()],
  };
}

export function namesPool({ backends }: RoutePlan, pool: InferencePool): boolean {
  return backends.some((one) => one.kind === "pool" && keyOf(one.plan.pool) === keyOf(pool));
}

/** The route configurations that hold a route for one of its parents. */
export function configsOf({ listeners }: Attachment): string[] {
  return [...new Set(listeners.filter(({ plan }) => isUsable(plan)).map(({ plan }) => configOf(plan)))];
}

function configOf({ gateway, listener }: ListenerPlan): string {
  return routeConfigName(gateway, listener.port, listener.protocol === "HTTPS" ? listener.name : undefined);
}

/** A route may name one listener by several parentRefs; it is served there once. */
function onceForEachListener(attachments: readonly Attachment[]): Pick<Attached, "listener" | "hostnames">[] {
  const found = new Map<ListenerPlan, Pick<Attached, "listener" | "hostnames">>();
  for (const { plan, hostnames } of attachments.flatMap(({ listeners }) => listeners)) {
    if (isUsable(plan)) found.set(plan, { listener: plan, hostnames });
  }
  return [...found.values()];
}

/** One Envoy listener for each port of each Gateway, and the routes behind it. */
function sockets(
  gateways: readonly GatewayPlan[],
  attached: readonly Attached[],
  around: Surroundings,
): Pick<EnvoyConfig, "routes" | "listeners"> {
  const routes = new Map<string, RouteConfig>();
  const listeners = new Map<string, ListenerConfig>();
  for (const { gateway, place, ports, listeners: plans } of gateways) {
    if ("problem" in place) continue;
    const bound = (port: number): number => ports.get(port) ?? port;
    const byConfig = groupBy(plans.filter(isUsable), configOf);
    for (const [name, group] of byConfig) {
      const here = attached.filter(({ listener }) => group.includes(listener));
      routes.set(name, {
        resource: routeConfiguration(name, virtualHosts(group, here, bound)),
        contributors: new Set(here.map(({ route }) => versionOf(route))),
        clusters: new Set(
          here.flatMap(({ compiled }) => compiled.rules.flatMap(({ shares }) => clustersOf(shares))),
        ),
      });
    }
    const byPort = groupBy([...byConfig], ([, group]) => group[0]?.listener.port ?? 0);
    for (const [port, configs] of byPort) {
      const name = listenerName(gateway, port);
      const chains = configs.map(([config, [plan]]) => chainOf(config, plan, around));
      listeners.set(name, {
        resource: envoyListener(name, place.address, bound(port), chains),
        routes: configs.map(([config]) => config),
      });
    }
  }
  return { routes, listeners };
}

function chainOf(config: string, plan: ListenerPlan | undefined, around: Surroundings): Chain {
  const { accessLog } = around;
  const chain = { routeConfig: config, routeFile: around.routeFile(config), accessLog };
  if (plan?.listener.protocol !== "HTTPS") return chain;
  const { hostname } = plan.listener;
  return { ...chain, tls: { hostname: hostname?.toLowerCase(), certificates: plan.certificates } };
}

function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
