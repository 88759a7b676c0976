import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, labels as marks, poolLabels } from "../names";

export interface PoolNamespaceArgs {
  service: string;
  pool: string;
  namespace: string;
  /** Label value of the stack that makes the namespace. */
  stack: string;
  /** Whether the namespace is made here; otherwise it exists. */
  create: boolean;
  /** Names under which it may have been made before: it is the same namespace then. Default: this one alone. */
  madeAs?: readonly string[];
  /** Namespace whose HTTPRoutes may name the pool. */
  routesFrom: string;
}

const type = "inference-rollout:index:PoolNamespace";

const namespaceUrn = (name: string): string =>
  `urn:pulumi:${pulumi.getStack()}::${pulumi.getProject()}::${type}$kubernetes:core/v1:Namespace::${name}`;

/** A pool's own namespace, and the grant by which routes of the service's namespace may name the pool. */
export class PoolNamespace extends pulumi.ComponentResource {
  constructor(name: string, args: PoolNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super(type, name, {}, opts);
    const labels = poolLabels(args.service, args.pool);
    const namespace = args.create
      ? [
          new k8s.core.v1.Namespace(
            name,
            { metadata: { name: args.namespace, labels: { ...labels, [marks.stack]: args.stack } } },
            {
              parent: this,
              aliases: (args.madeAs ?? []).filter((other) => other !== name).map(namespaceUrn),
              customTimeouts: { delete: "15m" },
            },
          ),
        ]
      : [];
    new k8s.apiextensions.CustomResource(
      `${name}-grant`,
      {
        // v1 exists only in newer clusters; v1beta1 is served by all of them.
        apiVersion: `${apis.gateway}/v1beta1`,
        kind: "ReferenceGrant",
        metadata: { name: `routes-to-${args.pool}`, namespace: args.namespace, labels },
        spec: {
          from: [{ group: apis.gateway, kind: "HTTPRoute", namespace: args.routesFrom }],
          to: [{ group: apis.pool, kind: "InferencePool", name: args.pool }],
        },
      },
      { parent: this, dependsOn: namespace },
    );
    this.registerOutputs();
  }
}
