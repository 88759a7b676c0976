/*
 * How many replicas a pool has. `replicas` of a pool is what carries all of the traffic there; in the mode
 * follow-weight a pool has what its share needs, and the stable pool its reserve for going back.
 */

export interface Capacity {
  /** full: each pool has all of its replicas. follow-weight: what its share of the traffic needs. */
  mode: "full" | "follow-weight";
  /** Replicas beyond the share, as a factor: 1 is the share itself. From 1 to 3. */
  headroom: number;
  /** Part of the stable pool's replicas that stays whatever the weight is, from 0 to 1: the way back. */
  rollbackReserve: number;
}

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
