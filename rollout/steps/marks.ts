import { holds, isLater, newestLatches, timeAfter } from "../../stacks/plan/latch";
import { remove, set, type ConfigEdit } from "../../stacks/plan/config-edits";
import type { CandidateMark } from "../../stacks/plan/service-config";
import type { Latch } from "../../stacks/plan/observed";
import { shareOf, type Deployed } from "./deployed";
import { rolesOf, valueOf, type StackValues } from "./values";

/* The config keys rolledBack and resumed. stacks/plan/latch.ts decides what they mean. */

export function markOf(values: StackValues, key: "rolledBack" | "resumed"): CandidateMark | undefined {
  const mark = valueOf(values, key) as Partial<CandidateMark> | undefined;
  if (typeof mark?.candidate !== "string" || mark.candidate === "") return undefined;
  return { candidate: mark.candidate, reason: mark.reason ?? "", time: mark.time ?? "" };
}

/** The latches that hold: of the config and of what is deployed, unless they were resumed since. */
export function latchesHeld(values: StackValues, deployed: Deployed | undefined): Latch[] {
  const [rolledBack, resumed] = [markOf(values, "rolledBack"), markOf(values, "resumed")];
  return newestLatches(deployed?.latches ?? [], {
    ...(rolledBack === undefined
      ? {}
      : { rolledBack: { ...rolledBack, from: Math.round(shareOf(deployed, rolledBack.candidate)) } }),
    ...(resumed === undefined ? {} : { resumed }),
  }).filter(holds);
}

export function latchOn(
  candidate: string,
  values: StackValues,
  deployed: Deployed | undefined,
): Latch | undefined {
  return latchesHeld(values, deployed).find((latch) => latch.candidate === candidate);
}

/**
 * The time of a new mark: now, but later than every mark that is there, because the latest one counts and two
 * machines' clocks may differ.
 */
export function markTime(values: StackValues, deployed: Deployed | undefined, now: Date): string {
  const marks = [markOf(values, "rolledBack"), markOf(values, "resumed"), ...(deployed?.latches ?? [])];
  const resumptions = (deployed?.latches ?? []).map(({ resumed }) => resumed);
  return timeAfter([...marks, ...resumptions], now);
}

/**
 * Edits that take rolledBack, and the resumption that answers it, out of the config where they have nothing left to
 * say: what is deployed knows the latch as resumed, or the pool is stable by now.
 */
export function spentMarks(values: StackValues, deployed: Deployed | undefined): ConfigEdit[] {
  const [back, resumed] = [markOf(values, "rolledBack"), markOf(values, "resumed")];
  if (back === undefined) return [];
  const { candidate, time } = back;
  const known = deployed?.latches.find((latch) => latch.candidate === candidate);
  const isResumed = known !== undefined && !holds(known) && !isLater(time, known.time);
  const isStable = latchOn(candidate, values, deployed) === undefined && rolesOf(values).stable === candidate;
  if (!isResumed && !isStable) return [];
  return [remove("rolledBack"), ...(resumed?.candidate === candidate ? [remove("resumed")] : [])];
}

/** The edits that write a mark into the config. */
export const markEdits = (
  key: "rolledBack" | "resumed",
  { candidate, reason, time }: CandidateMark,
): ConfigEdit[] => [
  set([key, "candidate"], candidate),
  set([key, "reason"], reason),
  set([key, "time"], time),
];
