import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, labels, managedBy } from "../stacks/names";

export interface InferenceGatewayArgs {
  name: string;
  namespace: string;
  /** internal: a regional internal load balancer; external: a regional external one, with TLS. */
  exposure: "internal" | "external";
  port: number;
  /** DNS name it answers for. Default: any. */
  hostname?: string;
  /** Secret with the certificate, in the gateway's namespace. Absent: clear text, internal only. */
  tlsSecret?: string;
  /** Namespaces whose routes may attach. */
  routesFrom: readonly string[];
}

const classes = { internal: "gke-l7-rilb", external: "gke-l7-regional-external-managed" } as const;

/** The Gateway in front of the inference services. One gateway can serve several services. */
export class InferenceGateway extends pulumi.ComponentResource {
  readonly resource: k8s.apiextensions.CustomResource;

  constructor(name: string, args: InferenceGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:InferenceGateway", name, {}, opts);
    if (args.exposure === "external" && args.tlsSecret === undefined) {
      throw new pulumi.ResourceError(
        "an external gateway needs a certificate: nothing is opened in clear text",
        this,
      );
    }
    this.resource = new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: `${apis.gateway}/v1`,
        kind: "Gateway",
        metadata: {
          name: args.name,
          namespace: args.namespace,
          labels: { [labels.managedBy]: managedBy },
          annotations: { "pulumi.com/waitFor": "condition=Programmed" },
        },
        spec: { gatewayClassName: classes[args.exposure], listeners: [listener(args)] },
      },
      // A load balancer takes minutes to be made.
      { parent: this, customTimeouts: { create: "20m", update: "20m", delete: "20m" } },
    );
    this.registerOutputs();
  }
}

function listener(args: InferenceGatewayArgs): object {
  const onlyOwn = args.routesFrom.every((namespace) => namespace === args.namespace);
  return {
    ...(args.tlsSecret === undefined
      ? { name: "http", protocol: "HTTP" }
      : {
          name: "https",
          protocol: "HTTPS",
          tls: { mode: "Terminate", certificateRefs: [{ kind: "Secret", name: args.tlsSecret }] },
        }),
    port: args.port,
    ...(args.hostname === undefined ? {} : { hostname: args.hostname }),
    allowedRoutes: {
      namespaces: onlyOwn
        ? { from: "Same" }
        : {
            from: "Selector",
            selector: {
              matchExpressions: [
                { key: "kubernetes.io/metadata.name", operator: "In", values: [...args.routesFrom].sort() },
              ],
            },
          },
    },
  };
}
