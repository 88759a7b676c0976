import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, labels, managedBy, previewRouteName } from "../names";

/** The Gateway a route attaches to. */
export interface GatewayRef {
  /** Name of the Gateway. */
  name: string;
  /** Its namespace; it has to admit routes from the route's namespace (`allowedRoutes`). */
  namespace: string;
}

/** An InferencePool that a route can send to. */
export interface PoolRef {
  /** Name of the InferencePool. */
  name: string;
  /** Its namespace. Another one than the route's needs a ReferenceGrant there; see PoolNamespace. */
  namespace: string;
}

/** An InferencePool with its part of the traffic. */
export interface RouteBackend {
  /** Name of the InferencePool. */
  pool: string;
  /** Its namespace; see {@link PoolRef}. */
  namespace: string;
  /** Part of the traffic, relative to the sum of all weights. Source: Gateway API, BackendRef.weight. */
  weight: number;
}

/** What every route of a service has. */
export interface ServiceRouteArgs {
  /** The service that the route belongs to: a label, and part of the names of its helper routes. */
  service: string;
  /** Namespace of the route. */
  namespace: string;
  /** The Gateway that it attaches to. */
  gateway: GatewayRef;
  /** DNS names that it answers for. Default: every name of the Gateway. */
  hostnames?: readonly string[];
}

/** A route that was created outside the stack, as it is written: everything but the weights is its owner's. */
export interface RouteShape {
  /** Labels of others. */
  labels: Readonly<Record<string, string>>;
  /** Whether somebody else's value is in the label for who manages it; it stays. */
  managedByAnother: boolean;
  /** Annotations of others. */
  annotations: Readonly<Record<string, string>>;
  /** The whole spec, with the weights in it. */
  spec: Readonly<Record<string, unknown>>;
}

export interface InferenceRouteArgs extends ServiceRouteArgs {
  /** Name of the HTTPRoute. */
  route: string;
  /** Where requests go. A pool without traffic is left out: gateways differ in what they do with 0. */
  backends: readonly RouteBackend[];
  /** The shape that the route keeps. Default: one rule that matches everything, on `gateway`, for `hostnames`. */
  shape?: RouteShape;
  /** Annotations that are written in the same request as the weights, so that the two never disagree. */
  annotations: Readonly<Record<string, string>>;
  /**
   * Whether a route that was created outside this stack becomes this one: it is imported, and updated in the same
   * update. Without it the provider refuses to create what exists. Of a route that is this stack's already it is
   * ignored.
   */
  takeOver: boolean;
  /** Whether it stays in the cluster when the stack, or its resource, goes. Default: false. */
  keep?: boolean;
  /** Hooks of the route's own resource, to hold it back until its pools are ready. Default: none. */
  hooks?: pulumi.ResourceHookBinding;
}

/** The customers' route: the only object whose change moves traffic. */
export class InferenceRoute extends pulumi.ComponentResource {
  readonly resource: k8s.apiextensions.CustomResource;

  constructor(name: string, args: InferenceRouteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:InferenceRoute", name, {}, opts);
    this.resource = new k8s.apiextensions.CustomResource(
      name,
      args.shape === undefined
        ? routeObject({ ...args, name: args.route }, [
            { backendRefs: args.backends.map((backend) => backendRef(backend, args.namespace)) },
          ])
        : keptObject(args, args.shape),
      {
        parent: this,
        ...(args.takeOver ? { import: `${args.namespace}/${args.route}` } : {}),
        ...(args.keep === true ? { retainOnDelete: true } : {}),
        ...(args.hooks === undefined ? {} : { hooks: args.hooks }),
      },
    );
    this.registerOutputs();
  }
}

/** Parents and hostnames of a route, as Gateway API has them. */
export interface RouteAttachment {
  parentRefs?: unknown;
  hostnames?: unknown;
}

/** A match of a customers' route, as Gateway API has it. */
export interface CustomersMatch {
  headers?: readonly object[];
  [field: string]: unknown;
}

export interface PreviewRouteArgs extends ServiceRouteArgs {
  /** The pool that is reached: the candidate. */
  pool: PoolRef;
  /** The stable pool, to be reached by a header of its own: a pool that no route names loses its backends at the load
   * balancer, and the customers' route does not name it at weight 100. Default: it is not. */
  stable?: PoolRef;
  /**
   * Matches of the customers' route, where it has its owner's. Each is repeated with the header: a longer path wins over
   * any header. Default: the customers' route matches everything.
   */
  besides?: readonly CustomersMatch[];
  /** Where such a customers' route attaches, and for which hosts: this one is its like, or it would take a host from it. */
  beside?: RouteAttachment;
  /** Value of the header {@link previewHeader}. A secret: nobody is sent there by chance. */
  secret: pulumi.Input<string>;
}

/** Header that pins a request to the candidate. */
export const previewHeader = "x-inference-preview";
/** Its value for the stable pool. */
export const stableValue = (secret: string): string => `stable-${secret}`;

/**
 * The way to the candidate before it has any weight: warms the load balancer's backends, lets people try it, and is
 * what the gate sends its requests through. A separate route, so that it comes and goes without touching the customers' one.
 */
export class PreviewRoute extends pulumi.ComponentResource {
  readonly resource: k8s.apiextensions.CustomResource;

  constructor(name: string, args: PreviewRouteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:PreviewRoute", name, {}, opts);
    const everything = { path: { type: "PathPrefix", value: "/" } };
    const besides = (args.besides ?? []).filter(
      (match) => JSON.stringify(match) !== JSON.stringify(everything),
    );
    // The gate's requests: an exact path wins over the closed paths, and over an owner's own rule for it.
    const asked = [...(args.besides === undefined ? [] : ["/v1/models"]), "/metrics"].map((value) => ({
      path: { type: "Exact", value },
    }));
    const pinned = (pool: PoolRef, value: pulumi.Input<string>): object => ({
      matches: [everything, ...asked, ...besides].map((match: CustomersMatch) => ({
        ...match,
        headers: [...(match.headers ?? []), { type: "Exact", name: previewHeader, value }],
      })),
      backendRefs: [backendRef({ pool: pool.name, namespace: pool.namespace, weight: 1 }, args.namespace)],
    });
    const rules = [
      pinned(args.pool, args.secret),
      ...(args.stable === undefined
        ? []
        : [pinned(args.stable, pulumi.output(args.secret).apply(stableValue))]),
    ];
    this.resource = new k8s.apiextensions.CustomResource(
      name,
      attached(routeObject({ ...args, name: previewRouteName(args.service) }, rules), args.beside),
      { parent: this },
    );
    this.registerOutputs();
  }
}

/** A route of others, with this service's marks and weights. */
function keptObject(
  { route, namespace, service, annotations }: InferenceRouteArgs,
  shape: RouteShape,
): k8s.apiextensions.CustomResourceArgs {
  return {
    apiVersion: `${apis.gateway}/v1`,
    kind: "HTTPRoute",
    metadata: {
      name: route,
      namespace,
      labels: {
        ...shape.labels,
        ...(shape.managedByAnother ? {} : { [labels.managedBy]: managedBy }),
        [labels.service]: service,
      },
      annotations: { ...shape.annotations, ...annotations },
    },
    spec: shape.spec,
  };
}

/** A route where another one attaches instead. @param beside absent: as it is. */
export function attached(
  route: k8s.apiextensions.CustomResourceArgs,
  beside: RouteAttachment | undefined,
): k8s.apiextensions.CustomResourceArgs {
  if (beside === undefined) return route;
  const { rules } = route["spec"] as { rules: unknown };
  return { ...route, spec: { ...beside, rules } };
}

/** An HTTPRoute of a service, attached to its gateway. */
export function routeObject(
  {
    name,
    service,
    namespace,
    gateway,
    hostnames,
    annotations,
  }: ServiceRouteArgs & { name: string; annotations?: Readonly<Record<string, string>> },
  rules: object[],
): k8s.apiextensions.CustomResourceArgs {
  return {
    apiVersion: `${apis.gateway}/v1`,
    kind: "HTTPRoute",
    metadata: {
      name,
      namespace,
      labels: { [labels.managedBy]: managedBy, [labels.service]: service },
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
    },
    spec: {
      parentRefs: [parentRef(gateway, namespace)],
      ...(hostnames === undefined ? {} : { hostnames: [...hostnames] }),
      rules,
    },
  };
}

/** The source's manifest names a group and kind that no CRD defines; a Gateway is of Gateway API's group. */
function parentRef(gateway: GatewayRef, own: string): object {
  return {
    group: apis.gateway,
    kind: "Gateway",
    name: gateway.name,
    ...(gateway.namespace === own ? {} : { namespace: gateway.namespace }),
  };
}

function backendRef({ pool, namespace, weight }: RouteBackend, own: string): object {
  return {
    group: apis.pool,
    kind: "InferencePool",
    name: pool,
    ...(namespace === own ? {} : { namespace }),
    weight,
  };
}
