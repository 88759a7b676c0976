import type { Claim } from "./claims";
import { trafficEvidence } from "./drift";
import type { RoutedPool } from "./model";
import { windowNow } from "./freeze";
import type { Observed, ObservedPool } from "./observed";
import { otherTraffic } from "./rival-routes";
import type { PoolRef } from "./routes";
import type { OwnedPool, ServiceConfig } from "./service-config";
import { sizeSet } from "./sizing";

/*
 * Pools of this stack that the config gives no role any more. A removal that a pool's customers or a freeze forbid must not
 * delay a candidate's rollback: such a pool stays for that update, and only the next one that does not go back
 * is refused.
 */

export interface LeavingPools {
  /** What this update removes, if no rule forbids it. */
  removed: readonly RoutedPool[];
  /** What stays, because requests may still reach it, or the service is frozen, and this update goes back. */
  kept: readonly { pool: OwnedPool; replicas: number }[];
}

/** @param goesBack whether the update takes traffic away from the candidate. */
export function leavingPools(config: ServiceConfig, observed: Observed, goesBack: boolean): LeavingPools {
  const leaving = observed.pools
    .filter((live) => live.owned && !hasRole(live, config))
    .map((live) => ({ live, recent: trafficEvidence(live.name, observed) }))
    // The customers' route still counts: to drop such a pool would take its share away.
    .filter(({ live, recent }) => recent !== undefined || !isLost(live, observed.claims));
  const kept = leaving.flatMap(({ live }) => {
    const pool = config.pools[live.name];
    if (!goesBack || pool === undefined || pool.existing) return [];
    return whyItStays(live, config, observed) !== undefined
      ? [{ pool, replicas: sizeSet(observed, pool) ?? pool.replicas }]
      : [];
  });
  const stays = new Set(kept.map(({ pool }) => pool.name));
  return {
    removed: leaving
      .filter(({ live }) => !stays.has(live.name))
      .map(({ live: { name, namespace } }) => ({ name, namespace })),
    kept,
  };
}

/**
 * Whether the config has this stack keep a pool. A name alone is no role: a pool that the config marks as created outside
 * this stack is one whose objects this update no longer registers.
 */
function hasRole({ name }: ObservedPool, { stable, candidate, pools }: ServiceConfig): boolean {
  return (name === stable || name === candidate) && pools[name]?.existing === false;
}

/** Pools with a role that this stack created, and that the config marks as created outside it. */
export function disownedPools(config: ServiceConfig, observed: Observed): ObservedPool[] {
  return observed.pools.filter(
    ({ name, namespace, owned }) =>
      owned &&
      (name === config.stable || name === config.candidate) &&
      config.pools[name]?.existing === true &&
      !isLost({ name, namespace }, observed.claims),
  );
}

/** Pulumi removes only what its state has: a pool of which it has nothing stays where it is. */
function isLost({ name, namespace }: PoolRef, claims: readonly Claim[] = []): boolean {
  const parts = claims.filter(
    ({ object }) =>
      object.pool === name && (object.namespace === undefined || object.namespace === namespace),
  );
  return parts.length > 0 && parts.every(({ whose }) => whose === "lost");
}

/** Why a pool may not be removed in an update that goes back; undefined: it may. */
function whyItStays(pool: PoolRef, config: ServiceConfig, observed: Observed): string | undefined {
  // What an earlier update began to remove goes in a freeze too: see freeze.ts.
  const frozen =
    observed.record?.pools[pool.name] !== undefined && windowNow(config.freeze, observed.now) !== undefined;
  return (
    trafficEvidence(pool.name, observed) ??
    otherTraffic(pool, observed) ??
    (frozen ? "the service is frozen" : undefined)
  );
}

/** Pools that only stay because this update goes back, for people. */
export function keptNotes(
  config: ServiceConfig,
  observed: Observed,
  kept: readonly { pool: { name: string }; namespace: string }[],
): string[] {
  return kept.map(({ pool: { name }, namespace }) => {
    const why = whyItStays({ name, namespace }, config, observed) ?? "";
    return `pool ${name} is neither the stable pool nor the candidate and stays for this update, which goes back: ${why}`;
  });
}
