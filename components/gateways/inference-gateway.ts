import type { ModelArmor } from "./gateway";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { usesTls } from "./gateway-tls";
import { apis, labels, managedBy } from "../names";

export interface InferenceGatewayArgs {
  name: string;
  namespace: string;
  /** internal: a regional internal load balancer; external: a regional external one, with TLS. */
  exposure: "internal" | "external";
  port: number;
  /** DNS name it answers for. Default: any. */
  hostname?: string;
  /** Secret with the certificate, in the gateway's namespace. Absent, and no other: clear text, internal only. */
  tlsSecret?: string;
  /** Regional certificate of Certificate Manager, instead of a Secret. */
  certificate?: string;
  /** Name of a reserved regional address. Default: GKE takes a free one. */
  address?: string;
  /** Internal: whether clients in other regions of the network may connect. */
  globalAccess: boolean;
  /** Checks of prompts and answers. Default: none. */
  modelArmor?: ModelArmor;
  /** Namespaces whose routes may attach. */
  routesFrom: readonly string[];
}

const classes = { internal: "gke-l7-rilb", external: "gke-l7-regional-external-managed" } as const;

/** GKE's own API for what Gateway API does not know. */
export const gkeApi = "networking.gke.io/v1";

/** The Gateway in front of the inference services. One gateway can serve several services. */
export class InferenceGateway extends pulumi.ComponentResource {
  readonly resource: k8s.apiextensions.CustomResource;

  constructor(name: string, args: InferenceGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:InferenceGateway", name, {}, opts);
    if (args.exposure === "external" && !usesTls(args)) {
      throw new pulumi.ResourceError(
        "an external gateway needs a certificate: nothing is opened in clear text",
        this,
      );
    }
    const metadata = {
      name: args.name,
      namespace: args.namespace,
      labels: { [labels.managedBy]: managedBy },
    };
    this.resource = new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: `${apis.gateway}/v1`,
        kind: "Gateway",
        metadata: { ...metadata, annotations: { "pulumi.com/waitFor": "condition=Programmed" } },
        spec: {
          gatewayClassName: classes[args.exposure],
          ...(args.address === undefined
            ? {}
            : { addresses: [{ type: "NamedAddress", value: args.address }] }),
          listeners: [listener(args)],
        },
      },
      // A load balancer takes minutes to be made.
      { parent: this, customTimeouts: { create: "20m", update: "20m", delete: "20m" } },
    );
    const after = { parent: this, dependsOn: this.resource };
    if (args.globalAccess) {
      new k8s.apiextensions.CustomResource(
        `${name}-access`,
        {
          apiVersion: gkeApi,
          kind: "GCPGatewayPolicy",
          metadata,
          spec: {
            default: { allowGlobalAccess: true },
            targetRef: { group: apis.gateway, kind: "Gateway", name: args.name },
          },
        },
        after,
      );
    }
    if (args.modelArmor !== undefined) {
      new k8s.apiextensions.CustomResource(
        `${name}-model-armor`,
        {
          apiVersion: gkeApi,
          kind: "GCPTrafficExtension",
          metadata,
          spec: modelArmorSpec(args.name, args.modelArmor),
        },
        after,
      );
    }
    this.registerOutputs();
  }
}

function listener(args: InferenceGatewayArgs): object {
  const onlyOwn = args.routesFrom.every((namespace) => namespace === args.namespace);
  return {
    ...protocol(args),
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

/** Regional load balancers take certificates of Certificate Manager by name, in an option of the listener. */
function protocol({ tlsSecret, certificate }: InferenceGatewayArgs): object {
  if (!usesTls({ tlsSecret, certificate })) return { name: "http", protocol: "HTTP" };
  const tls =
    tlsSecret === undefined
      ? { options: { "networking.gke.io/cert-manager-certs": certificate } }
      : { certificateRefs: [{ kind: "Secret", name: tlsSecret }] };
  return { name: "https", protocol: "HTTPS", tls: { mode: "Terminate", ...tls } };
}

/** Source: Google's page on Model Armor with GKE Inference Gateway. */
function modelArmorSpec(gateway: string, settings: ModelArmor): object {
  const { promptTemplate, responseTemplate, model, failOpen, location } = settings;
  return {
    targetRefs: [{ group: apis.gateway, kind: "Gateway", name: gateway }],
    extensionChains: [
      {
        name: "model-armor",
        matchCondition: {
          celExpressions: [
            { celMatcher: 'request.path == "/v1/chat/completions" || request.path == "/v1/completions"' },
          ],
        },
        extensions: [
          {
            name: "model-armor",
            googleAPIServiceName: `modelarmor.${location}.rep.googleapis.com`,
            failOpen,
            timeout: "1s",
            supportedEvents: [
              ...["RequestHeaders", "RequestBody", "RequestTrailers"],
              ...["ResponseHeaders", "ResponseBody", "ResponseTrailers"],
            ],
            metadata: {
              model_armor_settings: JSON.stringify([
                {
                  model,
                  user_prompt_template_id: promptTemplate,
                  model_response_template_id: responseTemplate,
                },
              ]),
            },
          },
        ],
      },
    ],
  };
}
