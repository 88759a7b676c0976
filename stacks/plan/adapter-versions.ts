import type { AdapterList } from "../../components/adapters/adapter-loader";
import { servedName } from "../../components/names";
import type { Adapter, AdapterVersion, OwnedPool, ServiceConfig } from "./service-config";
import type { AdapterRecord, Observed } from "./observed";
import { percentages, rounding, shareIn, type Shares } from "./shares";
import { createHash } from "node:crypto";

/* LoRA adapters and their versions: what is loaded, how requests are split, and what an update leaves on record. */

export function versionsOf({ stable, candidate }: Adapter): AdapterVersion[] {
  return candidate === undefined ? [stable] : [stable, candidate];
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
export function versionShares(observed: Observed, pool: string, model: string): Shares {
  const targets = (observed.rewrites ?? [])
    .filter((rule) => rule.pool === pool && rule.model === model)
    .flatMap((rule) => rule.targets);
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  return percentages(
    targets.map((target) => [target.model, total === 0 ? 0 : (100 * target.weight) / total]),
  );
}

/**
 * Versions that get more of their name's requests on a pool than they have, and were not serving before: they have
 * to be loaded in every pod first. Going back to a version that the last update had already loaded needs no proof,
 * because it is in every pod that is ready, and going back must not wait.
 */
export function versionsToProve(config: ServiceConfig, observed: Observed, pool: OwnedPool): string[] {
  if (!pool.adapters) return [];
  return config.adapters.flatMap((adapter) => {
    const live = versionShares(observed, pool.name, adapter.name);
    const record = observed.record?.adapters?.[adapter.name];
    return targetsOf(adapter)
      .filter(({ model, weight }) => weight > shareIn(live, model) + rounding)
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

/** What an update leaves on record of an adapter. */
export function recordOfAdapter({ stable, candidate, weight }: Adapter): AdapterRecord {
  return {
    version: stable.version,
    source: stable.source,
    ...(candidate === undefined
      ? {}
      : { candidate: { version: candidate.version, source: candidate.source } }),
    weight,
  };
}

/** Percent of a name's requests by served name, as the last successful update left it. */
export function recordedShares(name: string, record: AdapterRecord | undefined): Shares {
  if (record === undefined) return {};
  const { version, candidate, weight } = record;
  return percentages([
    [servedName(name, version), 100 - weight],
    ...(candidate === undefined ? [] : [[servedName(name, candidate.version), weight] as const]),
  ]);
}

/** The versions of an adapter, in words; not their weights. */
export function shownVersions(record: AdapterRecord | undefined): string {
  if (record === undefined) return "nothing";
  const { version, source, candidate } = record;
  const own = `${version} from ${source}`;
  return candidate === undefined ? own : `${own} and ${candidate.version} from ${candidate.source}`;
}
