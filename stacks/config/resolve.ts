import type { GatewayConfig } from "../../components/gateways/gateway";
import { defaultRouteName } from "../../components/names";
import { isReported, lastFirst, missing, type Mistake } from "../messages/mistakes";
import type { Allowance, Pool, ServiceConfig } from "../plan/service-config";
import { waivedBy } from "../plan/waivers";
import { checkPoolsWithAdapters, resolveAdapters } from "./adapter-keys";
import { resolveCluster, type CloudConfig, type ClusterConfig, type GuardedService } from "./cluster-keys";
import { resolveGate } from "./gate-keys";
import { checkHostname, resolveGateway } from "./gateway-keys";
import { parseConfig, type ParsedConfig, type RawConfig } from "./parse";
import { checkNodeLabels } from "./pool-keys";
import { resolvePool } from "./resolve-pool";
import { resolveSafety } from "./safety-keys";
import { withoutSecrets } from "./secrets";
import { checkService } from "./service-keys";

/** What a platform stack needs, and the platform part of a stack that is everything. */
export interface PlatformConfig {
  namespace: string;
  cluster: ClusterConfig;
  gateway: GatewayConfig;
  /** Services of other stacks for which it creates what belongs to no namespace. */
  guardedServices?: readonly GuardedService[];
}

/** A stack's config with every default filled in. */
export type StackConfig = {
  /** Whether a token for gated models is in the config; the token itself never passes through here. */
  hasHuggingFaceToken: boolean;
  allow: readonly Allowance[];
  /** `allow` as the config has it (plan/waivers.ts). */
  waivers: readonly string[];
} & (
  | { role: "all"; platform: PlatformConfig; service: ServiceConfig }
  | { role: "platform"; platform: PlatformConfig }
  | { role: "service"; platformStack: string; service: ServiceConfig }
);

export type Resolution = { config: StackConfig; mistakes: [] } | { config?: undefined; mistakes: Mistake[] };

/**
 * Turns what the user wrote into a config with every default, or into everything that is wrong with it at once.
 * @param secrets keys whose values are secret (secrets.ts): no mistake shows one.
 */
export function resolveConfig(
  raw: RawConfig,
  cloud: CloudConfig = {},
  secrets: ReadonlySet<string> = new Set(),
): Resolution {
  const parsed = parseConfig(raw, secrets);
  const { mistakes } = parsed;
  const config = resolveStack(parsed, cloud, mistakes);
  return config === undefined || mistakes.length > 0
    ? { mistakes: lastFirst(withoutSecrets(mistakes, raw, secrets)) }
    : { config, mistakes: [] };
}

/** @returns undefined, or a config that counts for nothing, if there are mistakes. */
function resolveStack(
  parsed: ParsedConfig,
  cloud: CloudConfig,
  mistakes: Mistake[],
): StackConfig | undefined {
  const { values } = parsed;
  const { role } = values;
  const common = { hasHuggingFaceToken: values.huggingFaceToken !== undefined, ...allowed(values) };
  if (role !== "service" && values.cluster.kubeconfig === undefined)
    mistakes.push(...checkNodeLabels(parsed.pools));
  if (role === "platform") return { role, ...common, platform: resolvePlatform(parsed, cloud, mistakes) };
  if (role === "all") {
    const platform = resolvePlatform(parsed, cloud, mistakes);
    const service = resolveService(parsed, mistakes);
    mistakes.push(...checkHostname(values.hostname, platform.gateway.hostname, mistakes));
    return service === undefined ? undefined : { role, ...common, platform, service };
  }
  const service = resolveService(parsed, mistakes);
  const platformStack = values.platform;
  if (platformStack === undefined && !isReported(mistakes, "platform")) {
    mistakes.push(
      missing("platform", "the platform stack, as organization/project/stack", "acme/inference/platform"),
    );
  }
  return service === undefined || platformStack === undefined
    ? undefined
    : { role, ...common, platformStack, service };
}

const allowed = ({ allow: waivers }: ParsedConfig["values"]): Pick<ServiceConfig, "allow" | "waivers"> => ({
  allow: [...new Set(waivers.filter((word) => word !== "").map(waivedBy))],
  waivers,
});

function resolvePlatform(
  { values, guardedServices }: ParsedConfig,
  cloud: CloudConfig,
  mistakes: Mistake[],
): PlatformConfig {
  return {
    namespace: values.namespace,
    cluster: resolveCluster(values.cluster, cloud, mistakes),
    gateway: resolveGateway(values.gateway, values, mistakes),
    ...(guardedServices.length === 0 ? {} : { guardedServices: guardedServices.map(({ input }) => input) }),
  };
}

function resolveService(parsed: ParsedConfig, mistakes: Mistake[]): ServiceConfig | undefined {
  const { values, declared, objectives } = parsed;
  const { service, namespace, stable, weight, model, rollout, ladder, aliases = [] } = values;
  const route = values.route ?? defaultRouteName(service);
  const candidate = values.candidate === "" ? undefined : values.candidate;
  checkService({ service, route, stable, candidate, weight, pools: declared.pools, objectives }, mistakes);
  const stack = {
    ...{ service, namespace, model, server: values.server, weights: values.weights },
    ...{ pools: parsed.pools, names: declared.pools },
    hasAdapters: declared.adapters > 0,
    ownNamespaces: objectives.length > 0 && values.objectivesIn === "pool-namespaces",
    hasToken: values.huggingFaceToken !== undefined,
  };
  const pools: Record<string, Pool> = {};
  for (const name of Object.keys(parsed.pools)) {
    const pool = resolvePool(name, stack, mistakes);
    if (pool !== undefined) pools[name] = pool;
  }
  const { capacity, rolledBack, resumed } = values;
  const safety = resolveSafety({ capacity, freeze: parsed.freeze, rolledBack, resumed, stable }, mistakes);
  const ofAdapters = {
    ...{ adapters: parsed.adapters, declared: declared.adapters },
    ...{ model, aliases, pools: parsed.pools },
  };
  const adapters = resolveAdapters(ofAdapters, mistakes);
  mistakes.push(...checkPoolsWithAdapters(ofAdapters, pools));
  if (stable === undefined) return undefined;
  return {
    ...safety,
    service,
    route,
    namespace,
    ...(values.hostname === undefined ? {} : { hostname: values.hostname }),
    stable,
    ...(candidate === undefined ? {} : { candidate }),
    weight: candidate === undefined ? 0 : weight,
    pools,
    objectives: objectives.map(({ input }) => input),
    aliases,
    adapters,
    ...(rollout === undefined ? {} : { rollout }),
    gate: resolveGate(values.gate),
    ladder,
    ...allowed(values),
    ...(values.clusterScoped ? {} : { clusterScoped: false }),
  };
}
