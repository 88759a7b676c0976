import { acceleratorNamed } from "../../components/accelerators/accelerators";
import { defaultEngine, engineNamed } from "../../components/engines/catalogue";
import { maxPoolName, poolNamespace } from "../../components/names";
import { isReported, missing, type Mistake } from "../messages/mistakes";
import { edits, remove, set } from "../plan/config-edits";
import type { Pool } from "../plan/service-config";
import { checkSettings, mergedSettings, settingPlaces, withoutSettings } from "./check-pod-settings";
import { name } from "./fields";
import { resolveHardware } from "./hardware-keys";
import { likeChain, likedBy, originalOf, overridesOfCopy, serverOfCopy } from "./like-keys";
import { inheritPicker, resolvePicker } from "./picker-keys";
import type { PoolInput } from "./pool-keys";
import { resolveServer, type ServerInput } from "./server-keys";
import { resolveAutoscaling, resolveWeights } from "./weights-keys";

/* One pool with its defaults. */

const ownPoolName = name(maxPoolName);

/** What a pool depends on beside its own settings. */
export interface PoolStack {
  service: string;
  /** The service's namespace. */
  namespace: string;
  model?: string | undefined;
  server?: ServerInput | undefined;
  weights?: PoolInput["weights"];
  /** The pools whose settings have the right shape. */
  pools: Readonly<Record<string, PoolInput>>;
  /** Names of all pools that the config declares. */
  names: readonly string[];
  hasAdapters: boolean;
  ownNamespaces: boolean;
  /** Whether the stack has a token for gated models. */
  hasToken: boolean;
}

/** One entry of `pools`, with its defaults and those of `like`; undefined if it has mistakes. */
export function resolvePool(pool: string, stack: PoolStack, mistakes: Mistake[]): Pool | undefined {
  const key = `pools.${pool}`;
  const own = stack.pools[pool] ?? {};
  const found = likeChain(pool, stack.pools, stack.names);
  if (typeof found === "string") {
    mistakes.push({
      key: `${key}.like`,
      found: likedBy(own) ?? pool,
      allowed: found,
      fix: edits(remove(`${key}.like`)),
    });
    return undefined;
  }
  const { chain, gone } = found;
  if (own.existing === true) {
    const known = own.model ?? stack.model;
    const namespace = own.namespace ?? stack.namespace;
    return {
      name: pool,
      namespace,
      existing: true,
      ...(known === undefined ? {} : { model: known }),
      ...(own.replicas === undefined ? {} : { replicas: own.replicas }),
    };
  }
  const ownName = ownPoolName.safeParse(pool);
  if (!ownName.success) {
    mistakes.push({
      key,
      found: pool,
      allowed: `${ownName.error.issues[0]?.message ?? ""}; a pool created outside this stack (existing: true) may have a longer one`,
      fix: edits(remove(key)),
    });
  }
  // Nearer settings win. The namespace, and who made the pool, are never taken over.
  const input = chain.reduceRight<PoolInput>((settings, entry) => inherit(settings, entry.input), {});
  const template = originalOf(pool, { chain, gone }, stack.namespace);
  // With objectives, each pool of this stack has a namespace of its own: an InferenceObjective's name is unique in
  // its namespace and bound to one pool there, so that two pools could not have the same ones.
  const namespace =
    own.namespace ??
    // Beside the pods that it copies is what they name.
    (stack.ownNamespaces ? poolNamespace(stack.service, pool) : (template?.namespace ?? stack.namespace));
  const model = input.model ?? stack.model;
  if (input.accelerator === undefined && !isReported(mistakes, `${key}.accelerator`)) {
    mistakes.push(missing(`${key}.accelerator`, "an accelerator", "nvidia-l4"));
  }
  if (input.replicas === undefined && !isReported(mistakes, `${key}.replicas`)) {
    mistakes.push(missing(`${key}.replicas`, "the replicas needed to serve 100 % of the traffic", 2));
  }
  if (
    model === undefined &&
    template === undefined &&
    !isReported(mistakes, "model") &&
    !isReported(mistakes, `${key}.model`)
  ) {
    mistakes.push(missing("model", `the model that ${pool} serves`, "Qwen/Qwen3-8B"));
  }
  if (input.accelerator === undefined || input.replicas === undefined) return undefined;
  const { accelerator, replicas } = input;
  const resolved = resolveHardware(key, { ...input, accelerator, replicas }, mistakes);
  if (resolved === undefined) return undefined;
  const { hardware, placement } = resolved;
  const { family } = placement.accelerator;
  if (template !== undefined && placement.hosts > 1) {
    mistakes.push({
      key: `${key}.like`,
      found: `${template.name}, whose pods run on one node each, for a slice of ${placement.hosts} nodes`,
      allowed: "a pool of this stack, or hardware where a replica fits on one node",
      fix: edits(set(`${key}.acceleratorsPerReplica`, placement.machine.count)),
    });
  }
  const resolvedServer = resolveServer(stack.server, input.server, family);
  // Copied pods have their own.
  const server = template === undefined ? resolvedServer : withoutSettings(resolvedServer);
  const engine = input.server?.engine ?? stack.server?.engine;
  if (template !== undefined) mistakes.push(...serverOfCopy(key, template.name, own));
  const context = { key, input, server, family, hosts: placement.hosts };
  const weights = resolveWeights(input.weights ?? stack.weights, model ?? "", context, mistakes);
  const picker = resolvePicker({ key, own, input }, server.engine, mistakes);
  const autoscaling = resolveAutoscaling(input.replicas, context, mistakes);
  const adapters = input.adapters ?? (stack.hasAdapters && template === undefined);
  const owned = {
    ...{ engine: engineNamed(server.engine), port: server.port, family, hosts: placement.hosts, adapters },
    ...{ readsBucket: weights.from === "gcs", token: stack.hasToken },
  };
  mistakes.push(...overridesOfCopy(pool, own, template !== undefined));
  const settingMistakes = settingPlaces(pool, server, chain, stack.server).flatMap(({ at, settings }) =>
    checkSettings(at, settings, owned),
  );
  mistakes.push(...settingMistakes.filter((mistake) => !isReported(mistakes, mistake.key)));
  if (autoscaling !== undefined && own.replicasOwner === "external") {
    mistakes.push({
      key: `${key}.replicasOwner`,
      found: "external, with autoscaling",
      allowed: "one autoscaler: the stack's (autoscaling), or one created outside this stack",
      fix: edits(remove(`${key}.${own.autoscaling === undefined ? "replicasOwner" : "autoscaling"}`)),
    });
  }
  return {
    name: pool,
    namespace,
    namespaceIsExplicit: own.namespace !== undefined,
    existing: false,
    replicas: input.replicas,
    hardware,
    placement,
    model: model ?? "",
    server,
    weights,
    ...(autoscaling === undefined ? {} : { autoscaling }),
    // What scales the pool that this one is like does not scale this one.
    ...(own.replicasOwner === undefined ? {} : { replicasOwner: own.replicasOwner }),
    ...(picker === undefined ? {} : { picker }),
    // A copied pod runs as it is.
    adapters,
    adaptersAreExplicit: input.adapters !== undefined,
    ...(stack.hasToken ? { token: true } : {}),
    driverIsExplicit: input.driver !== undefined,
    imageIsExplicit: [input.server, stack.server].some(
      (from) => from?.image !== undefined || from?.version !== undefined,
    ),
    ...(template === undefined
      ? {}
      : {
          templateOf: {
            ...template,
            ...(engine === undefined ? {} : { engine }),
            ...(input.workload === undefined ? {} : { workload: input.workload }),
          },
        }),
  };
}

/**
 * Settings of a pool over those of the one it is like. What only makes sense for the other pool's accelerator is left
 * out if this one has another accelerator.
 */
export function inherit(base: PoolInput, own: PoolInput): PoolInput {
  const other = own.accelerator !== undefined && base.accelerator !== undefined;
  if (!other || own.accelerator === base.accelerator) {
    // Provisioned in another way, the nodes use no reservation and have no fallback.
    const kept = own.provisioning === undefined ? base : without(base, ["reservation", "fallback"]);
    return { ...kept, ...own, ...inheritPicker(base, own), ...inheritedServer(base.server, own.server) };
  }
  const families = [base.accelerator, own.accelerator].map((name) => acceleratorNamed(name ?? "").family);
  return {
    ...without(base, [
      "machineType",
      "reservation",
      "fallback",
      "provisioning",
      "acceleratorNetwork",
      "nodeLabels",
      ...(families[0] === families[1] ? [] : (["acceleratorsPerReplica", "driver", "imageCache"] as const)),
    ]),
    ...own,
    ...inheritPicker(base, own),
    ...inheritedServer(base.server, own.server),
  };
}

/**
 * A pool's own `server` over that of the pool it is like: another version still has the same environment and volumes.
 * Image, arguments and port are those of the pool's own `server` alone. With another engine nothing is taken over.
 */
function inheritedServer(
  base: ServerInput | undefined,
  own: ServerInput | undefined,
): Pick<PoolInput, "server"> {
  if (base?.settings === undefined || own === undefined) return {};
  if (own.engine !== undefined && own.engine !== (base.engine ?? defaultEngine.name)) return {};
  return { server: { ...own, settings: mergedSettings(base.settings, own.settings ?? {}) } };
}

function without(input: PoolInput, keys: readonly (keyof PoolInput)[]): PoolInput {
  return Object.fromEntries(Object.entries(input).filter(([key]) => !keys.includes(key as keyof PoolInput)));
}
