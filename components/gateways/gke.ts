import { apis } from "../names";
import {
  standardConditions,
  standardPort,
  type GatewayKind,
  type GatewaySettings,
  type ModelArmor,
  type PolicyKind,
} from "./gateway";

/*
 * GKE's gateway: regional Application Load Balancers. Fields of its policies: the gke-gateway-api repository; their
 * use for pools: the inference extension's own chart for GKE.
 */

const policy = (kind: string, plural: string, about: PolicyKind["about"]): PolicyKind => ({
  apiVersion: "networking.gke.io/v1",
  kind,
  plural,
  about,
});

const healthCheck = policy("HealthCheckPolicy", "healthcheckpolicies", "pool");
const backend = policy("GCPBackendPolicy", "gcpbackendpolicies", "pool");
const gatewayPolicy = policy("GCPGatewayPolicy", "gcpgatewaypolicies", "gateway");
const trafficExtension = policy("GCPTrafficExtension", "gcptrafficextensions", "extension");

export const gke: GatewayKind = {
  name: "GKE",
  classes: { internal: "gke-l7-rilb", external: "gke-l7-regional-external-managed" },
  ownsClass: (className) => className.startsWith("gke-l7-"),
  defaultPort: standardPort,
  // Regional load balancers take certificates of Certificate Manager by name, in an option of the listener.
  listenerTls: ({ tlsSecret, certificate }) =>
    tlsSecret === undefined
      ? { options: { "networking.gke.io/cert-manager-certs": certificate } }
      : { certificateRefs: [{ kind: "Secret", name: tlsSecret }] },
  addresses: (name) => [{ type: "NamedAddress", value: name }],
  // An external load balancer admits every region; Cloud Armor guards external ones.
  exposures: { globalAccess: ["internal"], cloudArmor: ["external"] },
  policyKinds: [healthCheck, backend, gatewayPolicy, trafficExtension],
  gatewayPolicies: (gateway) => [
    ...(gateway.globalAccess
      ? [
          {
            kind: gatewayPolicy,
            suffix: "access",
            spec: { default: { allowGlobalAccess: true }, targetRef: targetOf(gateway) },
          },
        ]
      : []),
    ...(gateway.modelArmor === undefined
      ? []
      : [
          {
            kind: trafficExtension,
            suffix: "model-armor",
            spec: modelArmorSpec(gateway, gateway.modelArmor),
          },
        ]),
  ],
  poolPolicies: (health) => {
    const { pool, port, healthPath, healthCheck: check, drainSeconds } = health;
    const { timeoutSeconds, logging, cloudArmor } = health;
    const targetRef = { group: apis.pool, kind: "InferencePool", name: pool };
    return [
      {
        kind: healthCheck,
        suffix: "health",
        spec: {
          targetRef,
          default: {
            // A busy server answers late; see ServerProbes. GKE takes no timeout above the interval.
            checkIntervalSec: check?.periodSeconds ?? 5,
            timeoutSec: check?.timeoutSeconds ?? 5,
            unhealthyThreshold: check?.failureThreshold ?? 3,
            config: {
              type: "HTTP",
              httpHealthCheck: { requestPath: healthPath, portSpecification: "USE_FIXED_PORT", port },
            },
          },
        },
      },
      {
        kind: backend,
        suffix: "backend",
        spec: {
          targetRef,
          default: {
            timeoutSec: timeoutSeconds,
            connectionDraining: { drainingTimeoutSec: drainSeconds },
            logging: { enabled: logging },
            ...(cloudArmor === undefined ? {} : { securityPolicy: cloudArmor }),
          },
        },
      },
    ];
  },
  // Reconciled is GKE's own: the load balancer has what the route says. GKE's pages do not promise it on every route.
  routeConditions: [...standardConditions, { type: "Reconciled", optional: true }],
};

const targetOf = ({ name }: GatewaySettings): object => ({ group: apis.gateway, kind: "Gateway", name });

/** Source: Google's page on Model Armor with GKE Inference Gateway. */
function modelArmorSpec(gateway: GatewaySettings, settings: ModelArmor): object {
  const { promptTemplate, responseTemplate, model, failOpen, location } = settings;
  return {
    targetRefs: [targetOf(gateway)],
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
