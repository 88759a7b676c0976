/*
 * What a gateway is to this program: the settings that a stack gives it, and the one interface that every kind of
 * gateway implements. gke.ts is the kind there is, gateway-kinds.ts lists them. Nothing here needs Pulumi.
 */

/** internal: reachable inside the network only. external: reachable from the internet, so always with TLS. */
export type Exposure = "internal" | "external";

/** The certificate of a gateway; neither field: clear text, for an internal gateway only. */
export interface Certificates {
  /** Name of a Secret (type kubernetes.io/tls) in the gateway's namespace. Default: none. */
  tlsSecret?: string | undefined;
  /**
   * Name of a certificate that the provider keeps, instead of a Secret. GKE: a regional certificate of Certificate
   * Manager, in the gateway's region. Default: none.
   */
  certificate?: string | undefined;
}

/** Whether clients speak TLS to a gateway: decided here for whatever connects to it, prints or creates it. */
export function usesTls({ tlsSecret, certificate }: Certificates): boolean {
  return tlsSecret !== undefined || certificate !== undefined;
}

/** HTTP's own port, which a URL need not name. */
export const standardPort = (tls: boolean): number => (tls ? 443 : 80);

/** What checks prompts and answers on their way. Source: Google's page on Model Armor with GKE Inference Gateway. */
export interface ModelArmor {
  /** Template for prompts, as projects/PROJECT/locations/REGION/templates/NAME. */
  promptTemplate: string;
  /** Template for answers, in the same region. */
  responseTemplate: string;
  /** Name of the model whose traffic is checked. */
  model: string;
  /** Whether traffic passes while Model Armor does not answer. */
  failOpen: boolean;
  /** Region of the templates. */
  location: string;
}

/** What a Gateway is made from. */
export interface GatewaySettings {
  /** Name of the Gateway. */
  name: string;
  /** Its namespace. */
  namespace: string;
  /** Who can reach it. */
  exposure: Exposure;
  /** Port of its listener. Default in a stack's config: the kind's {@link GatewayKind.defaultPort}. */
  port: number;
  /** DNS name it answers for; an external gateway has one. Default: any. */
  hostname?: string;
  /** See {@link Certificates}. Default: none. */
  tlsSecret?: string;
  /** See {@link Certificates}. Default: none. */
  certificate?: string;
  /** Name of a reserved regional address of the same exposure. Default: the provider takes a free one. */
  address?: string;
  /** internal: whether clients in other regions of the network may connect. */
  globalAccess: boolean;
  /** Checks of prompts and answers. Default: none. */
  modelArmor?: ModelArmor;
  /** Namespaces whose routes may attach. */
  routesFrom: readonly string[];
}

/** How a gateway treats the traffic of every pool behind it. */
export interface PoolTraffic {
  /** Seconds that one answer may take, to its last token. */
  timeoutSeconds: number;
  /** Whether the load balancer logs requests. */
  logging: boolean;
  /** external: name of a regional Cloud Armor security policy. Default: none. */
  cloudArmor?: string;
}

/** The gateway of a stack: all of it can cross a stack boundary as an output. */
export interface GatewayConfig extends GatewaySettings, PoolTraffic {
  /** Whether it was created outside this stack: then it is used as it is. */
  existing: boolean;
}

/** What a stack's config, and the outputs of an earlier version, need not say. */
export const gatewayDefaults = {
  globalAccess: false,
  /** Long answers take minutes; GKE's load balancer cuts them after 30 s. Source: accelerated-platforms. */
  timeoutSeconds: 3600,
  logging: true,
} as const;

/** What a load balancer has to know of one pool's model servers. */
export interface PoolHealth {
  /** Name of the InferencePool. */
  pool: string;
  /** Port of the model servers. */
  port: number;
  /** Path that answers 200 while a model server can serve. */
  healthPath: string;
  /** Interval, timeout and number of failures for that path. Default: the gateway kind's. */
  healthCheck?: { periodSeconds: number; timeoutSeconds: number; failureThreshold: number };
  /** Seconds that a connection may go on after its model server has left the pool. */
  drainSeconds: number;
}

/** A custom resource that a kind of gateway reads beside Gateway API's own. */
export interface PolicyKind {
  /** As networking.gke.io/v1. */
  apiVersion: string;
  kind: string;
  /** The resource's name in the API server's paths. */
  plural: string;
  /** What it is about: the Gateway, one pool, or an extension in the path of the traffic. */
  about: "gateway" | "pool" | "extension";
}

/** One policy, without the metadata that the component adds. */
export interface Policy {
  kind: PolicyKind;
  /** Last part of the Pulumi resource's name. It stays as it is: another name would replace the policy. */
  suffix: string;
  spec: object;
}

/** A condition in a route's status (`status.parents[].conditions`) by which the gateway says what became of it. */
export interface RouteCondition {
  type: string;
  /** Whether its absence counts as True; where it is there, it has to be True. */
  optional: boolean;
}

/** What Gateway API says of every implementation. Source: its specification, HTTPRouteStatus. */
export const standardConditions: readonly RouteCondition[] = [
  { type: "Accepted", optional: false },
  { type: "ResolvedRefs", optional: false },
];

/** A kind of gateway: everything that differs between GKE's and another implementation of Gateway API. */
export interface GatewayKind {
  /** Name for people. */
  readonly name: string;
  /** GatewayClass of a Gateway that a stack makes. */
  readonly classes: Readonly<Record<Exposure, string>>;
  /** Whether an existing Gateway of this class is of this kind. */
  ownsClass(className: string): boolean;
  /** Port of the listener where the config names none. */
  defaultPort(tls: boolean): number;
  /** `tls` of the listener, beside its mode. */
  listenerTls(certificates: Certificates): object;
  /** `addresses` of the Gateway for a reserved address. */
  addresses(name: string): readonly object[];
  /** Exposures with which a setting means something; with any other the config refuses it. */
  readonly exposures: Readonly<Record<"globalAccess" | "cloudArmor", readonly Exposure[]>>;
  /** Every policy that the two functions below can return. */
  readonly policyKinds: readonly PolicyKind[];
  /** Policies of a Gateway that a stack makes. */
  gatewayPolicies(gateway: GatewaySettings): readonly Policy[];
  /** Policies of one pool behind it. */
  poolPolicies(pool: PoolHealth & PoolTraffic): readonly Policy[];
  /** What a route has to show, each about its present generation, before it counts as in force. */
  readonly routeConditions: readonly RouteCondition[];
}
