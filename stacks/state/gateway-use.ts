import type { GatewayConfig } from "../../components/gateways/gateway";
import type { GatewayUse, LiveGateway } from "../plan/gateway-change";
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
    permitted(() => reader.list(routesPath("httproutes")), []),
  ]);
  if (live === undefined) return undefined;
  return {
    live: liveGateway(live, gateway.namespace),
    routes: routes
      .map((route) => knownRoute(route, "HTTPRoute"))
      .filter(({ parents }) =>
        parents.some(
          ({ name, namespace, refused }) =>
            name === gateway.name && namespace === gateway.namespace && !refused,
        ),
      ),
  };
}

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
