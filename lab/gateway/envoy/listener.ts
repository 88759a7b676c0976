import { socketAddress } from "./clusters";
import { destinationHeader, endpointMetadata, forwardedMetadata } from "./destination";
import { clusterNames, websocket } from "./names";
import { typed, type Json, type Resource } from "./types";

/** What one listening socket serves: plain HTTP, or several HTTPS hosts told apart by SNI. */
export interface Chain {
  routeConfig: string;
  /** File from which Envoy reads that route configuration. */
  routeFile: string;
  /** File for a line about each request; absent for none. */
  accessLog?: string | undefined;
  tls?: {
    hostname: string | undefined;
    certificates: readonly { certificate: string; key: string }[];
  };
}

/**
 * An Envoy listener. It must depend on nothing but the Gateway itself (and its certificates): a listener that
 * changes closes connections, and weights, pools and routes change while streams run.
 */
export function envoyListener(
  name: string,
  address: string,
  port: number,
  chains: readonly Chain[],
): Resource {
  const secure = chains.some(({ tls }) => tls !== undefined);
  return {
    ...typed("envoy.config.listener.v3.Listener"),
    name,
    address: socketAddress(address, port),
    ...(secure && {
      listener_filters: [
        {
          name: "envoy.filters.listener.tls_inspector",
          typed_config: typed("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"),
        },
      ],
    }),
    filter_chains: chains.map(filterChain),
  };
}

function filterChain(chain: Chain): Json {
  const { tls } = chain;
  return {
    name: chain.routeConfig,
    ...(tls?.hostname !== undefined && { filter_chain_match: { server_names: [tls.hostname] } }),
    ...(tls !== undefined && {
      transport_socket: {
        name: "envoy.transport_sockets.tls",
        typed_config: typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", {
          common_tls_context: {
            alpn_protocols: ["h2", "http/1.1"],
            tls_certificates: tls.certificates.map(({ certificate, key }) => ({
              certificate_chain: { inline_string: certificate },
              private_key: { inline_string: key },
            })),
          },
        }),
      },
    }),
    filters: [
      {
        name: "envoy.filters.network.http_connection_manager",
        typed_config: connectionManager(chain),
      },
    ],
  };
}

function connectionManager({ routeConfig, routeFile, accessLog }: Chain): Json {
  return typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "gateway",
    rds: { route_config_name: routeConfig, config_source: fileSource(routeFile) },
    use_remote_address: true,
    normalize_path: true,
    server_header_transformation: "PASS_THROUGH",
    // A stream may be silent for as long as the model thinks.
    stream_idle_timeout: "0s",
    // Switched on by the routes that can have it (see routes.ts).
    upgrade_configs: [{ upgrade_type: websocket, enabled: false }],
    ...(accessLog !== undefined && { access_log: [fileLog(accessLog)] }),
    early_header_mutation_extensions: [
      {
        // Only the picker may choose the endpoint, so what the client sends goes before anything reads it.
        name: "envoy.http.early_header_mutation.header_mutation",
        typed_config: typed("envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation", {
          mutations: [{ remove: destinationHeader }],
        }),
      },
    ],
    http_filters: [
      {
        name: pickerFilter,
        // A share of a route that has a picker switches it on, with its own picker (see routes.ts).
        disabled: true,
        typed_config: typed("envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor", {
          grpc_service: { envoy_grpc: { cluster_name: clusterNames.unresolved } },
          processing_mode: {
            request_header_mode: "SEND",
            response_header_mode: "SEND",
            request_body_mode: "FULL_DUPLEX_STREAMED",
            response_body_mode: "FULL_DUPLEX_STREAMED",
            // This body mode demands that trailers are sent.
            request_trailer_mode: "SEND",
            response_trailer_mode: "SEND",
          },
          // The picker answers the headers when it has the whole body and, with flow control, a place for it.
          message_timeout: "1000s",
          // The picker asks for the route to be chosen again, which could move a request to another share.
          route_cache_action: "RETAIN",
          // With this body mode failure_mode_allow answers 500; failing open is done by the routes.
          failure_mode_allow: false,
          status_on_error: { code: "ServiceUnavailable" },
          metadata_options: forwardedMetadata,
        }),
      },
      endpointMetadata,
      {
        name: "envoy.filters.http.router",
        typed_config: typed("envoy.extensions.filters.http.router.v3.Router", {
          suppress_envoy_headers: true,
        }),
      },
    ],
  });
}

function fileLog(path: string): Json {
  const fields = {
    time: "%START_TIME%",
    request: "%REQ(:METHOD)% %REQ(:AUTHORITY)%%REQ(:PATH)%",
    status: "%RESPONSE_CODE%",
    why: "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%",
    ms: "%DURATION%",
    route: "%ROUTE_NAME%",
    cluster: "%UPSTREAM_CLUSTER%",
    pod: "%UPSTREAM_HOST%",
  };
  return {
    name: "envoy.access_loggers.file",
    typed_config: typed("envoy.extensions.access_loggers.file.v3.FileAccessLog", {
      path,
      log_format: { json_format: fields },
    }),
  };
}

export const pickerFilter = "envoy.filters.http.ext_proc";

export function fileSource(path: string): Json {
  return { path_config_source: { path }, resource_api_version: "V3" };
}
