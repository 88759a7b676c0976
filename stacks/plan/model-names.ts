import type { NameRule } from "../../components/adapters/name-rewrites";
import type { AdapterList } from "../../components/adapters/adapter-loader";
import type { Adapter, AdapterVersion, OwnedPool, Pool, ServiceConfig, Observed } from "./model";
import { createHash } from "node:crypto";
import { servedName } from "../../components/names";
import { adaptersLoaded } from "./identity";
import { servedNames } from "./served-names";

/**
 * A pool as it was made: whether it can load adapters is settled then. The config's default follows the adapters,
 * and a pool that exists must not be made anew because the first one came or the last one went.
 */
export function asMade(pool: OwnedPool, observed: Observed): OwnedPool {
  const identity = observed.pools.find(({ name, owned }) => owned && name === pool.name)?.identity;
  if (identity === undefined || pool.adaptersAreExplicit) return pool;
  return { ...pool, adapters: identity["adapters"] === adaptersLoaded };
}

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

export function versionsOf({ stable, candidate }: Adapter): AdapterVersion[] {
  return candidate === undefined ? [stable] : [stable, candidate];
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

export function targetsOf({ stable, candidate, weight }: Adapter): { model: string; weight: number }[] {
  const all = [
    { model: stable.served, weight: 100 - weight },
    ...(candidate === undefined ? [] : [{ model: candidate.served, weight }]),
  ];
  return all.filter((target) => target.weight > 0);
}

/** What the pool's servers load; undefined for a pool without adapters. */
export function adapterListFor(config: ServiceConfig, pool: OwnedPool): AdapterList | undefined {
  if (!pool.adapters) return undefined;
  const adapters = config.adapters
    .flatMap(versionsOf)
    .map(({ served, source }) => ({ name: served, source }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const digest = createHash("sha256").update(JSON.stringify(adapters)).digest("hex");
  return { revision: digest.slice(0, 12), adapters };
}

/** Percent of each version, by served name, for one name on one pool as the live rules have it. */
export function liveShares(observed: Observed, pool: string, model: string): Map<string, number> {
  const targets = (observed.rewrites ?? [])
    .filter((rule) => rule.pool === pool && rule.model === model)
    .flatMap((rule) => rule.targets);
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  const shares = new Map<string, number>();
  for (const target of targets) {
    if (target.weight > 0)
      shares.set(target.model, (shares.get(target.model) ?? 0) + (100 * target.weight) / total);
  }
  return shares;
}

/**
 * Versions that get more of their name's requests on a pool than they have, and were not serving before: they have
 * to be loaded in every pod first. Going back to a version that the last update had already loaded needs no proof,
 * because it is in every pod that is ready, and going back must not wait.
 */
export function versionsToProve(config: ServiceConfig, observed: Observed, pool: OwnedPool): string[] {
  if (!pool.adapters) return [];
  return config.adapters.flatMap((adapter) => {
    const live = liveShares(observed, pool.name, adapter.name);
    const record = observed.record?.adapters?.[adapter.name];
    return targetsOf(adapter)
      .filter(({ model, weight }) => weight > (live.get(model) ?? 0) + 0.01)
      .filter(({ model }) => model !== adapter.stable.served || record?.version !== adapter.stable.version)
      .map(({ model }) => model);
  });
}

/** Versions that the last successful update did not know. */
export function newVersions(config: ServiceConfig, observed: Observed): string[] {
  const known = Object.entries(observed.record?.adapters ?? {}).flatMap(([name, { version, candidate }]) => [
    servedName(name, version),
    ...(candidate === undefined ? [] : [servedName(name, candidate.version)]),
  ]);
  return config.adapters
    .flatMap(versionsOf)
    .map(({ served }) => served)
    .filter((served) => !known.includes(served));
}
