import type { Backend } from "./routes";

/** Percent of the traffic by pool; a pool without any may be left out. */
export type Shares = Readonly<Record<string, number>>;

/** Share of each pool in percent of the whole; pools without a share are left out. */
export function sharesOf(backends: readonly Backend[]): Shares {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  return percentages(backends.map(({ pool, weight }) => [pool, total === 0 ? 0 : (100 * weight) / total]));
}

/** Percentages by name, those of one name added up; what has none is left out. */
export function percentages(entries: readonly (readonly [name: string, percent: number])[]): Shares {
  const sums = new Map<string, number>();
  for (const [name, percent] of entries) {
    if (percent > 0) sums.set(name, (sums.get(name) ?? 0) + percent);
  }
  return Object.fromEntries(sums);
}

/** What the live route sends to each pool; nothing where there is no route. */
export const liveShares = ({ route }: { route?: { backends: readonly Backend[] } | undefined }): Shares =>
  sharesOf(route?.backends ?? []);

/** A pool's share, 0 where it has none. */
export const shareIn = (shares: Shares | undefined, pool: string): number =>
  shares !== undefined && Object.hasOwn(shares, pool) ? (shares[pool] ?? 0) : 0;

/** Weights set by hand need not add up to 100: shares are compared with this much tolerance, in percent. */
export const rounding = 0.01;

/** Whether two splits are the same, within `tolerance` percent. */
export function sameShares(a: Shares, b: Shares, tolerance = rounding): boolean {
  const pools = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...pools].every((pool) => Math.abs(shareIn(a, pool) - shareIn(b, pool)) <= tolerance);
}

/** A split as people read it. */
export function shareText(shares: Shares): string {
  const parts = Object.entries(shares).map(([pool, share]) => `${pool} ${Number(share.toFixed(2))} %`);
  return parts.length === 0 ? "no traffic" : parts.join(", ");
}
