import type { Backend } from "../../stacks/plan/model";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, labels, managedBy, previewRouteName } from "../names";

/** The Gateway a route attaches to. */
export interface GatewayRef {
  name: string;
  namespace: string;
}

/** What every route of a service has. */
export interface ServiceRouteArgs {
  service: string;
  namespace: string;
  gateway: GatewayRef;
  /** DNS names of the service. Default: all of the gateway. */
  hostnames?: readonly string[];
}

export interface InferenceRouteArgs extends ServiceRouteArgs {
  /** Name of the HTTPRoute. */
  route: string;
  backends: readonly Backend[];
  /** What is written down on the route beside the weights. */
  annotations: Readonly<Record<string, string>>;
  /**
   * Whether a route that somebody else made becomes this one: it is imported, and updated in the same update.
   * Without it the provider refuses to create what exists. For a route that is this stack's already it does nothing.
   */
  takeOver: boolean;
  hooks?: pulumi.ResourceHookBinding;
}

/** The customers' route: the only object whose change moves traffic. */
export class InferenceRoute extends pulumi.ComponentResource {
  readonly resource: k8s.apiextensions.CustomResource;

  constructor(name: string, args: InferenceRouteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:InferenceRoute", name, {}, opts);
    this.resource = new k8s.apiextensions.CustomResource(
      name,
      routeObject({ ...args, name: args.route }, [
        { backendRefs: args.backends.map((backend) => backendRef(backend, args.namespace)) },
      ]),
      {
        parent: this,
        ...(args.takeOver ? { import: `${args.namespace}/${args.route}` } : {}),
        ...(args.hooks === undefined ? {} : { hooks: args.hooks }),
      },
    );
    this.registerOutputs();
  }
}

export interface PreviewRouteArgs extends ServiceRouteArgs {
  /** The pool that is reached; no customer is. */
  pool: { name: string; namespace: string };
  /** The pool that customers use, so that it can be asked by itself too; absent: it is not. */
  stable?: { name: string; namespace: string };
  /** Value of the header {@link previewHeader}: a secret, so that nobody is sent there by chance. */
  secret: pulumi.Input<string>;
}

/** Header that pins a request to the candidate. */
export const previewHeader = "x-inference-preview";
/** Its value for the stable pool. */
export const stableValue = (secret: string): string => `stable-${secret}`;

/**
 * The way to the candidate before it has any weight: warms the load balancer's backends, lets people try it, and is
 * what the gate asks through. A route of its own, so that it comes and goes without touching the customers' one.
 */
export class PreviewRoute extends pulumi.ComponentResource {
  readonly resource: k8s.apiextensions.CustomResource;

  constructor(name: string, args: PreviewRouteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:PreviewRoute", name, {}, opts);
    const pinned = (pool: { name: string; namespace: string }, value: pulumi.Input<string>): object => ({
      matches: [
        {
          path: { type: "PathPrefix", value: "/" },
          headers: [{ type: "Exact", name: previewHeader, value }],
        },
      ],
      backendRefs: [backendRef({ pool: pool.name, namespace: pool.namespace, weight: 1 }, args.namespace)],
    });
    this.resource = new k8s.apiextensions.CustomResource(
      name,
      routeObject({ ...args, name: previewRouteName(args.service) }, [
        pinned(args.pool, args.secret),
        ...(args.stable === undefined
          ? []
          : [pinned(args.stable, pulumi.output(args.secret).apply(stableValue))]),
      ]),
      { parent: this },
    );
    this.registerOutputs();
  }
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

function backendRef({ pool, namespace, weight }: Backend, own: string): object {
  return {
    group: apis.pool,
    kind: "InferencePool",
    name: pool,
    ...(namespace === own ? {} : { namespace }),
    weight,
  };
}
