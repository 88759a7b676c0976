import type { NameRule } from "../../components/adapters/name-rewrites";
import type { OwnedPool, Pool, ServiceConfig } from "./service-config";
import type { Observed } from "./observed";
import { targetsOf } from "./adapter-versions";
import { servedNames } from "./served-names";

/**
 * Every name that the pool's servers answer to by themselves for their base model (`--served-model-name`, else the
 * model's own), the one that they call it by first. Empty: the config does not say.
 */
export function baseNamesOf(pool: Pool | undefined): string[] {
  if (pool === undefined) return [];
  // A pod template that was taken over runs its own arguments, not the config's.
  if (pool.existing || pool.templateOf !== undefined) {
    return pool.model === undefined || pool.model === "" ? [] : [pool.model];
  }
  return servedNames(pool.server.engine, pool.server.args, pool.model);
}

/** The first of them: what requests are rewritten to. */
export function baseNameOf(pool: Pool | undefined): string | undefined {
  return baseNamesOf(pool)[0];
}

/** Names of the base model: the aliases, and every one that the stable pool answers to by itself. */
export function baseNames(config: ServiceConfig): string[] {
  return [...new Set([...config.aliases, ...baseNamesOf(config.pools[config.stable])])];
}

/**
 * The stable pool's own names that a promotion of the candidate would leave without an answer: they have to become
 * aliases.
 */
export function namesLostByPromotion(config: ServiceConfig): string[] {
  const { stable, candidate, pools, aliases } = config;
  const kept = [...aliases, ...(candidate === undefined ? [] : baseNamesOf(pools[candidate]))];
  return baseNamesOf(pools[stable]).filter((name) => !kept.includes(name));
}

/** Every model name that clients may ask for, on whichever pool they land. */
export function clientNames(config: ServiceConfig): string[] {
  return [...baseNames(config), ...config.adapters.map(({ name }) => name)];
}

/** The rules of one pool's InferenceModelRewrite; empty: it needs none. */
export function rulesFor(config: ServiceConfig, pool: OwnedPool): NameRule[] {
  const own = baseNamesOf(pool);
  const [first] = own;
  const bases =
    first === undefined
      ? []
      : baseNames(config)
          .filter((name) => !own.includes(name))
          .map((name) => ({ model: name, targets: [{ model: first, weight: 100 }] }));
  if (!pool.adapters) return bases;
  return [
    ...bases,
    ...config.adapters.map((adapter) => ({ model: adapter.name, targets: targetsOf(adapter) })),
  ];
}

/** Names that the stable pool's servers were started with. */
export function namesAsMade({ stable, pools }: ServiceConfig, observed: Observed): string[] {
  const pool = pools[stable];
  const identity = observed.pools.find(({ name, owned }) => owned && name === stable)?.identity;
  if (pool === undefined || pool.existing || pool.templateOf !== undefined) return [];
  if (identity === undefined) return [];
  return servedNames(pool.server.engine, argumentsIn(identity["server.args"]), identity["model"]);
}

function argumentsIn(text: string | undefined): string[] {
  try {
    const parsed: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(parsed) ? parsed.filter((word): word is string => typeof word === "string") : [];
  } catch {
    return [];
  }
}
