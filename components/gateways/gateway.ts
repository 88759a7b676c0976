export interface GatewayConfig {
  name: string;
  namespace: string;
  existing: boolean;
  exposure: "internal" | "external";
  /** Namespaces whose routes may attach. */
  routesFrom: readonly string[];
  port: number;
  hostname?: string;
  /** Secret with the certificate, in the gateway's namespace. */
  tlsSecret?: string;
  /** Certificate of Certificate Manager instead. */
  certificate?: string;
  /** Name of a reserved regional address. */
  address?: string;
  /** Internal: whether clients in other regions may connect. */
  globalAccess: boolean;
  /** How long one answer may take, to its last token. */
  timeoutSeconds: number;
  /** Whether the load balancer logs requests. */
  logging: boolean;
  /** Cloud Armor security policy of all pools. */
  cloudArmor?: string;
  modelArmor?: ModelArmor;
}

/** What prompts and answers are held against. */
export interface ModelArmor {
  promptTemplate: string;
  responseTemplate: string;
  model: string;
  failOpen: boolean;
  /** Region of the templates. */
  location: string;
}
