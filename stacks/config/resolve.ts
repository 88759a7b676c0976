import type { GateConfig, Pool, ServiceConfig } from "../plan/model";
import { adapterMistakesOfPools, resolveAdapters } from "./adapters";
import { defaults } from "./defaults";
import { resolveGateway } from "./gateway";
import {
  broken,
  lastFirst,
  missing,
  nearest,
  removeCommand,
  setCommand,
  shown,
  type Mistake,
} from "../messages/mistakes";
import { resolvePool } from "./pools";
import type { CloudConfig } from "./raw";
import type { ClusterConfig, PlatformConfig, StackConfig } from "./resolved";
import { closedPathsName, defaultRouteName, previewRouteName } from "../../components/names";
import { resolveSafety } from "./safety";
import { withoutSecrets } from "./secrets";
import { checkShape, type Parsed, type RawConfig, type ShapeResult } from "./validate";

export type Resolution = { config: StackConfig; mistakes: [] } | { config?: undefined; mistakes: Mistake[] };

/**
 * Turns what the user wrote into a config without holes, or into everything that is wrong with it at once.
 * @param secrets keys whose values are secret (secrets.ts): no mistake has one in it.
 */
export function resolveConfig(
  raw: RawConfig,
  cloud: CloudConfig = {},
  secrets: ReadonlySet<string> = new Set(),
): Resolution {
  const resolution = resolveParts(raw, cloud, secrets);
  return resolution.config === undefined
    ? { mistakes: lastFirst(withoutSecrets(resolution.mistakes, raw, secrets)) }
    : resolution;
}

function resolveParts(raw: RawConfig, cloud: CloudConfig, secrets: ReadonlySet<string>): Resolution {
  const shape = checkShape(raw, secrets);
  const mistakes = [...shape.mistakes, ...labelsOfOwnNodes(shape)];
  const role = shape.values.role ?? "all";
  const common = {
    hasHuggingFaceToken: shape.values.huggingFaceToken !== undefined,
    allow: shape.values.allow ?? [],
  };
  const platform = role === "service" ? undefined : resolvePlatform(shape.values, cloud, mistakes);
  const service = role === "platform" ? undefined : resolveService(shape, raw, mistakes);
  if (role === "service" && shape.values.platform === undefined && !broken(mistakes, "platform")) {
    mistakes.push(
      missing("platform", "the platform stack, as organisation/project/stack", "acme/inference/platform"),
    );
  }
  if (mistakes.length > 0) return { mistakes };
  if (role === "platform") {
    return { mistakes: [], config: { role, ...common, platform: must(platform) } };
  }
  const resolved = must(service);
  if (role === "service") {
    const platformStack = must(shape.values.platform);
    return { mistakes: [], config: { role, ...common, platformStack, service: resolved } };
  }
  return { mistakes: [], config: { role, ...common, platform: must(platform), service: resolved } };
}

/** Node pools of this program have its own label, and their pods select by that. */
function labelsOfOwnNodes({ values, pools }: ShapeResult): Mistake[] {
  if (values.role === "service" || values.cluster?.kubeconfig !== undefined) return [];
  return Object.entries(pools).flatMap(([name, { nodeLabels }]) =>
    nodeLabels === undefined
      ? []
      : [
          {
            key: `pools.${name}.nodeLabels`,
            found: nodeLabels.join(", "),
            allowed: "nothing: this stack makes the pool's nodes; labels are for a cluster by kubeconfig",
            fix: removeCommand(`pools.${name}.nodeLabels`),
          },
        ],
  );
}

function resolvePlatform(values: Parsed, cloud: CloudConfig, mistakes: Mistake[]): PlatformConfig {
  const namespace = values.namespace ?? defaults.namespace;
  return {
    namespace,
    cluster: resolveCluster(values, cloud, mistakes),
    gateway: resolveGateway(values, namespace, mistakes),
  };
}

function resolveCluster({ cluster }: Parsed, cloud: CloudConfig, mistakes: Mistake[]): ClusterConfig {
  if (cluster?.kubeconfig !== undefined) return { mode: "kubeconfig", kubeconfig: cluster.kubeconfig };
  const create = cluster?.create ?? cluster?.name === undefined;
  if (cloud.project === undefined)
    mistakes.push(missing("gcp:project", "the project of the cluster", "acme-ml"));
  if (cloud.region === undefined)
    mistakes.push(missing("gcp:region", "the region of the cluster", "us-central1"));
  const region = cloud.region ?? "";
  return {
    mode: create ? "create" : "adopt",
    name: cluster?.name ?? defaults.cluster,
    project: cloud.project ?? "",
    region,
    location: cluster?.location ?? region,
    channel: cluster?.channel ?? "regular",
    authorizedNetworks: cluster?.authorizedNetworks ?? [],
    ...(cluster?.nodeServiceAccount === undefined ? {} : { nodeServiceAccount: cluster.nodeServiceAccount }),
  };
}

function resolveService(shape: ShapeResult, raw: RawConfig, mistakes: Mistake[]): ServiceConfig | undefined {
  const { values } = shape;
  const service = values.service ?? defaults.service;
  const namespace = values.namespace ?? defaults.namespace;
  const route = values.route ?? defaultRouteName(service);
  const names = Object.keys(values.pools ?? {});
  const candidate = values.candidate === "" ? undefined : values.candidate;

  if ([previewRouteName(service), closedPathsName(service)].includes(route)) {
    mistakes.push({
      key: "route",
      found: `${route}, which is the name of another route of this service`,
      allowed: "the name of the route that customers come by",
      fix: removeCommand("route"),
    });
  }
  if (names.length === 0 && !broken(mistakes, "pools")) {
    mistakes.push({
      key: "pools",
      found: shown(raw["pools"]),
      allowed: "at least one pool with accelerator and replicas",
      fix: `${setCommand("pools.llm.accelerator", "nvidia-l4")} && ${setCommand("pools.llm.replicas", 2)}`,
    });
  }
  if (values.stable === undefined && !broken(mistakes, "stable")) {
    mistakes.push(missing("stable", "the name of the pool that serves the customers", names[0] ?? "llm"));
  }
  for (const [key, name] of [["stable", values.stable] as const, ["candidate", candidate] as const]) {
    if (name !== undefined && names.length > 0 && !names.includes(name))
      mistakes.push(unknownPool(key, name, names));
  }
  if (candidate !== undefined && candidate === values.stable) {
    mistakes.push({
      key: "candidate",
      found: `${candidate}, which is the stable pool too`,
      allowed: "another pool, or nothing when no rollout is under way",
      fix: removeCommand("candidate"),
    });
  }
  if (candidate === undefined && (values.weight ?? 0) > 0 && !broken(mistakes, "candidate")) {
    mistakes.push({
      key: "weight",
      found: `${values.weight ?? 0}, but no candidate`,
      allowed: "no weight while no rollout is under way",
      fix: `${removeCommand("weight")} (or name the candidate: ${setCommand("candidate", "NAME")})`,
    });
  }
  for (const [i, { name }] of shape.objectives.entries()) {
    if (shape.objectives.findIndex((other) => other.name === name) < i) {
      mistakes.push({
        key: `objectives[${i}].name`,
        found: `${name}, for the second time`,
        allowed: "each name once",
        fix: removeCommand(`objectives[${i}]`),
      });
    }
  }
  const pools: Record<string, Pool> = {};
  for (const name of Object.keys(shape.pools)) {
    const pool = resolvePool(name, shape, { service, namespace, names }, mistakes);
    if (pool !== undefined) pools[name] = pool;
  }
  const safety = resolveSafety(values, mistakes);
  const adapters = resolveAdapters(shape, mistakes);
  mistakes.push(...adapterMistakesOfPools(shape, pools));
  if (mistakes.length > 0) return undefined;
  return {
    ...safety,
    service,
    route,
    namespace,
    stable: must(values.stable),
    ...(candidate === undefined ? {} : { candidate }),
    weight: candidate === undefined ? 0 : (values.weight ?? 0),
    pools,
    objectives: shape.objectives,
    aliases: values.aliases ?? [],
    adapters,
    ...(values.rollout === undefined ? {} : { rollout: values.rollout }),
    gate: resolveGate(values),
    ladder: values.ladder ?? defaults.ladder,
    allow: values.allow ?? [],
  };
}

function resolveGate({ gate }: Parsed): GateConfig {
  return {
    via: gate?.via ?? "gateway",
    endpoint: gate?.endpoint ?? "completions",
    names: gate?.names ?? "listed",
    ...(gate?.apiKey === undefined ? {} : { apiKey: gate.apiKey }),
    timeoutSeconds: gate?.timeoutSeconds ?? 600,
    ...(gate?.address === undefined ? {} : { address: gate.address }),
  };
}

function unknownPool(key: string, name: string, names: readonly string[]): Mistake {
  const meant = nearest(name, names);
  return {
    key,
    found: `${name}, which is not in pools`,
    allowed: `one of the pools ${names.join(", ")}`,
    fix: setCommand(key, meant ?? names[0] ?? "llm"),
  };
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a value that validation had to provide is missing");
  return value;
}
