import type { GatewayConfig } from "../../components/gateways/gateway";
import type { DroppedGateway, GatewayUse, LiveGateway } from "../plan/gateway-change";
import type { HeldPlatform, ObjectName } from "../plan/standing";
import type { KnownRoute } from "../plan/routes";
import { permitted, type ClusterReader, type LiveObject } from "./cluster-reader";
import { knownRoute } from "./known-route";
import { gatewayPath, routesPath } from "./paths";

/**
 * A Gateway that this stack created, and who uses it.
 * @returns undefined where there is none, or where it was created outside this stack.
 */
export async function readGatewayUse(
  reader: ClusterReader | undefined,
  gateway: GatewayConfig,
): Promise<GatewayUse | undefined> {
  if (reader === undefined || gateway.existing) return undefined;
  // What may not be read is said by the service's own rules (routes-unknown).
  const [live, routes] = await Promise.all([
    permitted(() => reader.get(gatewayPath(gateway)), undefined),
    readRoutes(reader),
  ]);
  if (live === undefined) return undefined;
  return { live: liveGateway(live, gateway.namespace), routes: attached(routes, gateway) };
}

/**
 * Gateways of this stack's state that an update with this config deletes, and who uses them.
 * @param gateway absent: this stack registers none.
 */
export async function readDroppedGateways(
  reader: ClusterReader | undefined,
  { gateways }: HeldPlatform,
  gateway: GatewayConfig | undefined,
): Promise<DroppedGateway[]> {
  const stays = ({ name, namespace }: ObjectName): boolean =>
    gateway !== undefined && !gateway.existing && name === gateway.name && namespace === gateway.namespace;
  const dropped = gateways.filter((one) => !stays(one));
  if (reader === undefined || dropped.length === 0) return [];
  const [live, routes] = await Promise.all([
    Promise.all(dropped.map((one) => permitted(() => reader.get(gatewayPath(one)), undefined))),
    readRoutes(reader),
  ]);
  return dropped
    .filter((_, i) => live[i] !== undefined)
    .map((one) => ({ ...one, routes: attached(routes, one) }));
}

async function readRoutes(reader: ClusterReader): Promise<KnownRoute[]> {
  const list = async (
    plural: "httproutes" | "grpcroutes",
    kind: KnownRoute["kind"],
  ): Promise<KnownRoute[]> => {
    const live = await permitted(() => reader.list(routesPath(plural)), []);
    return live.map((route) => knownRoute(route, kind));
  };
  return (await Promise.all([list("httproutes", "HTTPRoute"), list("grpcroutes", "GRPCRoute")])).flat();
}

const attached = (routes: readonly KnownRoute[], gateway: ObjectName): KnownRoute[] =>
  routes.filter(({ parents }) =>
    parents.some(
      ({ name, namespace, refused }) => name === gateway.name && namespace === gateway.namespace && !refused,
    ),
  );

interface Listener {
  name: string;
  port: number;
  protocol: string;
  hostname?: string;
  allowedRoutes?: {
    namespaces?: {
      from?: string;
      selector?: {
        matchLabels?: object;
        matchExpressions?: { key: string; operator: string; values?: string[] }[];
      };
    };
  };
}

function liveGateway({ spec, status }: LiveObject, namespace: string): LiveGateway {
  const {
    gatewayClassName = "",
    addresses = [],
    listeners = [],
  } = (spec ?? {}) as {
    gatewayClassName?: string;
    addresses?: { value?: string }[];
    listeners?: Listener[];
  };
  const { addresses: [ip] = [] } = (status ?? {}) as { addresses?: { value?: string }[] };
  return {
    className: gatewayClassName,
    addresses: addresses.flatMap(({ value }) => (value === undefined ? [] : [value])),
    ...(ip?.value === undefined ? {} : { ip: ip.value }),
    listeners: listeners.map(({ name, port, protocol, hostname, allowedRoutes }) => {
      const admits = admittedBy(allowedRoutes, namespace);
      return {
        ...{ name, port, protocol },
        ...(hostname === undefined ? {} : { hostname }),
        ...(admits === undefined ? {} : { admits }),
      };
    }),
  };
}

/** As InferenceGateway writes it; what others write (all namespaces, labels of theirs) is not known here. */
function admittedBy(allowed: Listener["allowedRoutes"], own: string): string[] | undefined {
  const { from = "Same", selector } = allowed?.namespaces ?? {};
  if (from === "Same") return [own];
  const [first, ...more] = selector?.matchExpressions ?? [];
  const byName = first?.key === "kubernetes.io/metadata.name" && first.operator === "In" && more.length === 0;
  return from === "Selector" && byName && selector?.matchLabels === undefined ? first.values : undefined;
}
