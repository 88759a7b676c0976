const firstMs = 1000;
const longestMs = 10_000;
/** A container that ran this long starts from the first delay again. */
const calmMs = 60_000;

/**
 * How long to wait before the n-th restart of a container (n from 0): 1 s, doubling to 10 s. Kubernetes begins
 * with 10 s and goes to five minutes; a rehearsal has no time for that.
 */
export function restartDelay(restarts: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(restarts, 10));
}

/** Restarts that still count for the delay after a container has run for `ranMs`. */
export function restartsAfter(restarts: number, ranMs: number): number {
  return ranMs >= calmMs ? 0 : restarts;
}
