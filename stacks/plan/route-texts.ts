import type { Latch, RouteTexts } from "./observed";

/*
 * What the customers' route says of its split and of candidates that were rolled back, as text: the annotations are
 * compared as text, by Pulumi and by the cluster's guard (components/route/move-guard.ts).
 */

export const routeTexts = (
  shares: Readonly<Record<string, number>>,
  latches: readonly Latch[],
): RouteTexts => ({
  weights: numbersText(shares),
  ...(latches.length === 0 ? {} : { latched: JSON.stringify(latches) }),
});

/** In one order, so that the same numbers are the same text. */
export const numbersText = (numbers: Readonly<Record<string, number>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(numbers).sort(([a], [b]) => a.localeCompare(b))));

export const sameTexts = (a: RouteTexts, b: RouteTexts): boolean =>
  a.weights === b.weights && a.latched === b.latched;
