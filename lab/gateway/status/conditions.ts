import type { Condition } from "../objects/types";
import type { Problem } from "../translate/listeners";

/** What to say about one aspect of an object. */
export interface Verdict {
  type: string;
  /** True with this reason, unless there is a problem. */
  good: string;
  problem?: Problem | undefined;
}

/**
 * Conditions as Kubernetes wants them: each with the generation it is about, and with the time at which its
 * status last changed. Conditions of other types stay.
 */
export function conditions(
  verdicts: readonly Verdict[],
  generation: number,
  previous: readonly Condition[] | undefined,
  now: string,
): Condition[] {
  const own = verdicts.map(({ type, good, problem }): Condition => {
    const status = problem === undefined ? "True" : "False";
    const before = previous?.find((one) => one.type === type);
    return {
      type,
      status,
      reason: problem?.reason ?? good,
      message: (problem?.message ?? "").slice(0, 32_768),
      observedGeneration: generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
    };
  });
  const others = (previous ?? []).filter(({ type }) => !verdicts.some((one) => one.type === type));
  return [...own, ...others];
}
