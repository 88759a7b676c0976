import { fix, set, type Fix } from "./config-edits";
import { waiverEdit, type WaiverWords } from "./waivers";
import type { RisingPool, PlannedPool, RoutedPool } from "./model";
import type { Pool, ServiceConfig } from "./service-config";
import type { Observed } from "./observed";
import { scaledOutside } from "./other-sizes";
import { liveShares, rounding, shareIn, type Shares } from "./shares";
import { fullSize, replicasFor } from "./sizing";

/** Pools whose share rises against the live route; against nothing where there is none. */
export function risingPools(
  config: ServiceConfig,
  observed: Observed,
  routed: readonly RoutedPool[],
  shares: Shares,
): RisingPool[] {
  const live = liveShares(observed);
  return routed.flatMap(({ name, namespace }) => {
    const share = shares[name] ?? 0;
    if (share <= shareIn(live, name) + rounding) return [];
    const size = fullSize(config, observed, name, namespace);
    const needs = size === undefined ? {} : { needs: replicasFor(size, share, config.capacity.headroom) };
    return [{ pool: name, namespace, share, ...needs, ...kindOfPool(config.pools[name], observed) }];
  });
}

function kindOfPool(
  pool: Pool | undefined,
  observed: Observed,
): Pick<RisingPool, "groups" | "existing" | "scaledBy"> {
  if (pool === undefined) return {};
  if (pool.existing) return { existing: true };
  const scaledBy = scaledOutside(pool, observed)?.scaledBy;
  return {
    ...(pool.placement.hosts > 1 ? { groups: true } : {}),
    ...(scaledBy === undefined ? {} : { scaledBy }),
  };
}

/**
 * Whether the route waits for what this update does to a pool. It does not wait for one that loses traffic: a candidate
 * that never gets ready must not delay its own rollback.
 */
export function routeWaitsFor(
  { pool, namespace }: Pick<PlannedPool, "pool" | "namespace">,
  observed: Observed,
  shares: Shares,
): boolean {
  const isThere = observed.pools.some((one) => one.name === pool.name && one.namespace === namespace);
  const now = shareIn(liveShares(observed), pool.name);
  return !isThere || (shares[pool.name] ?? 0) >= now - rounding;
}

/** Whether this config has the gate ask the stable pool which model names it serves. */
export function asksStable({ gate, candidate }: ServiceConfig): boolean {
  return candidate !== undefined && gate.via === "gateway" && gate.names === "listed";
}

/** What lets a raise pass without the stable pool's list. */
export const withoutTheList = (words: WaiverWords): Fix =>
  fix`${waiverEdit("stable-names", words)} (for one update), or ${set("gate.names", "declared")} (permanently: only the names in the config count)`;
