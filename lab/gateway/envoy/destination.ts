import { typed, type Json } from "./types";

/*
 * The endpoint picker protocol (gateway-api-inference-extension, docs/proposals/004-endpoint-picker-protocol): the
 * picker names the endpoints that may serve a request in a header, the first valid one is used, and with the answer
 * the picker is told which one served.
 */

/** Header in which the picker names the endpoints: `ip:port`, or several with commas between them. */
export const destinationHeader = "x-gateway-destination-endpoint";

/** Metadata key, and here also header, that names the endpoint that served. */
const servedKey = "x-gateway-destination-endpoint-served";

/** Namespace of the protocol's metadata. */
const namespace = "envoy.lb";

/**
 * Matches a whole list; its only group is the first entry that is an address with a port. A list without one does
 * not match: Envoy then has no host for the request and answers 503.
 */
export const firstValidEndpoint = String.raw`^(?:[^,]*,)*?\s*((?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):\d{1,5})\s*(?:,.*)?$`;

/** How the cluster of a pool finds the pod: by the metadata that {@link endpointMetadata} writes. */
export const chosenEndpoint: Json = {
  type: "ORIGINAL_DST",
  lb_policy: "CLUSTER_PROVIDED",
  original_dst_lb_config: { metadata_key: { key: namespace, path: [{ key: destinationHeader }] } },
};

/**
 * Filter of a pool's cluster: writes into the answer's headers which endpoint gave it. Only an answer of a pod gets
 * it, so the picker is never told that an endpoint served which could not be reached.
 */
export const reportEndpoint: readonly Json[] = [
  {
    name: "envoy.filters.http.header_mutation",
    typed_config: typed("envoy.extensions.filters.http.header_mutation.v3.HeaderMutation", {
      mutations: {
        response_mutations: [
          {
            append: {
              header: { key: servedKey, value: "%UPSTREAM_REMOTE_ADDRESS%" },
              append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
            },
          },
        ],
      },
    }),
  },
];

/** Comes after the picker's filter, so that it sees requests after it and answers before it. */
export const endpointMetadata: Json = {
  name: "envoy.filters.http.header_to_metadata",
  typed_config: typed("envoy.extensions.filters.http.header_to_metadata.v3.Config", {
    request_rules: [
      {
        header: destinationHeader,
        on_header_present: {
          metadata_namespace: namespace,
          key: destinationHeader,
          regex_value_rewrite: { pattern: { regex: firstValidEndpoint }, substitution: "\\1" },
        },
      },
    ],
    response_rules: [
      {
        header: servedKey,
        on_header_present: { metadata_namespace: namespace, key: servedKey },
        // It is for the picker; what a server wrote there itself must not reach a client either.
        remove: true,
      },
    ],
  }),
};

/** The picker's filter sends this metadata along. */
export const forwardedMetadata: Json = { forwarding_namespaces: { untyped: [namespace] } };
