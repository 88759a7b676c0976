import type { LiveObject } from "../../../stacks/state/cluster-reader";
import { knownRoute } from "../../../stacks/state/known-route";
import type { KnownListener, KnownRoute, OtherRoutes } from "../../../stacks/plan/routes";

/*
 * Live routes as the API server returns them, for tests of what the plan makes of them.
 */

export interface RouteFields {
  kind?: KnownRoute["kind"];
  namespace?: string;
  created?: string;
  hostnames?: readonly string[];
  parents?: readonly object[];
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  owner?: { kind: string; name: string };
  status?: object;
}

export const poolRef = (name: string, fields: object = {}): object => ({
  group: "inference.networking.k8s.io",
  kind: "InferencePool",
  name,
  ...fields,
});

export const prefix = (value: string): object => ({ path: { type: "PathPrefix", value } });

export function liveRoute(name: string, rules: readonly object[], fields: RouteFields = {}): LiveObject {
  const {
    namespace = "default",
    created = "2026-01-01T00:00:00Z",
    owner,
    labels,
    annotations,
    status,
  } = fields;
  return {
    metadata: {
      name,
      namespace,
      generation: 1,
      creationTimestamp: created,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(owner === undefined ? {} : { ownerReferences: [{ ...owner, controller: true }] }),
    },
    spec: {
      parentRefs: fields.parents ?? [{ name: "my-inference-gateway" }],
      ...(fields.hostnames === undefined ? {} : { hostnames: fields.hostnames }),
      rules,
    },
    ...(status === undefined ? {} : { status }),
  };
}

export const known = (name: string, rules: readonly object[], fields: RouteFields = {}): KnownRoute =>
  knownRoute(liveRoute(name, rules, fields), fields.kind ?? "HTTPRoute");

export const gateway: OtherRoutes["gateway"] = {
  namespace: "default",
  name: "my-inference-gateway",
  configurable: true,
};

/** Other routes on a Gateway with one listener for every hostname. */
export function othersOf(
  routes: readonly KnownRoute[],
  fields: Partial<OtherRoutes> & { listeners?: readonly KnownListener[] } = {},
): OtherRoutes {
  return { gateway, listeners: [{ name: "http", port: 80 }], routes, unseen: [], ...fields };
}
