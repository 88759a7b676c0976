import { gatewayDefaults, standardPort, usesTls, type GatewayConfig } from "./gateway";
import { defaultGatewayKind } from "./gateway-kinds";

/*
 * Where and how a service is reached, decided once: for the outputs, the gate, and the rollout command alike.
 */

/** Where a gateway answers. */
export interface Endpoint {
  port: number;
  tls: boolean;
  hostname?: string;
  /** host:port instead of the gateway's address: a tunnel or a proxy. */
  address?: string;
}

/** What a stack's outputs say of its gateway. A stack of an earlier version does not say everything. */
export type GivenGateway = Pick<GatewayConfig, "name" | "namespace"> & Partial<GatewayConfig>;

const known: Readonly<Record<keyof GatewayConfig, true>> = {
  ...{ name: true, namespace: true, existing: true, exposure: true, port: true, hostname: true },
  ...{ tlsSecret: true, certificate: true, address: true, globalAccess: true, modelArmor: true },
  ...{ routesFrom: true, timeoutSeconds: true, logging: true, cloudArmor: true },
};

/** The gateway that another stack made, with what its version did not say yet, and without what this one does not know. */
export function completeGateway(given: GivenGateway): GatewayConfig {
  return {
    existing: false,
    exposure: "internal",
    routesFrom: [given.namespace],
    port: defaultGatewayKind.defaultPort(usesTls(given)),
    ...gatewayDefaults,
    ...(Object.fromEntries(Object.entries(given).filter(([key]) => key in known)) as GivenGateway),
  };
}

/**
 * A gateway as one service is reached through it.
 * @param hostname the service's own, where several share the gateway. Default: the gateway's.
 */
export function gatewayFor<T extends { hostname?: string }>(gateway: T, hostname: string | undefined): T {
  return hostname === undefined ? gateway : { ...gateway, hostname };
}

/** @param instead host:port that stands for the gateway's own address. */
export function endpointOf(gateway: GatewayConfig, instead?: string): Endpoint {
  return {
    port: gateway.port,
    tls: usesTls(gateway),
    ...(gateway.hostname === undefined ? {} : { hostname: gateway.hostname }),
    ...(instead === undefined ? {} : { address: instead }),
  };
}

/** Where to connect to. @param address the gateway's own. */
export function connectTo(endpoint: Endpoint, address: string): { host: string; port: number } {
  const { address: instead, port } = endpoint;
  if (instead === undefined) return { host: address, port };
  const at = instead.lastIndexOf(":");
  return { host: instead.slice(0, at), port: Number(instead.slice(at + 1)) };
}

/** The URL that clients use. @param address the gateway's own, for one without a name. */
export function urlOf({ tls, hostname, port }: Endpoint, address: string): string {
  return `${tls ? "https" : "http"}://${hostname ?? address}${port === standardPort(tls) ? "" : `:${port}`}`;
}
