/*
 * The routes of a cluster as the plan knows them: every HTTPRoute and GRPCRoute that names an InferencePool or attaches
 * to the service's Gateway. Shapes and meanings are Gateway API's (HTTPRoute v1, GRPCRoute v1).
 */

/** One backendRef of a route. */
export interface Backend {
  namespace: string;
  /** Name of the InferencePool; of anything else `Kind/name`, so that it is never taken for a pool of the service. */
  pool: string;
  /** Relative to the sum of all, as Gateway API means it. */
  weight: number;
}

/** Whether a backend's name is that of an InferencePool: those of other kinds have their kind before it. */
export const isPoolName = (pool: string): boolean => !pool.includes("/");

/** One header or query parameter that a match asks for. */
export interface ValueMatch {
  name: string;
  value: string;
  /** Whether the value is a regular expression. */
  regex: boolean;
}

/** One match of a rule, with the API server's defaults filled in. A GRPCRoute's method is a path here. */
export interface RouteMatch {
  path: { type: "Exact" | "PathPrefix" | "RegularExpression"; value: string };
  /** Absent: any. */
  method?: string;
  headers: readonly ValueMatch[];
  queryParams: readonly ValueMatch[];
}

export interface RouteRule {
  matches: readonly RouteMatch[];
  backends: readonly Backend[];
  /** Backends that filters send copies of requests to. */
  mirrors: readonly Backend[];
}

/** One Gateway that a route attaches to. */
export interface RouteParent {
  namespace: string;
  name: string;
  /** One listener; absent: every listener. */
  sectionName?: string;
  port?: number;
  /** Whether the gateway refuses the route as it is now: then it gets no requests there. */
  refused: boolean;
}

export interface KnownRoute {
  kind: "HTTPRoute" | "GRPCRoute";
  namespace: string;
  name: string;
  /** When it was created, ISO 8601; absent: not yet. */
  created?: string;
  parents: readonly RouteParent[];
  /** Empty: every hostname of the listeners. */
  hostnames: readonly string[];
  rules: readonly RouteRule[];
  /** The service it was made for, where this program made it. */
  service?: string;
  /** Whether its rules, hostnames and parents are its owner's, also once it is this stack's. Default: they are not. */
  keepsShape?: boolean;
  /** Kind and name of the object whose controller writes it, as LLMInferenceService/chat. */
  controller?: string;
}

/** One listener of the service's Gateway. */
export interface KnownListener {
  name: string;
  port: number;
  /** Absent: every hostname. */
  hostname?: string;
}

/** Everything about routes beside the customers' own. */
export interface OtherRoutes {
  /** The Gateway that the customers' route attaches to. */
  gateway: {
    namespace: string;
    name: string;
    /** The only hostname of the customers' route; absent: every hostname. */
    hostname?: string;
    /** Whether this stack's config names the Gateway; a service stack takes its platform's. */
    configurable: boolean;
  };
  /** Empty where there is no Gateway yet. */
  listeners: readonly KnownListener[];
  routes: readonly KnownRoute[];
  /** The customers' route as it is, in the same words; absent: there is none. */
  customers?: KnownRoute;
  /** What could not be read, in words; empty: every route of the cluster is known. */
  unseen: readonly string[];
}

/** A route as people write it. */
export const nameOf = ({ kind, namespace, name }: Pick<KnownRoute, "kind" | "namespace" | "name">): string =>
  `${kind} ${namespace}/${name}`;

export interface PoolRef {
  namespace: string;
  name: string;
}

const isPool =
  ({ namespace, name }: PoolRef) =>
  (backend: Backend): boolean =>
    backend.pool === name && backend.namespace === namespace && backend.weight > 0;

/** Whether a rule sends requests, or copies of them, to a pool. */
export const ruleSendsTo = ({ backends, mirrors }: RouteRule, pool: PoolRef): boolean =>
  [...backends, ...mirrors].some(isPool(pool));

/** The other routes that send requests, or copies of them, to a pool. */
export function sendersTo(pool: PoolRef, others: OtherRoutes | undefined): KnownRoute[] {
  return (others?.routes ?? []).filter(({ rules }) => rules.some((rule) => ruleSendsTo(rule, pool)));
}
