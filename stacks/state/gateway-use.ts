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
    live: liveGateway(live),
    routes: routes
      .map((route) => knownRoute(route, "HTTPRoute"))
      .filter(({ parents }) =>
        parents.some(({ name, namespace }) => name === gateway.name && namespace === gateway.namespace),
      ),
  };
}

function liveGateway({ spec }: LiveObject): LiveGateway {
  const {
    gatewayClassName = "",
    addresses = [],
    listeners = [],
  } = (spec ?? {}) as {
    gatewayClassName?: string;
    addresses?: { type?: string; value?: string }[];
    listeners?: { port: number; protocol: string; hostname?: string }[];
  };
  return {
    className: gatewayClassName,
    addresses: addresses.flatMap(({ value }) => (value === undefined ? [] : [value])),
    listeners: listeners.map(({ port, protocol, hostname }) => ({
      ...{ port, protocol },
      ...(hostname === undefined ? {} : { hostname }),
    })),
  };
}
