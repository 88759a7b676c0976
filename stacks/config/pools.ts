import type { Pool } from "../plan/model";
import { poolNamespace } from "../../components/names";
import { inherit, resolveHardware } from "./hardware";
import { broken, missing, removeCommand, setCommand, shown, type Mistake } from "../messages/mistakes";
import type { PoolInput } from "./schema";
import { resolveServer } from "./servers";
import type { ShapeResult } from "./validate";
import { resolveAutoscaling, resolveWeights } from "./weights";

/** What a pool needs to know of the config around it. */
export interface Surroundings {
  service: string;
  namespace: string;
  names: readonly string[];
}

/** One entry of `pools`, with defaults filled in and `like` followed; undefined where it has mistakes. */
export function resolvePool(
  name: string,
  shape: ShapeResult,
  around: Surroundings,
  mistakes: Mistake[],
): Pool | undefined {
  const key = `pools.${name}`;
  const own = shape.pools[name] ?? {};
  const chain = likeChain(name, shape.pools, around.names);
  if (typeof chain !== "object") {
    mistakes.push({
      key: `${key}.like`,
      found: own.like ?? name,
      allowed: chain,
      fix: removeCommand(`${key}.like`),
    });
    return undefined;
  }
  if (own.existing === true) {
    const known = own.model ?? shape.values.model;
    const namespace = own.namespace ?? around.namespace;
    return {
      name,
      namespace,
      existing: true,
      ...(known === undefined ? {} : { model: known }),
      ...(own.replicas === undefined ? {} : { replicas: own.replicas }),
    };
  }
  // Nearer settings win. Where a pool lives and whose it is are its own, so these two are not taken over.
  const input = chain.reduceRight<PoolInput>((settings, entry) => inherit(settings, entry.input), {});
  const template = chain.find((entry) => entry.input.existing === true);
  // With objectives, each pool that we make has a namespace of its own: an InferenceObjective's name is unique in
  // its namespace and bound to one pool there, so that two pools could not have the same ones.
  const namespace =
    own.namespace ?? (shape.objectives.length > 0 ? poolNamespace(around.service, name) : around.namespace);
  const model = input.model ?? shape.values.model;
  if (input.accelerator === undefined && !broken(mistakes, `${key}.accelerator`)) {
    mistakes.push(missing(`${key}.accelerator`, "an accelerator", "nvidia-l4"));
  }
  if (input.replicas === undefined && !broken(mistakes, `${key}.replicas`)) {
    mistakes.push(missing(`${key}.replicas`, "how many replicas carry all of the traffic there", 2));
  }
  if (
    model === undefined &&
    template === undefined &&
    !broken(mistakes, "model") &&
    !broken(mistakes, `${key}.model`)
  ) {
    mistakes.push(missing("model", `the model that ${name} serves`, "Qwen/Qwen3-8B"));
  }
  if (input.accelerator === undefined || input.replicas === undefined) return undefined;
  const resolved = resolveHardware(key, { ...input, accelerator: input.accelerator }, mistakes);
  if (resolved === undefined) return undefined;
  const { hardware, placement } = resolved;
  const { family } = placement.accelerator;
  if (template !== undefined && placement.hosts > 1) {
    mistakes.push({
      key: `${key}.like`,
      found: `${template.name}, whose pods are single ones, for a slice of ${placement.hosts} machines`,
      allowed: "a pool of this stack, or hardware where one machine carries a replica",
      fix: setCommand(`${key}.acceleratorsPerReplica`, placement.machine.count),
    });
  }
  const server = resolveServer(shape.values.server, input.server, family);
  const engine = input.server?.engine ?? shape.values.server?.engine;
  if (template !== undefined) mistakes.push(...serverOfCopy(key, template.name, own));
  const context = { key, input, own, server, family, hosts: placement.hosts };
  const weights = resolveWeights(input.weights ?? shape.values.weights, model ?? "", context, mistakes);
  const autoscaling = resolveAutoscaling(input.replicas, context, mistakes);
  return {
    name,
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
    // A pod that is taken over from somebody else is run as it is.
    adapters: input.adapters ?? (adaptersDeclared(shape) && template === undefined),
    adaptersAreExplicit: input.adapters !== undefined,
    ...(template === undefined
      ? {}
      : {
          templateOf: {
            name: template.name,
            namespace: template.input.namespace ?? around.namespace,
            through: chain.slice(1, -1).map((entry) => entry.name),
            ...(engine === undefined ? {} : { engine }),
          },
        }),
  };
}

/** What a pool says of a server whose pods it copies: it would be ignored, and look as if it held. */
function serverOfCopy(key: string, original: string, { server = {}, weights }: PoolInput): Mistake[] {
  const ignored = [
    ...(["version", "image", "args", "port"] as const)
      .filter((field) => server[field] !== undefined)
      .map((field) => [`server.${field}`, server[field]] as const),
    ...(weights === undefined ? [] : [["weights", weights] as const]),
  ];
  return ignored.map(([field, value]) => ({
    key: `${key}.${field}`,
    found: shown(value),
    allowed: `nothing: ${key} copies the pods of ${original}, and they say it`,
    fix: `${removeCommand(`${key}.${field}`)} (or give it a model server of its own: ${removeCommand(`${key}.like`)} && ${setCommand(`${key}.model`, "MODEL")})`,
  }));
}

/** Also those with mistakes, or a pool would have a mistake of its own because of them. */
function adaptersDeclared({ values }: ShapeResult): boolean {
  return (values.adapters ?? []).length > 0;
}

/** The pool and those it is like, nearest first; or what is wrong with the chain. */
function likeChain(
  name: string,
  pools: Readonly<Record<string, PoolInput>>,
  names: readonly string[],
): { name: string; input: PoolInput }[] | string {
  const chain: { name: string; input: PoolInput }[] = [];
  for (let at: string | undefined = name; at !== undefined; at = pools[at]?.like) {
    if (chain.some((entry) => entry.name === at)) return "another pool: this one is like itself";
    const input: PoolInput | undefined = pools[at];
    if (input === undefined) {
      // A pool whose own mistakes were told already is not told again as an unknown one.
      if (names.includes(at)) return chain;
      return `one of the pools ${names.join(", ")}`;
    }
    chain.push({ name: at, input });
    if (input.existing === true && at !== name) break;
  }
  return chain;
}
