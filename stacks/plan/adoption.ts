import { allow, pulumiUp, remove, run, set, type Command } from "./config-edits";
import type { ServiceConfig } from "./service-config";
import type { Observed } from "./observed";
import type { RoutedPool } from "./model";
import { rounding, shareIn, sharesOf } from "./shares";
import type { KnownRoute, OtherRoutes } from "./routes";

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
    return { possible: true, commands: [set("route", route.name), pulumiUp] };
  }
  const parts: Part[] = [
    ownerOf(route),
    namespaceOf(route, config, observed, others, roles),
    rulesOf(route),
    attachmentOf(route, others),
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

/** Fields of a rule that can go without a change of where its requests are sent. */
const removable = /^rules\[0\]\.(timeouts|name|retry|sessionPersistence)$/;

function rulesOf({ namespace, name, extras }: KnownRoute): Part {
  const kept = extras.filter((extra) => !removable.test(extra));
  if (kept.length > 0) return obstacle(`it has ${kept.join(", ")}, which this stack does not write`);
  const fields = extras.flatMap((extra) => removable.exec(extra)?.[1] ?? []);
  if (fields.length === 0) return nothing;
  const patch = fields.map((field) => ({ op: "remove", path: `/spec/rules/0/${field}` }));
  return {
    commands: [
      run(`kubectl patch httproute -n ${namespace} ${name} --type json -p '${JSON.stringify(patch)}'`),
    ],
  };
}

function attachmentOf({ parents, hostnames }: KnownRoute, { gateway }: OtherRoutes): Part {
  const [parent] = parents;
  const obstacles = [
    ...(parent === undefined || parents.length > 1
      ? [`it attaches to ${parents.length} Gateways or listeners, but this stack's route attaches to 1`]
      : []),
    ...(parents.length === 1 && (parent?.sectionName ?? parent?.port) !== undefined
      ? ["it attaches to one listener, but this stack's route attaches to all listeners of the Gateway"]
      : []),
    ...(hostnames.length > 1
      ? [
          `it has ${hostnames.length} hostnames (${hostnames.join(", ")}), but this stack's route has at most 1`,
        ]
      : []),
  ];
  if (parent === undefined || obstacles.length > 0) return { obstacles };
  const commands = [
    ...(parent.name === gateway.name ? [] : [set("gateway.name", parent.name)]),
    ...(parent.namespace === gateway.namespace ? [] : [set("gateway.namespace", parent.namespace)]),
    ...hostnameCommands(hostnames[0], gateway.hostname),
  ];
  // The Gateway of a live route is there: this stack uses it.
  if (parent.name !== gateway.name || parent.namespace !== gateway.namespace)
    commands.push(set("gateway.existing", true));
  if (commands.length === 0 || gateway.configurable) return { commands };
  return obstacle("it attaches to another gateway or listener than the platform stack's outputs say");
}

function hostnameCommands(live: string | undefined, configured: string | undefined): Command[] {
  if (live === configured) return [];
  return [live === undefined ? remove("gateway.hostname") : set("gateway.hostname", live)];
}

/** The weight with which the config says what the route does. */
function weightOf({ rules }: KnownRoute, config: ServiceConfig, { stable, candidate }: Roles): Part {
  const backends = rules.flatMap((rule) => rule.backends);
  const roles = [stable, ...(candidate === undefined ? [] : [candidate])];
  const strangers = backends.filter(
    ({ pool, namespace, weight }) =>
      weight > 0 && !roles.some((role) => role.name === pool && role.namespace === namespace),
  );
  if (strangers.length > 0) {
    const names = [...new Set(strangers.map(({ pool, namespace }) => `${namespace}/${pool}`))];
    return obstacle(
      `it sends requests to ${names.join(", ")}, which is neither the stable pool nor the candidate`,
    );
  }
  const share = candidate === undefined ? 0 : shareIn(sharesOf(backends), candidate.name);
  const weight = Math.round(share);
  if (Math.abs(share - weight) > rounding) {
    return obstacle(
      `it sends ${Number(share.toFixed(2))} % to ${candidate?.name ?? ""}, which is not a whole percentage`,
    );
  }
  if (weight === config.weight) return nothing;
  return { commands: [set("weight", weight)] };
}
