import type { Backend } from "./model";

/** Share of each pool in percent of the whole, by pool name; pools without a share are left out. */
export function sharesOf(backends: readonly Backend[]): Map<string, number> {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  const shares = new Map<string, number>();
  for (const { pool, weight } of backends) {
    if (weight > 0) shares.set(pool, (shares.get(pool) ?? 0) + (100 * weight) / total);
  }
  return shares;
}

/** Weights set by hand need not add up to 100: shares are compared with this much tolerance, in percent. */
export const rounding = 0.01;

/** Whether two splits are the same, within `tolerance` percent. */
export function sameShares(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  tolerance = rounding,
): boolean {
  const pools = new Set([...a.keys(), ...b.keys()]);
  return [...pools].every((pool) => Math.abs((a.get(pool) ?? 0) - (b.get(pool) ?? 0)) <= tolerance);
}

/** A split as people read it. */
export function shareText(shares: ReadonlyMap<string, number>): string {
  const parts = [...shares].map(([pool, share]) => `${pool} ${Number(share.toFixed(2))} %`);
  return parts.length === 0 ? "nothing to anybody" : parts.join(", ");
}
