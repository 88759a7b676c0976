import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, labels, managedBy } from "../names";
import { usesTls, type GatewayKind, type GatewaySettings } from "./gateway";
import { defaultGatewayKind } from "./gateway-kinds";

export interface InferenceGatewayArgs extends GatewaySettings {
  /** What makes the Gateway real. Default: GKE. */
  kind?: GatewayKind;
  /** Whether the Gateway may be deleted or replaced: services may have clients there. Default: true. */
  deletable?: boolean;
}

/**
 * The Gateway in front of the inference services, with the policies of its kind. One gateway can serve several
 * services.
 * @throws ResourceError where an external gateway has no certificate.
 */
export class InferenceGateway extends pulumi.ComponentResource {
  readonly resource: k8s.apiextensions.CustomResource;

  constructor(name: string, args: InferenceGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:InferenceGateway", name, {}, opts);
    const { kind = defaultGatewayKind, deletable = true, ...gateway } = args;
    if (gateway.exposure === "external" && !usesTls(gateway)) {
      throw new pulumi.ResourceError(
        "an external gateway needs a certificate: it never serves clear text",
        this,
      );
    }
    const metadata = {
      name: gateway.name,
      namespace: gateway.namespace,
      labels: { [labels.managedBy]: managedBy },
    };
    this.resource = new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: `${apis.gateway}/v1`,
        kind: "Gateway",
        metadata: { ...metadata, annotations: { "pulumi.com/waitFor": "condition=Programmed" } },
        spec: {
          gatewayClassName: kind.classes[gateway.exposure],
          ...(gateway.address === undefined ? {} : { addresses: kind.addresses(gateway.address) }),
          listeners: [listener(gateway, kind)],
        },
      },
      // A load balancer takes minutes to be made.
      {
        parent: this,
        protect: !deletable,
        customTimeouts: { create: "20m", update: "20m", delete: "20m" },
      },
    );
    for (const policy of kind.gatewayPolicies(gateway)) {
      new k8s.apiextensions.CustomResource(
        `${name}-${policy.suffix}`,
        { apiVersion: policy.kind.apiVersion, kind: policy.kind.kind, metadata, spec: policy.spec },
        { parent: this, dependsOn: this.resource },
      );
    }
    this.registerOutputs();
  }
}

function listener(gateway: GatewaySettings, kind: GatewayKind): object {
  const { port, hostname, namespace, routesFrom } = gateway;
  const onlyOwn = routesFrom.every((from) => from === namespace);
  return {
    ...(usesTls(gateway)
      ? { name: "https", protocol: "HTTPS", tls: { mode: "Terminate", ...kind.listenerTls(gateway) } }
      : { name: "http", protocol: "HTTP" }),
    port,
    ...(hostname === undefined ? {} : { hostname }),
    allowedRoutes: {
      namespaces: onlyOwn
        ? { from: "Same" }
        : {
            from: "Selector",
            selector: {
              matchExpressions: [
                { key: "kubernetes.io/metadata.name", operator: "In", values: [...routesFrom].sort() },
              ],
            },
          },
    },
  };
}
