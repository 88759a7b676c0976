import { createHash } from "node:crypto";
import { keyOf, type Gateway, type InferencePool, type Service } from "../objects/types";
import { endpointKey, type Endpoint } from "../translate/endpoints";

/**
 * Names of Envoy's resources. What a cluster is never changes under its name: other endpoints make another
 * cluster. So no update of Envoy's ever touches a cluster that requests run on (replacing a picker's cluster
 * would reset the streams through it); it is left behind and removed when nothing runs on it any more.
 */
export const clusterNames = {
  /** Never defined: Envoy answers 500 for a share that is sent to it. */
  unresolved: "unresolved",
  /** Has no endpoints: Envoy answers 503. */
  unavailable: "unavailable",
  /** Pods chosen by the picker. */
  pool: (pool: InferencePool): string => `pool/${keyOf(pool)}${isH2c(pool) ? "/h2c" : ""}`,
  picker: (pool: InferencePool, endpoints: readonly Endpoint[]): string =>
    `picker/${keyOf(pool)}/${digestOf(endpoints)}`,
  /** Ready pods without a picker. */
  pods: (pool: InferencePool, endpoints: readonly Endpoint[]): string =>
    `pods/${keyOf(pool)}/${digestOf([isH2c(pool), ...endpoints.map(endpointKey)])}`,
  service: (service: Service, port: number, h2c: boolean, endpoints: readonly Endpoint[]): string =>
    `service/${keyOf(service)}/${port}/${digestOf([h2c, ...endpoints.map(endpointKey)])}`,
} as const;

export function isH2c(pool: InferencePool): boolean {
  return pool.spec.appProtocol === "kubernetes.io/h2c";
}

export function listenerName(gateway: Gateway, port: number): string {
  return `${keyOf(gateway)}/${port}`;
}

/** HTTPS listeners of one port are told apart before any request is read, so each has its own routes. */
export function routeConfigName(gateway: Gateway, port: number, httpsListener?: string): string {
  return httpsListener === undefined
    ? listenerName(gateway, port)
    : `${listenerName(gateway, port)}/${httpsListener}`;
}

/** Envoy's name of the upgrade to WebSocket, as in the Upgrade header. */
export const websocket = "websocket";

/** Short digest of plain data: equal data, equal digest. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
}
