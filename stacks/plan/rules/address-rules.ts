import { anyHost, hostCovers } from "../../../components/gateways/hostnames";
import { hostnameKey } from "../adoption";
import { fix, remove, set, type Fix } from "../config-edits";
import type { Finding, Rule } from "../model";
import type { KnownRoute, OtherRoutes } from "../routes";
import type { ServiceConfig } from "../service-config";

/* The address by which clients reach the customers' route; gateway-change.ts has that of the Gateway itself. */

/**
 * Whoever uses an address that the route leaves gets 404, whatever the weights are. So it holds up going back too where
 * the config is what changed: to say the old address again is one command, and `rollback --now` needs no config. What
 * somebody has added to the live route holds up no way back.
 */
const addressDropped: Rule = {
  id: "address-dropped",
  summary: `The update would change the hostname or the Gateway of the customers' route. From that moment on, clients that use the
old address get 404. The same holds for a Gateway that this stack created, while routes of any service attach to it: its
load balancer (\`exposure\`), address, port, TLS, hostname, and the namespaces that it admits.`,
  fix: "Restore the address. Once no client uses the old one any more, use the waiver.",
  waiver: { name: "address-dropped" },
  check: (config, { route, others }, { candidateFalls }) => {
    const customers = others?.customers;
    const isOwn = route !== undefined && route.foreign !== true && route.kept === undefined;
    if (customers === undefined || others === undefined || !isOwn || config.allow.includes("destroy"))
      return [];
    const found = [
      ...gatewayLost(config, others.gateway, customers),
      ...hostnamesLost(config, others.gateway, customers),
    ];
    return found
      .filter(({ added }) => !added || !candidateFalls)
      .map(({ found: what, fix: way }) => ({ found: what, fix: way }));
  },
};

/** @property added whether the config's address is there, and somebody has added another one to the live route. */
type Lost = Finding & { added: boolean };

const named = ({ namespace, route }: ServiceConfig): string => `HTTPRoute ${namespace}/${route}`;

const takenOut = (what: string, { namespace, route }: ServiceConfig): Fix =>
  fix`take ${what} out of the route, which this stack writes (kubectl edit httproute -n ${namespace} ${route}), or let those clients in by a route of their own`;

function gatewayLost(
  config: ServiceConfig,
  gateway: OtherRoutes["gateway"],
  { parents }: KnownRoute,
): Lost[] {
  const isOurs = ({ name, namespace }: { name: string; namespace: string }): boolean =>
    name === gateway.name && namespace === gateway.namespace;
  const left = parents.find((parent) => !isOurs(parent));
  if (left === undefined) return [];
  const [there, here] = [`${left.namespace}/${left.name}`, `${gateway.namespace}/${gateway.name}`];
  if (parents.some(isOurs)) {
    const found = `clients reach ${named(config)} through Gateway ${there} too, and the update would leave only ${here}`;
    return [{ found, fix: takenOut(`Gateway ${there}`, config), added: true }];
  }
  return [
    {
      found: `clients reach ${named(config)} through Gateway ${there}, and the config says ${here}`,
      fix: gateway.configurable
        ? fix`${[set("gateway.name", left.name), set("gateway.namespace", left.namespace)]}`
        : fix`restore the platform stack that this service was deployed on (config key platform)`,
      added: false,
    },
  ];
}

function hostnamesLost(
  config: ServiceConfig,
  { hostname, configurable }: OtherRoutes["gateway"],
  { hostnames }: KnownRoute,
): Lost[] {
  if (hostname === undefined) return [];
  const hosts = hostnames.length === 0 ? [anyHost] : hostnames;
  const lost = hosts.filter((host) => !hostCovers(hostname, host));
  const [first] = lost;
  if (first === undefined) return [];
  const names = lost.map((host) => (host === anyHost ? "any name" : host)).join(", ");
  if (lost.length < hosts.length) {
    const found = `clients reach ${named(config)} as ${names} too, and the update would leave only ${hostname}`;
    return [{ found, fix: takenOut(names, config), added: true }];
  }
  const key = hostnameKey(config, configurable);
  const way =
    first !== anyHost
      ? fix`${set(key, first)}`
      : config.hostname === undefined && !configurable
        ? fix`have the platform stack's gateway.hostname removed again, which gives every service its name`
        : fix`${remove(key)}`;
  const found = `clients reach ${named(config)} as ${names}, and the config says ${hostname}`;
  return [{ found, fix: way, added: false }];
}

export const addressRules: readonly Rule[] = [addressDropped];
