import type { ServiceConfig, Observed, RoutedPool } from "./model";
import { removeCommand, setCommand } from "../messages/mistakes";
import { rounding, sharesOf } from "./shares";
import type { KnownRoute, OtherRoutes } from "./routes";

/** The commands after which a route is the customers' route of this stack, or what stands against that. */
export type Adoption = { commands: readonly string[] } | { obstacles: readonly string[] };

interface Roles {
  stable: RoutedPool;
  candidate?: RoutedPool | undefined;
}

/**
 * How a live route becomes the one that this stack writes, without a change for its customers: what the config has to
 * say, and what has to go from the route because this stack would not write it.
 */
export function adoptionOf(
  route: KnownRoute,
  config: ServiceConfig,
  observed: Observed,
  others: OtherRoutes,
  roles: Roles,
): Adoption {
  if (route.service === config.service && route.namespace === config.namespace) {
    return { commands: [setCommand("route", route.name), "pulumi up"] };
  }
  const parts = [
    ownerOf(route),
    namespaceOf(route, config, observed, others, roles),
    rulesOf(route),
    attachmentOf(route, others),
    weightOf(route, config, roles),
  ];
  const obstacles = parts.flatMap((part) => ("obstacles" in part ? part.obstacles : []));
  if (obstacles.length > 0) return { obstacles };
  const commands = parts.flatMap((part) => ("commands" in part ? part.commands : []));
  const own = route.name === config.route ? [] : [setCommand("route", route.name)];
  return {
    commands: [...commands, ...own, setCommand("allow[0]", "take-over-route"), "pulumi up"],
  };
}

const nothing: Adoption = { commands: [] };
const obstacle = (...obstacles: string[]): Adoption => ({ obstacles });

function ownerOf({ kind, service, controller }: KnownRoute): Adoption {
  return {
    obstacles: [
      ...(kind === "HTTPRoute" ? [] : [`it is a ${kind}`]),
      ...(service === undefined ? [] : [`it is the route of service ${service}, which another stack owns`]),
      ...(controller === undefined ? [] : [`${controller} writes it, and would write it back`]),
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
): Adoption {
  if (namespace === config.namespace) return nothing;
  if (record !== undefined) {
    return obstacle(`it is in namespace ${namespace}, and this stack's route in ${config.namespace}`);
  }
  const pools = [stable, candidate].filter(
    (pool): pool is RoutedPool => pool !== undefined && config.pools[pool.name]?.existing === true,
  );
  return {
    commands: [
      setCommand("namespace", namespace),
      ...pools.map((pool) => setCommand(`pools.${pool.name}.namespace`, pool.namespace)),
      ...(gateway.configurable ? [setCommand("gateway.namespace", gateway.namespace)] : []),
    ],
  };
}

/** Fields of a rule that can go without a change of where its requests are sent. */
const removable = /^rules\[0\]\.(timeouts|name|retry|sessionPersistence)$/;

function rulesOf({ namespace, name, extras }: KnownRoute): Adoption {
  const kept = extras.filter((extra) => !removable.test(extra));
  if (kept.length > 0) return obstacle(`this stack would not write its ${kept.join(", ")}`);
  const fields = extras.flatMap((extra) => removable.exec(extra)?.[1] ?? []);
  if (fields.length === 0) return nothing;
  const patch = fields.map((field) => ({ op: "remove", path: `/spec/rules/0/${field}` }));
  return {
    commands: [`kubectl patch httproute -n ${namespace} ${name} --type json -p '${JSON.stringify(patch)}'`],
  };
}

function attachmentOf({ parents, hostnames }: KnownRoute, { gateway }: OtherRoutes): Adoption {
  const [parent] = parents;
  const obstacles = [
    ...(parent === undefined || parents.length > 1
      ? [`it attaches to ${parents.length} Gateways or listeners, and this stack's route to 1`]
      : []),
    ...(parents.length === 1 && (parent?.sectionName ?? parent?.port) !== undefined
      ? ["it attaches to one listener, and this stack's route to all listeners of the Gateway"]
      : []),
    ...(hostnames.length > 1
      ? [`it has ${hostnames.length} hostnames (${hostnames.join(", ")}), and this stack's route at most 1`]
      : []),
  ];
  if (parent === undefined || obstacles.length > 0) return { obstacles };
  const commands = [
    ...(parent.name === gateway.name ? [] : [setCommand("gateway.name", parent.name)]),
    ...(parent.namespace === gateway.namespace ? [] : [setCommand("gateway.namespace", parent.namespace)]),
    ...hostnameCommands(hostnames[0], gateway.hostname),
  ];
  // The Gateway of a live route is there: this stack uses it.
  if (parent.name !== gateway.name || parent.namespace !== gateway.namespace)
    commands.push(setCommand("gateway.existing", true));
  if (commands.length === 0 || gateway.configurable) return { commands };
  return obstacle("it attaches otherwise than the platform stack's gateway says");
}

function hostnameCommands(live: string | undefined, wanted: string | undefined): string[] {
  if (live === wanted) return [];
  return [live === undefined ? removeCommand("gateway.hostname") : setCommand("gateway.hostname", live)];
}

/** The weight with which the config says what the route does. */
function weightOf({ rules }: KnownRoute, config: ServiceConfig, { stable, candidate }: Roles): Adoption {
  const backends = rules.flatMap((rule) => rule.backends);
  const roles = [stable, ...(candidate === undefined ? [] : [candidate])];
  const strangers = backends.filter(
    ({ pool, namespace, weight }) =>
      weight > 0 && !roles.some((role) => role.name === pool && role.namespace === namespace),
  );
  if (strangers.length > 0) {
    const names = [...new Set(strangers.map(({ pool, namespace }) => `${namespace}/${pool}`))];
    return obstacle(`it sends to ${names.join(", ")}, which is neither the stable pool nor the candidate`);
  }
  const share = candidate === undefined ? 0 : (sharesOf(backends).get(candidate.name) ?? 0);
  const weight = Math.round(share);
  if (Math.abs(share - weight) > rounding) {
    return obstacle(`it sends ${Number(share.toFixed(2))} % to ${candidate?.name ?? ""}, no whole percent`);
  }
  if (weight === config.weight) return nothing;
  return { commands: [setCommand("weight", String(weight))] };
}
