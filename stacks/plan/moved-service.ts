import type { Observed } from "./observed";
import type { ServiceConfig } from "./service-config";

/*
 * Which service a stack deployed, and where. Everything is recognized by the service's label and lies in its namespace: a
 * config that names others is blind for what serves, and Pulumi would restart it, or replace it, all the same.
 */

/** What a stack deployed, where the config now names another. */
export interface MovedService {
  key: "service" | "namespace";
  deployed: string;
  configured: string;
}

export function movedService(config: ServiceConfig, observed: Observed): MovedService[] {
  const [namespace] = observed.record?.route?.split("/") ?? [];
  const known = { service: deployedService(config, observed), namespace };
  return (["service", "namespace"] as const).flatMap((key) => {
    const [deployed, configured] = [known[key], config[key]];
    return deployed === undefined || deployed === configured ? [] : [{ key, deployed, configured }];
  });
}

/** The record says it; for one of an earlier version, the live route's label does, or the pools that this stack has. */
function deployedService(
  config: ServiceConfig,
  { record, route, claims = [] }: Observed,
): string | undefined {
  if (record?.service !== undefined) return record.service;
  const isTheirs = claims.some(
    ({ whose, object: { kind, namespace, name } }) =>
      whose === "theirs" && kind === "HTTPRoute" && namespace === config.namespace && name === config.route,
  );
  if (route?.service !== undefined && route.foreign !== true && !isTheirs) return route.service;
  // Before the first success nothing serves: the name may still change.
  if (record === undefined) return undefined;
  const pools = claims.filter(({ whose, object }) => whose !== "theirs" && object.kind === "InferencePool");
  const services = new Set(pools.map(({ object }) => object.service));
  return services.size === 1 ? [...services][0] : undefined;
}
