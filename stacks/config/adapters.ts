import type { Adapter, AdapterVersion, Pool } from "../plan/model";
import { engineNamed, enginesThat } from "../../components/engines/catalogue";
import { servedName } from "../../components/names";
import { removeCommand, setCommand, type Mistake } from "../messages/mistakes";
import type { ShapeResult } from "./validate";

const firstVersion = "v1";

/** The adapters with their defaults. What is wrong with one, or between them, is added to the mistakes. */
export function resolveAdapters(shape: ShapeResult, mistakes: Mistake[]): Adapter[] {
  const adapters = shape.adapters.map(({ input, index }) => {
    const key = `adapters[${index}]`;
    const { name, candidate, weight = 0 } = input;
    const bases = input.bases ?? (shape.values.model === undefined ? [] : [shape.values.model]);
    if (bases.length === 0) {
      mistakes.push({
        key: `${key}.bases`,
        found: "nothing, and the stack names no model for all pools",
        allowed: "the base models that the adapter was trained for",
        fix: setCommand(`${key}.bases[0]`, "Qwen/Qwen3-8B"),
      });
    }
    if (candidate === undefined && weight > 0) {
      mistakes.push({
        key: `${key}.weight`,
        found: `${weight}, but no candidate version`,
        allowed: "no weight while no version is rolled out",
        fix: removeCommand(`${key}.weight`),
      });
    }
    const stable = versionOf(name, input.version ?? firstVersion, input.source);
    if (candidate?.version === stable.version) {
      mistakes.push({
        key: `${key}.candidate.version`,
        found: `${candidate.version}, which is the version that serves`,
        allowed: "another version: both are loaded side by side",
        fix: setCommand(`${key}.candidate.version`, nextVersion(stable.version)),
      });
    }
    return {
      name,
      index,
      bases,
      stable,
      ...(candidate === undefined ? {} : { candidate: versionOf(name, candidate.version, candidate.source) }),
      weight: candidate === undefined ? 0 : weight,
    };
  });
  mistakes.push(...clashes(shape, adapters));
  return adapters;
}

function versionOf(name: string, version: string, source: string): AdapterVersion {
  return { version, source, served: servedName(name, version) };
}

/** v1 -> v2; anything else gets an ending. */
function nextVersion(version: string): string {
  const found = /^(.*?)(\d+)$/.exec(version);
  return found === null ? `${version}-2` : `${found[1] ?? ""}${Number(found[2]) + 1}`;
}

/** A name means one thing: a model server and the picker's rules know models and adapters by nothing else. */
function clashes(shape: ShapeResult, adapters: readonly Adapter[]): Mistake[] {
  const taken = new Map<string, string>();
  const mistakes: Mistake[] = [];
  const models = [shape.values.model, ...Object.values(shape.pools).map(({ model }) => model)];
  for (const model of models) if (model !== undefined) taken.set(model, "the name of a model");
  const aliases = new Set<string>();
  for (const [i, alias] of (shape.values.aliases ?? []).entries()) {
    // The name of a model may be an alias: that is how it goes on being answered when the model changes.
    if (aliases.has(alias)) {
      mistakes.push({
        key: `aliases[${i}]`,
        found: `${alias}, for the second time`,
        allowed: "each name once",
        fix: removeCommand(`aliases[${i}]`),
      });
    }
    aliases.add(alias);
    taken.set(alias, "an alias of the base model");
  }
  const claim = (key: string, name: string, what: string): void => {
    const other = taken.get(name);
    if (other === undefined) taken.set(name, what);
    else {
      mistakes.push({
        key,
        found: `${name}, which is ${other} too`,
        allowed: "a name that means one thing only",
        fix: setCommand(key, key.endsWith("version") ? "v-other" : `${name}-adapter`),
      });
    }
  };
  for (const { name, index } of adapters) claim(`adapters[${index}].name`, name, `the adapter ${name}`);
  for (const { name, index, stable, candidate } of adapters) {
    claim(`adapters[${index}].version`, stable.served, `a version of the adapter ${name}`);
    // The same version twice is told already.
    if (candidate !== undefined && candidate.version !== stable.version) {
      claim(`adapters[${index}].candidate.version`, candidate.served, `a version of the adapter ${name}`);
    }
  }
  return mistakes;
}

/** Pools that are to load adapters and cannot. */
export function adapterMistakesOfPools(
  { values, pools: inputs }: ShapeResult,
  pools: Readonly<Record<string, Pool>>,
): Mistake[] {
  return Object.values(pools).flatMap((pool) => {
    if (pool.existing || !pool.adapters) return [];
    const key = `pools.${pool.name}.adapters`;
    if ((values.adapters ?? []).length === 0 && inputs[pool.name]?.adapters === undefined) return [];
    if (pool.templateOf !== undefined) {
      return [
        {
          key,
          found: `true, and ${pool.name} takes over the pod template of ${pool.templateOf.name}`,
          allowed: "false: what such a pod loads is its template's business",
          fix: setCommand(key, false),
        },
      ];
    }
    if (pool.placement.hosts > 1) {
      return [
        {
          key,
          found: `true, and a replica of ${pool.name} takes several machines`,
          // Nobody has tried how a server that is spread over machines loads an adapter while it runs.
          allowed: "false for replicas of several machines",
          fix: setCommand(key, false),
        },
      ];
    }
    if (engineNamed(pool.server.engine).adapters.supported) return [];
    const able = enginesThat(({ adapters }) => adapters.supported);
    return [
      {
        key: `pools.${pool.name}.server.engine`,
        found: `${pool.server.engine}, and the stack has adapters`,
        allowed: `${able.names}: only with ${able.titles} is it proven that a pod has loaded every adapter before it gets traffic`,
        fix: `${setCommand(`pools.${pool.name}.server.engine`, able.first)} (or serve no adapters there: ${setCommand(key, false)})`,
      },
    ];
  });
}
