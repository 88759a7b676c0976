import { annotations, apis, labels, managedBy } from "../../components/names";
import { backendOf, type LiveBackendRef } from "../plan/kept-route";
import { everything } from "../plan/route-matches";
import type { KnownRoute, RouteMatch, RouteParent, RouteRule, ValueMatch } from "../plan/routes";
import type { LiveObject } from "./cluster-reader";

/*
 * Live HTTPRoutes and GRPCRoutes in the plan's words.
 */

interface LiveValue {
  type?: string;
  name: string;
  value: string;
}

interface LiveMatch {
  path?: { type?: string; value?: string };
  headers?: LiveValue[];
  queryParams?: LiveValue[];
  /** HTTPRoute: an HTTP method; GRPCRoute: a service and a method. */
  method?: string | { type?: string; service?: string; method?: string };
}

interface LiveFilter {
  requestMirror?: { backendRef?: LiveBackendRef };
}

interface LiveRouteRule {
  matches?: LiveMatch[];
  filters?: LiveFilter[];
  backendRefs?: (LiveBackendRef & { filters?: LiveFilter[] })[];
}

export interface LiveParentRef {
  group?: string;
  kind?: string;
  name: string;
  namespace?: string;
  sectionName?: string;
  port?: number;
}

interface LiveSpec {
  parentRefs?: LiveParentRef[];
  hostnames?: string[];
  rules?: LiveRouteRule[];
}

interface LiveStatus {
  parents?: {
    parentRef: LiveParentRef;
    conditions?: { type: string; status: string; observedGeneration?: number }[];
  }[];
}

/** @param kind items of a list do not say their own. */
export function knownRoute(route: LiveObject, kind: KnownRoute["kind"]): KnownRoute {
  const spec = (route["spec"] ?? {}) as LiveSpec;
  const { name, namespace = "default", creationTimestamp, ownerReferences } = route.metadata;
  const marks = route.metadata.labels ?? {};
  const notes = route.metadata.annotations ?? {};
  const isOurs = marks[labels.managedBy] === managedBy || notes[annotations.weights] !== undefined;
  const service = isOurs ? marks[labels.service] : undefined;
  const keeps = service === undefined || notes[annotations.shape] !== undefined;
  const owner = ownerReferences?.find(({ controller }) => controller === true);
  return {
    kind,
    namespace,
    name,
    ...(creationTimestamp === undefined ? {} : { created: creationTimestamp }),
    parents: (spec.parentRefs ?? []).flatMap((ref) => parentOf(ref, route, namespace)),
    hostnames: spec.hostnames ?? [],
    rules: (spec.rules ?? []).map((rule) => ruleOf(rule, namespace)),
    ...(service === undefined ? {} : { service }),
    ...(keeps ? { keepsShape: true } : {}),
    ...(owner === undefined ? {} : { controller: `${owner.kind}/${owner.name}` }),
  };
}

/** Parents that are no Gateways (a mesh's Services) bring no requests from outside. */
function parentOf(ref: LiveParentRef, route: LiveObject, own: string): RouteParent[] {
  if ((ref.group ?? apis.gateway) !== apis.gateway || (ref.kind ?? "Gateway") !== "Gateway") return [];
  const { name, namespace = own, sectionName, port } = ref;
  return [
    {
      namespace,
      name,
      ...(sectionName === undefined ? {} : { sectionName }),
      ...(port === undefined ? {} : { port }),
      refused: isRefused(ref, route, own),
    },
  ];
}

/** Whether the gateway's word is that it does not accept the route as it is now. */
function isRefused(ref: LiveParentRef, route: LiveObject, own: string): boolean {
  const { parents = [] } = (route["status"] ?? {}) as LiveStatus;
  const said = parents.find(
    ({ parentRef }) =>
      parentRef.name === ref.name &&
      (parentRef.namespace ?? own) === (ref.namespace ?? own) &&
      parentRef.sectionName === ref.sectionName &&
      parentRef.port === ref.port,
  );
  const accepted = said?.conditions?.find(({ type }) => type === "Accepted");
  const { observedGeneration = route.metadata.generation } = accepted ?? {};
  return accepted?.status === "False" && observedGeneration === route.metadata.generation;
}

function ruleOf({ matches = [], filters = [], backendRefs = [] }: LiveRouteRule, own: string): RouteRule {
  const all = [...filters, ...backendRefs.flatMap((ref) => ref.filters ?? [])];
  return {
    matches: matches.length === 0 ? [everything] : matches.map(matchOf),
    backends: backendRefs.map((ref) => backendOf(ref, own)),
    // Whatever part of the requests is copied.
    mirrors: all.flatMap(({ requestMirror }) =>
      requestMirror?.backendRef === undefined ? [] : [backendOf(requestMirror.backendRef, own)],
    ),
  };
}

function matchOf({ path, method, headers = [], queryParams = [] }: LiveMatch): RouteMatch {
  return {
    path:
      typeof method === "object"
        ? grpcPath(method)
        : { type: pathTypeOf(path?.type), value: path?.value ?? "/" },
    ...(typeof method === "string" ? { method } : typeof method === "object" ? { method: "POST" } : {}),
    headers: headers.map(valueOf),
    queryParams: queryParams.map(valueOf),
  };
}

/** A type that this version does not know may match anything. */
function pathTypeOf(type = "PathPrefix"): RouteMatch["path"]["type"] {
  return type === "Exact" || type === "PathPrefix" ? type : "RegularExpression";
}

/** gRPC calls are POSTs to /service/method. */
function grpcPath({
  type,
  service,
  method,
}: {
  type?: string;
  service?: string;
  method?: string;
}): RouteMatch["path"] {
  if (type === "RegularExpression") {
    return { type, value: `/${service ?? "[^/]+"}/${method ?? "[^/]+"}` };
  }
  if (service === undefined) {
    return method === undefined
      ? { type: "PathPrefix", value: "/" }
      : { type: "RegularExpression", value: `/[^/]+/${method}` };
  }
  return method === undefined
    ? { type: "PathPrefix", value: `/${service}` }
    : { type: "Exact", value: `/${service}/${method}` };
}

const valueOf = ({ type, name, value }: LiveValue): ValueMatch => ({
  name,
  value,
  regex: (type ?? "Exact") !== "Exact",
});
