import type { Observed } from "./observed";
import type { OwnedPool, ServiceConfig } from "./service-config";

/*
 * Zones of pools whose config names none: not every zone of a region has every accelerator, and GKE would create the
 * nodes in all zones of the cluster.
 */

/** Pools that this update creates: of all that a config declares, an update deploys two at most. */
export function newPools(config: ServiceConfig, observed: Observed): OwnedPool[] {
  return [config.stable, config.candidate].flatMap((name) => {
    const pool = name === undefined ? undefined : config.pools[name];
    return pool?.existing === false && isNew(pool, observed) ? [pool] : [];
  });
}

/** Those whose zones have to be found. */
export const poolsWithoutZones = (config: ServiceConfig, observed: Observed): OwnedPool[] =>
  newPools(config, observed).filter(({ hardware }) => hardware.zones === undefined);

/** The pool with the zones that it was created in, or with those that were found; unchanged where it names its own. */
export function inZones(pool: OwnedPool, observed: Observed): OwnedPool {
  if (pool.hardware.zones !== undefined) return pool;
  const live = liveOf(pool, observed);
  const zones =
    live === undefined ? observed.zones?.[pool.name]?.zones : live.identity?.["zones"]?.split(",");
  if (zones === undefined || zones.length === 0) return pool;
  return { ...pool, hardware: { ...pool.hardware, zones } };
}

/** The zones that were chosen in this update. */
export function zoneNotes({ zones = {} }: Observed): string[] {
  return Object.entries(zones)
    .filter(([, found]) => found.zones.length > 0)
    .map(
      ([pool, { machineType, zones: names }]) =>
        `${pool}: nodes in ${names.join(", ")}, the zones that have ${machineType}; the pool keeps them (pools.${pool}.zones names others)`,
    );
}

/** Whether this update creates the pool. */
export const isNew = (pool: OwnedPool, observed: Observed): boolean => liveOf(pool, observed) === undefined;

const liveOf = ({ name }: OwnedPool, { pools }: Observed): Observed["pools"][number] | undefined =>
  pools.find((pool) => pool.owned && pool.name === name);
