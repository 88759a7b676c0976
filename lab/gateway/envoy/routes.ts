import { pickerFilter } from "./listener";
import { clusterNames, websocket } from "./names";
import { typed, type Json, type Resource } from "./types";

/** A share of a rule's traffic: a cluster, the picker to ask before it, and changes to headers. */
export interface Share {
  weight: number;
  cluster: string;
  /** Cluster of the picker; absent where none is asked. */
  picker?: string;
  headers: Json;
}

/**
 * Envoy's action for a rule that forwards. Shares of weight 0 are left out; without any share it is 500.
 * `upgrades`: whether clients may go over to WebSocket; where they may not, Envoy answers 403.
 */
export function splitAction(shares: readonly Share[], timeout: string, upgrades: boolean): Json {
  const clusters = shares.filter(({ weight }) => weight > 0);
  if (clusters.length === 0) return { direct_response: { status: 500 } };
  return {
    route: {
      // "0s" switches Envoy's default of 15 s off: it would cut every longer stream.
      timeout,
      idle_timeout: "0s",
      ...(upgrades && { upgrade_configs: [{ upgrade_type: websocket, enabled: true }] }),
      cluster_not_found_response_code: "INTERNAL_SERVER_ERROR",
      weighted_clusters: {
        clusters: clusters.map(({ cluster, weight, picker, headers }) => ({
          name: cluster,
          weight,
          ...headers,
          ...(picker !== undefined && { typed_per_filter_config: { [pickerFilter]: askPicker(picker) } }),
        })),
      },
    },
  };
}

/** One picker for a whole rule would choose pods for shares that are not its own, so each share names its own. */
function askPicker(cluster: string): Json {
  return typed("envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute", {
    overrides: { grpc_service: { envoy_grpc: { cluster_name: cluster } } },
  });
}

export interface VirtualHost {
  domain: string;
  routes: readonly Json[];
}

export function routeConfiguration(name: string, hosts: readonly VirtualHost[]): Resource {
  return {
    ...typed("envoy.config.route.v3.RouteConfiguration"),
    name,
    // Ports of a lab are not those of production.
    ignore_port_in_host_matching: true,
    virtual_hosts: hosts.map(({ domain, routes }) => ({ name: domain, domains: [domain], routes })),
  };
}

/** Clusters that a route configuration names, so that they exist before it and stay as long as it. */
export function clustersOf(shares: readonly Share[]): string[] {
  return shares
    .flatMap(({ cluster, picker }) => (picker === undefined ? [cluster] : [cluster, picker]))
    .filter((name) => name !== clusterNames.unresolved);
}
