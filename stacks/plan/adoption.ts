import { allow, pulumiUp, set, type Command } from "./config-edits";
import type { ServiceConfig } from "./service-config";
import type { Observed } from "./observed";
import type { RoutedPool } from "./model";
import { hostCovers } from "../../components/gateways/hostnames";
import { nameOf, type Backend, type KnownRoute, type OtherRoutes, type RouteRule } from "./routes";
import { rounding, sameShares, shareIn, sharesOf, shareText } from "./shares";

/** The commands after which a route is the customers' route of this stack, or what stands against that. */
export type Adoption =
  { possible: true; commands: readonly Command[] } | { possible: false; obstacles: readonly string[] };

/** The same for one property of the route. */
interface Part {
  commands?: readonly Command[];
  obstacles?: readonly string[];
}

interface Roles {
  stable: RoutedPool;
  candidate?: RoutedPool | undefined;
}

/**
 * How a live route becomes the one that this stack writes, without a change for its customers: what the config has to
 * say. The route keeps its shape; only one that no weight of this stack could split stands against it.
 */
export function adoptionOf(
  route: KnownRoute,
  config: ServiceConfig,
  observed: Observed,
  others: OtherRoutes,
  roles: Roles,
): Adoption {
  if (route.service === config.service && route.namespace === config.namespace) {
    return { possible: true, commands: [set("route", route.name), pulumiUp] };
  }
  const parts: Part[] = [
    ownerOf(route),
    namespaceOf(route, config, observed, others, roles),
    attachmentOf(route, config, others),
    weightOf(route, config, roles),
  ];
  const obstacles = parts.flatMap((part) => part.obstacles ?? []);
  if (obstacles.length > 0) return { possible: false, obstacles };
  const commands = parts.flatMap((part) => part.commands ?? []);
  const own = route.name === config.route ? [] : [set("route", route.name)];
  return { possible: true, commands: [...commands, ...own, allow("take-over-route"), pulumiUp] };
}

const nothing: Part = {};
const obstacle = (...obstacles: string[]): Part => ({ obstacles });

function ownerOf({ kind, service, controller }: KnownRoute): Part {
  return {
    obstacles: [
      ...(kind === "HTTPRoute" ? [] : [`it is a ${kind}`]),
      ...(service === undefined
        ? []
        : [`it is the route of service ${service}, which belongs to another stack`]),
      ...(controller === undefined ? [] : [`${controller} writes it and would revert the change`]),
    ],
  };
}

/** The service's route lives in the service's namespace. Before anything is made, that can be another one. */
function namespaceOf(
  { namespace }: KnownRoute,
  config: ServiceConfig,
  { record }: Observed,
  { gateway }: OtherRoutes,
  { stable, candidate }: Roles,
): Part {
  if (namespace === config.namespace) return nothing;
  if (record !== undefined) {
    return obstacle(`it is in namespace ${namespace}, but this stack's route is in ${config.namespace}`);
  }
  const pools = [stable, candidate].filter(
    (pool): pool is RoutedPool => pool !== undefined && config.pools[pool.name]?.existing === true,
  );
  return {
    commands: [
      set("namespace", namespace),
      ...pools.map((pool) => set(`pools.${pool.name}.namespace`, pool.namespace)),
      ...(gateway.configurable ? [set("gateway.namespace", gateway.namespace)] : []),
    ],
  };
}

/** The Gateway and the hostname by which this stack looks for customers have to be among the route's own. */
function attachmentOf(
  { parents, hostnames }: KnownRoute,
  config: ServiceConfig,
  { gateway }: OtherRoutes,
): Part {
  const [first] = parents;
  if (first === undefined) return obstacle("it attaches to no Gateway");
  const here = parents.find(
    ({ name, namespace }) => name === gateway.name && namespace === gateway.namespace,
  );
  const parent = here ?? first;
  const commands = [
    ...(parent.name === gateway.name ? [] : [set("gateway.name", parent.name)]),
    ...(parent.namespace === gateway.namespace ? [] : [set("gateway.namespace", parent.namespace)]),
    ...hostnameCommands(hostnames, config, gateway),
    // The Gateway of a live route is there: this stack uses it.
    ...(here === undefined ? [set("gateway.existing", true)] : []),
  ];
  if (here !== undefined || gateway.configurable) return { commands };
  return obstacle("it attaches to another gateway than the platform stack's outputs say");
}

function hostnameCommands(
  live: readonly string[],
  config: ServiceConfig,
  gateway: OtherRoutes["gateway"],
): Command[] {
  if (live.length === 0) return [];
  const { hostname } = gateway;
  if (hostname !== undefined && live.some((host) => hostCovers(host, hostname))) return [];
  const name = live.find((host) => !host.startsWith("*")) ?? (live[0] ?? "").replace("*", "llm");
  return [set(hostnameKey(config, gateway.configurable), name)];
}

/** The key that says under which name customers reach this service. */
export const hostnameKey = ({ hostname }: ServiceConfig, hasOwnGateway: boolean): string =>
  hasOwnGateway && hostname === undefined ? "gateway.hostname" : "hostname";

/** The weight with which the config says what the route does. */
function weightOf(route: KnownRoute, config: ServiceConfig, { stable, candidate }: Roles): Part {
  const roles = [stable, ...(candidate === undefined ? [] : [candidate])];
  const isRole = ({ pool, namespace }: Backend): boolean =>
    roles.some((role) => role.name === pool && role.namespace === namespace);
  const splits = route.rules
    .map(({ backends }) => sharesOf(backends.filter(isRole)))
    .filter((shares) => Object.keys(shares).length > 0);
  const [split, ...more] = splits;
  if (split === undefined) {
    const names = roles.map(({ name, namespace }) => `${namespace}/${name}`).join(" or ");
    return obstacle(`none of its rules sends requests to ${names}${sendsInstead(route.rules)}`);
  }
  if (more.some((other) => !sameShares(other, split))) {
    return obstacle(
      `its rules split the pools' requests differently (${splits.map(shareText).join("; ")}): give every rule of ${nameOf(route)} the same split first`,
    );
  }
  const share = candidate === undefined ? 0 : shareIn(split, candidate.name);
  const weight = Math.round(share);
  if (Math.abs(share - weight) > rounding) {
    return obstacle(
      `it sends ${Number(share.toFixed(2))} % to ${candidate?.name ?? ""}, which is not a whole percentage`,
    );
  }
  if (weight === config.weight) return nothing;
  return { commands: [set("weight", weight)] };
}

function sendsInstead(rules: readonly RouteRule[]): string {
  const names = rules.flatMap(({ backends }) =>
    backends.map(({ pool, namespace }) => `${namespace}/${pool}`),
  );
  return names.length === 0 ? "" : `: it sends to ${[...new Set(names)].join(", ")}`;
}
