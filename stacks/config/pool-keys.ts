import type { z } from "zod";
import { defaultEngine, engineNamed } from "../../components/engines/catalogue";
import { acceleratorNamed } from "../../components/accelerators/accelerators";
import { podSettings } from "../../components/model-server/pod-settings";
import { maxLabel, maxPoolName, poolNamespace } from "../../components/names";
import { isReported, missing, shown, type Mistake } from "../messages/mistakes";
import { edits, fix, remove, set } from "../plan/config-edits";
import type { OwnedPool, Pool } from "../plan/service-config";
import {
  aModel,
  existingName,
  flag,
  integer,
  matching,
  name,
  object,
  oneOf,
  optional,
  record,
  required,
} from "./fields";
import { inheritPicker, pickerSchema, resolvePicker } from "./picker-keys";
import { hardwareFields, resolveHardware } from "./hardware-keys";
import { checkSettings, mergedSettings, settingPlaces, withoutSettings } from "./check-pod-settings";
import { resolveServer, serverSchema, type ServerInput } from "./server-keys";
import { autoscalingSchema, resolveAutoscaling, resolveWeights, weightsSchema } from "./weights-keys";

/* The pools: what each is made of, and what it takes over from the pool that it is like. */

const poolSchema = object({
  existing: optional(flag(), {
    description:
      "The pool was created outside this stack. The stack routes requests to it and never changes it.",
    default: "false",
    example: true,
    change: "new-pool",
  }),
  like: optional(existingName(), {
    description:
      "Pool whose settings this one uses, except those that it sets itself. If that pool was created outside this stack, its pods are copied.",
    default: "none",
    example: "llm",
    change: "new-pool",
  }),
  workload: optional(
    matching(
      /^((Deployment|StatefulSet|LeaderWorkerSet)\/)?[a-z0-9][-a-z0-9.]*$/,
      "the name of a workload, or KIND/NAME with the kind Deployment, StatefulSet or LeaderWorkerSet",
    ),
    {
      description:
        "With `like` a pool created outside this stack that selects the pods of several workloads: the one whose pods are copied.",
      default: "the only workload that the pool selects",
      example: "Deployment/decode",
      change: "new-pool",
    },
  ),
  replicas: optional(integer(1, 1000, "replicas for 100 % of the traffic"), {
    description:
      "Replicas needed to serve 100 % of the traffic on this hardware. For an existing pool: what it needs before it gets traffic back.",
    default: "required; for an existing pool, the replicas it had when it served the traffic",
    example: 2,
  }),
  replicasOwner: optional(oneOf(["stack", "external"]), {
    description:
      "Who sets the number of replicas of a pool of this stack. external: whatever scales its workload from outside this stack; the stack sets the number only when it creates the pool, and checks the live number before it moves traffic.",
    default:
      "external while a HorizontalPodAutoscaler or ScaledObject created outside this stack targets the pool's workload, else stack",
    example: "external",
  }),
  ...hardwareFields,
  model: optional(aModel, {
    description: "The model that the pool serves.",
    default: "the stack's model",
    example: "Qwen/Qwen3-8B",
    change: "new-pool",
  }),
  server: optional(serverSchema, {
    description: "The model server, with the keys of `server`.",
    default: "the stack's server",
    example: { version: "v0.21.0" },
  }),
  picker: optional(pickerSchema, {
    description:
      "The pool's endpoint picker. To change it, roll out another pool with `{like: NAME, picker: {...}}`: a rollout of kind `picker`.",
    default: "the one that this program was tested with",
    example: { version: "v1.5.0" },
  }),
  weights: optional(weightsSchema, {
    description: "Where the weights come from, with the keys of `weights`.",
    default: "the stack's weights",
    example: { from: "gcs", bucket: "acme-models" },
    change: "new-pool",
  }),
  adapters: optional(flag(), {
    description: "Whether the pool loads the stack's adapters.",
    default: "true if there are any and the pods are not copied",
    example: true,
    change: "new-pool",
  }),
  autoscaling: optional(autoscalingSchema, {
    description: "An autoscaler for the pool's replicas.",
    default: "none",
    example: { max: 8 },
  }),
  namespace: optional(name(maxLabel), {
    description: "Namespace of the pool.",
    default:
      "the service's, or that of the pool created outside this stack whose pods it copies; with objectives, one of the pool's own (see `objectivesIn`)",
    example: "default",
    change: "new-pool",
  }),
});

export type PoolInput = Omit<z.infer<typeof poolSchema>, "server"> & { server?: ServerInput };

export const poolKeys = {
  server: optional(serverSchema, {
    description: "Model server of every pool without its own `server`.",
    default: `${defaultEngine.title} in the version that this program was tested with`,
    example: { version: "v0.21.0" },
  }),
  weights: optional(weightsSchema, {
    description: "Source of the weights for every pool without its own `weights`.",
    default: "Hugging Face",
    example: { from: "gcs", bucket: "acme-models" },
    change: "new-pool",
  }),
  pools: required(record(existingName(), poolSchema, "an object with a key for each pool"), {
    description: "The pools, by name. Only the stable pool and the candidate are deployed.",
    example: { llm: { accelerator: "nvidia-l4", replicas: 6 } },
  }),
};

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
      found: own.like ?? pool,
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
  const ownName = name(maxPoolName).safeParse(pool);
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

/** Settings that copied pods would ignore: they are refused, so that nobody relies on them. */
function serverOfCopy(key: string, original: string, { server = {}, weights }: PoolInput): Mistake[] {
  const ignored = [
    ...(["version", "image", "args", "port"] as const)
      .filter((field) => server[field] !== undefined)
      .map((field) => [`server.${field}`, server[field]] as const),
    ...podSettings
      .filter((field) => server.settings?.[field] !== undefined)
      .map((field) => [`server.${field}`, field === "env" ? "variables" : server.settings?.[field]] as const),
    ...(weights === undefined ? [] : [["weights", weights] as const]),
  ];
  return ignored.map(([field, value]) => ({
    key: `${key}.${field}`,
    found: shown(value),
    allowed: `nothing: ${key} copies the pods of ${original}, and this is part of them`,
    fix: fix`${remove(`${key}.${field}`)} (or use a model server of its own: ${[remove(`${key}.like`), set(`${key}.model`, "MODEL")]})`,
  }));
}

interface LikeChain {
  /** The pool and those it is like, nearest first. */
  chain: readonly { name: string; input: PoolInput }[];
  /** What the last of them is like, where the config no longer declares it. */
  gone?: string | undefined;
}

/** The pool created outside this stack whose pods a pool runs, directly or as others of this stack keep them. */
function originalOf(
  name: string,
  { chain, gone }: LikeChain,
  namespace: string,
): Omit<NonNullable<OwnedPool["templateOf"]>, "engine" | "workload"> | undefined {
  const others = chain.filter((entry) => entry.name !== name);
  const through = others.filter(({ input }) => input.existing !== true).map((entry) => entry.name);
  if (gone !== undefined) return { name: gone, namespace, through, undeclared: true };
  const existing = others.find(({ input }) => input.existing === true);
  return existing && { name: existing.name, namespace: existing.input.namespace ?? namespace, through };
}

/** The chain of a pool; or what is wrong with it. */
function likeChain(
  name: string,
  pools: Readonly<Record<string, PoolInput>>,
  names: readonly string[],
): LikeChain | string {
  const chain: { name: string; input: PoolInput }[] = [];
  for (let at: string | undefined = name; at !== undefined; at = pools[at]?.like) {
    if (chain.some((entry) => entry.name === at))
      return "another pool: this chain of like leads back to the pool itself";
    const input: PoolInput | undefined = pools[at];
    if (input === undefined) {
      // A pool whose own mistakes are reported already is not reported again as unknown.
      if (names.includes(at)) return { chain };
      return mayHaveGone(chain) ? { chain, gone: at } : `one of the pools ${names.join(", ")}`;
    }
    chain.push({ name: at, input });
    if (input.existing === true && at !== name) break;
  }
  return { chain };
}

/**
 * Whether the pool that the last one is like may have been one created outside this stack, which its owner removed: its
 * copies keep what they need of it. Then no setting can be missing; the plan refuses it where nothing is kept.
 */
function mayHaveGone(chain: readonly { input: PoolInput }[]): boolean {
  const all = chain.map(({ input }) => input);
  return (
    all.some(({ accelerator }) => accelerator !== undefined) &&
    all.some(({ replicas }) => replicas !== undefined) &&
    all.every((input) => serverOfCopy("", "", input).length === 0)
  );
}

/** Node pools of this stack have its own label, and their pods select by that. */
export function checkNodeLabels(pools: Readonly<Record<string, PoolInput>>): Mistake[] {
  return Object.entries(pools).flatMap(([pool, { nodeLabels }]) =>
    nodeLabels === undefined
      ? []
      : [
          {
            key: `pools.${pool}.nodeLabels`,
            found: nodeLabels.join(", "),
            allowed:
              "nothing: this stack creates the pool's nodes; nodeLabels applies only with cluster.kubeconfig",
            fix: edits(remove(`pools.${pool}.nodeLabels`)),
          },
        ],
  );
}
