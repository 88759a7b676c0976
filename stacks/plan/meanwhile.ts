import { overtaken } from "../../components/names";
import { holds } from "./latch";
import type { Latch, ObservedRoute } from "./observed";

/*
 * What became of the customers' route since an update was planned. An update waits for pods and for the gate, which is
 * long enough for somebody to go back or to edit the route: what was planned from the route of before is not written
 * over it.
 */

export type Meanwhile = { kind: "rolled-back"; latch: Latch } | { kind: "edited" };

/** @returns undefined where the route is as it was. */
export function changedMeanwhile(before: ObservedRoute, now: ObservedRoute): Meanwhile | undefined {
  const latch = newLatch(before.latches, now.latches);
  if (latch !== undefined) return { kind: "rolled-back", latch };
  return JSON.stringify(seen(before)) === JSON.stringify(seen(now)) ? undefined : { kind: "edited" };
}

/** A latch that holds now, and was not there before. */
export const newLatch = (before: readonly Latch[] = [], now: readonly Latch[] = []): Latch | undefined =>
  now.find(
    (latch) =>
      holds(latch) &&
      !before.some((one) => one.candidate === latch.candidate && one.time === latch.time && holds(one)),
  );

/** Labels and annotations count no generation, so those that a write repeats are compared too. */
const seen = ({ generation, moves, texts, backends, kept }: ObservedRoute): unknown => [
  generation,
  moves,
  texts,
  backends,
  kept === undefined ? undefined : [kept.generation, kept.labels, kept.annotations],
];

/** For whoever runs the update. @param route namespace and name. */
export function meanwhileText(route: string, found: Meanwhile): string {
  if (found.kind === "edited")
    return `HTTPRoute ${route} was edited ${overtaken}: nothing was overwritten. Run pulumi up again`;
  const { candidate, time, reason } = found.latch;
  return `${candidate} was rolled back at ${time} (${reason}) ${overtaken}: HTTPRoute ${route} stays as it is. Record it: npm run rollout -- rollback`;
}
