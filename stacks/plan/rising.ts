import type { Pool, ServiceConfig, Observed, Draft, PlannedPool, RoutedPool, Refusal } from "./model";
import { fullSize } from "./carried";
import { rounding, sharesOf } from "./shares";
import { replicasFor } from "./sizing";

/** A pool that gets a larger share than it has now: it has to be ready for it before the route moves. */
export interface RisingPool {
  pool: string;
  namespace: string;
  /** Percent of the traffic it will get. */
  share: number;
  /** Model servers that have to be ready; absent where nobody knows how many the pool has. */
  needs?: number;
  /** Its replicas are groups of pods. Default: single ones. */
  groups?: boolean;
  /** It was created outside this stack. Default: it was not. */
  existing?: boolean;
}

/** Pools whose share rises against the live route; against nothing where there is none. */
export function risingPools(
  config: ServiceConfig,
  observed: Observed,
  routed: readonly RoutedPool[],
  shares: Readonly<Record<string, number>>,
): RisingPool[] {
  const live = sharesOf(observed.route?.backends ?? []);
  return routed.flatMap(({ name, namespace }) => {
    const share = shares[name] ?? 0;
    if (share <= (live.get(name) ?? 0) + rounding) return [];
    const size = fullSize(config, observed, name, namespace);
    const needs = size === undefined ? {} : { needs: replicasFor(size, share, config.capacity.headroom) };
    return [{ pool: name, namespace, share, ...needs, ...kindOfPool(config.pools[name]) }];
  });
}

function kindOfPool(pool: Pool | undefined): Pick<RisingPool, "groups" | "existing"> {
  if (pool === undefined) return {};
  if (pool.existing) return { existing: true };
  return pool.placement.hosts > 1 ? { groups: true } : {};
}

/**
 * Going back waits for the stable pool to be ready for what it gets: not refused by the plan, but held by the gate.
 * When it cannot be ready (its machines are gone, say), only the user can decide that it is still the better pool.
 */
export function unreadyStable(_config: ServiceConfig, _observed: Observed, draft: Draft): Refusal[] {
  const rising = draft.rising.find(({ pool }) => pool === draft.stable.name);
  if (rising === undefined) return [];
  return [
    {
      rule: "unready-stable",
      found: `stable pool ${rising.pool} would get ${rising.share} % of the traffic without being asked whether it is ready`,
      fix: "wait until it is ready",
      waiver: "unready-stable",
      heldBy: "gate",
    },
  ];
}

/**
 * Whether the route waits for what this update does to a pool. One that loses traffic is not waited for: a candidate
 * that does not get ready must not hold up the way back from it.
 */
export function routeWaitsFor(
  { pool, namespace }: Pick<PlannedPool, "pool" | "namespace">,
  observed: Observed,
  shares: Readonly<Record<string, number>>,
): boolean {
  const isThere = observed.pools.some((one) => one.name === pool.name && one.namespace === namespace);
  const now = sharesOf(observed.route?.backends ?? []).get(pool.name) ?? 0;
  return !isThere || (shares[pool.name] ?? 0) >= now - rounding;
}
