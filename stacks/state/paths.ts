import { apis } from "../../components/names";

/*
 * Paths of the API server for the kinds that several readers ask for.
 */

export const routePath = (namespace: string, name: string): string =>
  `/apis/${apis.gateway}/v1/namespaces/${namespace}/httproutes/${name}`;

/** @param namespace absent: every namespace. */
export const routesPath = (resource: "httproutes" | "grpcroutes", namespace?: string): string =>
  `/apis/${apis.gateway}/v1/${namespace === undefined ? "" : `namespaces/${namespace}/`}${resource}`;

export const gatewayPath = ({ namespace, name }: { namespace: string; name: string }): string =>
  `/apis/${apis.gateway}/v1/namespaces/${namespace}/gateways/${name}`;

export const poolsPath = (namespace: string): string =>
  `/apis/${apis.pool}/v1/namespaces/${namespace}/inferencepools`;
