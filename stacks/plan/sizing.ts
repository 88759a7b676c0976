import type { Capacity, OwnedPool, ServiceConfig } from "./service-config";
import type { Carried, Observed } from "./observed";
import type { Plan } from "./model";
import { sortedLadder } from "./next-steps";
import { liveShares, rounding, sameShares, shareIn, type Shares } from "./shares";

/*
 * How many replicas a pool has. `replicas` of a pool is the number needed to serve 100 % there; in the mode
 * follow-weight a pool has what its share needs, and the stable pool its reserve for going back.
 */

export type Role = "stable" | "candidate";

/**
 * Replicas that carry `share` percent of the traffic: that part of `replicas` with headroom, never more than all
 * of them, and never none.
 */
export function replicasFor(replicas: number, share: number, headroom = 1): number {
  return Math.max(1, Math.min(replicas, wholeAbove((replicas * share * headroom) / 100)));
}

/** Replicas of a pool while the candidate has `weight` percent and nothing is on its way. */
export function sizeAt(
  role: Role,
  replicas: number,
  weight: number,
  { mode, headroom, rollbackReserve }: Capacity,
): number {
  if (mode === "full") return replicas;
  if (role === "candidate") return replicasFor(replicas, weight, headroom);
  return Math.max(
    replicasFor(replicas, 100 - weight, headroom),
    Math.min(replicas, wholeAbove(replicas * rollbackReserve)),
  );
}

/**
 * Replicas of a pool in an update: what the config asks for, and what each share needs that the pool has by any
 * evidence. So a pool grows before its traffic comes and shrinks only in an update after the one that took it away.
 */
export function plannedSize(
  role: Role,
  replicas: number,
  weight: number,
  shares: readonly number[],
  capacity: Capacity,
): number {
  const carried = shares.filter((share) => share > 0);
  return Math.max(
    sizeAt(role, replicas, weight, capacity),
    ...carried.map((share) => replicasFor(replicas, share, capacity.headroom)),
  );
}

/** Rounded before the ceiling: 10 x 0.3 x 1 is 3.0000000000000004 in floating point. */
function wholeAbove(amount: number): number {
  return Math.ceil(Number(amount.toFixed(6)));
}

/*
 * How many replicas a pool of others had when it carried the traffic. Somebody else sets its size: an autoscaler
 * shrinks it once the candidate has its traffic, and its size of that moment says nothing of what it needs to get the
 * traffic back. So the size is written down while the pool carries traffic: on the customers' route in the same
 * request as the weights, and in the record.
 */

/**
 * What is known after this update, of every pool that the config marks as existing. The size is taken anew when the
 * route moves: at any other time it would follow an autoscaler, and every update would change the route.
 */
export function carriedSizes(config: ServiceConfig, observed: Observed, shares: Shares): Carried {
  const live = liveShares(observed);
  const moves = !sameShares(live, shares);
  const sizes = Object.values(config.pools)
    .filter(({ existing }) => existing)
    .map(({ name, namespace }): [string, number | undefined] => {
      const before = observed.route?.carried?.[name] ?? observed.record?.carried?.[name];
      const share = shareIn(live, name);
      const now = sizeNow(observed, name, namespace) ?? 0;
      // Without traffic, or without replicas, its size says nothing.
      if (now === 0) return [name, before];
      if (before === undefined) return [name, share > 0 || shareIn(shares, name) > 0 ? now : before];
      if (share === 0) return [name, before];
      if (!moves) return [name, before];
      // With a part of the traffic it may have shrunk to that part already.
      return [name, share > 100 - rounding ? now : Math.max(before, now)];
    });
  return Object.fromEntries(sizes.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/**
 * Replicas that carry all of the traffic of a pool: declared for a pool of this stack; for another one declared, else what
 * carried it before, else what it has. Undefined where nobody knows.
 */
export function fullSize(
  config: ServiceConfig,
  observed: Observed,
  name: string,
  namespace: string,
): number | undefined {
  const pool = config.pools[name];
  if (pool?.replicas !== undefined) return pool.replicas;
  return (
    observed.route?.carried?.[name] ?? observed.record?.carried?.[name] ?? sizeNow(observed, name, namespace)
  );
}

/** Replicas that a pool is set to. */
export function sizeNow({ pools }: Observed, name: string, namespace: string): number | undefined {
  return pools.find((one) => one.name === name && one.namespace === namespace)?.replicas;
}

/**
 * Replicas that a pool of this stack is set to; undefined: it is new. The stack's own autoscaler goes above the number
 * that the last update set, and comes back by itself: what it has chosen at the moment is not the pool's size.
 */
export function sizeSet({ pools, record }: Observed, { name, autoscaling }: OwnedPool): number | undefined {
  const live = pools.find((pool) => pool.name === name && pool.owned)?.replicas;
  if (autoscaling === undefined || live === undefined) return live;
  return record?.sizes?.[name] ?? live;
}

/** What one stage of a rollout needs of the hardware. */
export interface CapacityStage {
  weight: number;
  /** Replicas by pool, once the stage is reached and what it freed is gone. */
  replicas: Readonly<Record<string, number>>;
  /** Accelerators by type, over both pools. */
  accelerators: Readonly<Record<string, number>>;
  /** The most that is needed on the way from the stage before: pools grow first and shrink last. */
  onTheWay: Readonly<Record<string, number>>;
}

/** What every stage of the ladder needs, from weight 0 on, for the pools that this stack makes. */
export function capacityStages(config: ServiceConfig, plan: Pick<Plan, "pools">): CapacityStage[] {
  const weights = config.candidate === undefined ? [0] : sortedLadder([0, ...config.ladder]);
  // A pool that only stays for this update has no part in the next ones.
  const roles = plan.pools.filter(
    ({ pool: { name } }) => name === config.stable || name === config.candidate,
  );
  const sizes = (weight: number): Record<string, number> =>
    Object.fromEntries(
      roles.map(({ pool }) => [
        pool.name,
        sizeAt(pool.name === config.stable ? "stable" : "candidate", pool.replicas, weight, config.capacity),
      ]),
    );
  return weights.map((weight, i) => {
    const replicas = sizes(weight);
    const before = sizes(weights[i - 1] ?? weight);
    const most = Object.fromEntries(
      Object.entries(replicas).map(([name, count]) => [name, Math.max(count, before[name] ?? 0)]),
    );
    return {
      weight,
      replicas,
      accelerators: acceleratorsOf(plan, replicas),
      onTheWay: acceleratorsOf(plan, most),
    };
  });
}

/** Accelerators by type that so many replicas use. */
export function acceleratorsOf(
  { pools }: Pick<Plan, "pools">,
  replicas: Readonly<Record<string, number>>,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { pool } of pools) {
    const { accelerator, acceleratorsPerReplica } = pool.hardware;
    counts[accelerator] = (counts[accelerator] ?? 0) + (replicas[pool.name] ?? 0) * acceleratorsPerReplica;
  }
  return counts;
}
