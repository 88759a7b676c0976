/** Envoy's resources are JSON to us; only Envoy knows whether they are right. */
export type Json = Readonly<Record<string, unknown>>;

export interface Resource extends Json {
  "@type": string;
  name: string;
}

const prefix = "type.googleapis.com/";

export function typed(type: string, fields: Json = {}): Json & { "@type": string } {
  return { "@type": `${prefix}${type}`, ...fields };
}

/** Everything Envoy is to serve, by name. */
export interface EnvoyConfig {
  clusters: ReadonlyMap<string, Resource>;
  routes: ReadonlyMap<string, RouteConfig>;
  listeners: ReadonlyMap<string, ListenerConfig>;
}

export interface RouteConfig {
  resource: Resource;
  /** `uid@generation` of each HTTPRoute in it: whom to blame when Envoy refuses it. */
  contributors: ReadonlySet<string>;
  /** Clusters it names: they must be there before it, and stay as long as it. */
  clusters: ReadonlySet<string>;
}

export interface ListenerConfig {
  resource: Resource;
  /** Names of the route configurations it reads. */
  routes: readonly string[];
}
