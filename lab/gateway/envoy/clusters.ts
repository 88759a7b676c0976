import type { InferencePool } from "../objects/types";
import type { Endpoint } from "../translate/endpoints";
import { chosenEndpoint, reportEndpoint } from "./destination";
import { clusterNames, isH2c } from "./names";
import { typed, type Json, type Resource } from "./types";

/** The pods of a pool, each reached at the endpoint that the picker chose (see envoy/destination.ts). */
export function poolCluster(pool: InferencePool): Resource {
  return cluster(clusterNames.pool(pool), isH2c(pool), { ...chosenEndpoint }, reportEndpoint);
}

/** The pickers of a pool. A picker serves TLS with a certificate it made itself, so there is nothing to verify. */
export function pickerCluster(name: string, endpoints: readonly Endpoint[]): Resource {
  return cluster(name, true, {
    ...staticEndpoints(name, endpoints),
    transport_socket_matches: [
      {
        name: "tls",
        match: { tls: true },
        transport_socket: {
          name: "envoy.transport_sockets.tls",
          typed_config: typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", {
            common_tls_context: { alpn_protocols: ["h2"] },
          }),
        },
      },
      {
        name: "plain",
        match: {},
        transport_socket: {
          name: "envoy.transport_sockets.raw_buffer",
          typed_config: typed("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"),
        },
      },
    ],
  });
}

export function endpointsCluster(name: string, endpoints: readonly Endpoint[], h2c: boolean): Resource {
  return cluster(name, h2c, staticEndpoints(name, endpoints));
}

function staticEndpoints(name: string, endpoints: readonly Endpoint[]): Json {
  return {
    type: "STATIC",
    lb_policy: "ROUND_ROBIN",
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: endpoints.map(({ address, port, tls }) => ({
            endpoint: { address: socketAddress(address, port) },
            metadata: { filter_metadata: { "envoy.transport_socket_match": { tls } } },
          })),
        },
      ],
    },
  };
}

export function socketAddress(address: string, port: number): Json {
  return { socket_address: { address, port_value: port } };
}

/** Envoy wants it named where a cluster has filters of its own. */
const lastUpstreamFilter: Json = {
  name: "envoy.filters.http.upstream_codec",
  typed_config: typed("envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"),
};

function cluster(name: string, http2: boolean, fields: Json, filters: readonly Json[] = []): Resource {
  const unlimited = 1_000_000;
  return {
    ...typed("envoy.config.cluster.v3.Cluster"),
    name,
    connect_timeout: "5s",
    // Envoy's default of 1024 at once would refuse requests that a load balancer would not.
    circuit_breakers: {
      thresholds: [{ max_connections: unlimited, max_pending_requests: unlimited, max_requests: unlimited }],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        {
          ...(http2
            ? { explicit_http_config: { http2_protocol_options: {} } }
            : {
                explicit_http_config: { http_protocol_options: {} },
                // As Google's load balancers do. A model server that closes one earlier makes a request fail that
                // meets the closing: here as there.
                common_http_protocol_options: { idle_timeout: "600s" },
              }),
          ...(filters.length > 0 && { http_filters: [...filters, lastUpstreamFilter] }),
        },
      ),
    },
    ...fields,
  };
}
