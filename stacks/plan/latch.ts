import type { CandidateMark, ServiceConfig } from "./service-config";
import type { Latch, Observed } from "./observed";
import { liveShares, rounding, shareIn } from "./shares";

/*
 * A candidate that was rolled back stays at weight 0, also where an older config comes by that still gives it
 * weight (a CI run of an earlier commit), until somebody resumes it with a reason.
 *
 * A latch belongs to the pool's name and ends by resuming only. It outlives the keys in the config (an older config
 * has none), the candidate's removal, and the pool: an older config would make the pool anew under the same name,
 * with the same fault, and the gate would find it ready. A pool that is made anew under a latched name on purpose
 * costs one more command; the opposite mistake costs customers their answers.
 */

/** The reason where the user gives none. */
export const noReason = "no reason given";

/** The latches that hold after this update: the live route's, the record's and the config's. */
export function latchesOf(
  { rolledBack, resumed }: Pick<ServiceConfig, "rolledBack" | "resumed">,
  { route, record }: Pick<Observed, "route" | "record">,
  shareNow: (pool: string) => number,
): Latch[] {
  return newestLatches([...(record?.latches ?? []), ...(route?.latches ?? [])], {
    ...(rolledBack === undefined ? {} : { rolledBack: latchFor(rolledBack, shareNow(rolledBack.candidate)) }),
    ...(resumed === undefined ? {} : { resumed }),
  });
}

/** Its fields in this order: they are compared as text, on the route and in the state. */
const latchFor = ({ candidate, reason, time }: CandidateMark, share: number): Latch => ({
  candidate,
  from: Math.round(share),
  reason,
  time,
});

/** What the config says of candidates that were rolled back. */
export interface LatchKeys {
  rolledBack?: Latch;
  resumed?: CandidateMark;
}

/** One latch a candidate, by name: the newest word about it counts, wherever it stands. */
export function newestLatches(known: readonly Latch[], { rolledBack, resumed }: LatchKeys): Latch[] {
  const latches = new Map<string, Latch>();
  for (const latch of known) latches.set(latch.candidate, newer(latches.get(latch.candidate), latch));
  if (rolledBack !== undefined) {
    const before = latches.get(rolledBack.candidate);
    if (before === undefined || isLater(rolledBack.time, before.time))
      latches.set(rolledBack.candidate, newer(before, rolledBack));
  }
  const latch = resumed === undefined ? undefined : latches.get(resumed.candidate);
  if (resumed !== undefined && latch !== undefined) {
    const { reason, time } = resumed;
    latches.set(latch.candidate, newer(latch, { ...latch, resumed: { reason, time } }));
  }
  return [...latches.values()].sort((a, b) => a.candidate.localeCompare(b.candidate));
}

/** The later latch, with the later resumption where that is later still. */
function newer(a: Latch | undefined, b: Latch): Latch {
  if (a === undefined) return b;
  const { candidate, from, reason, time } = isLater(a.time, b.time) ? a : b;
  const latch = { candidate, from, reason, time };
  const [first, second] = [a.resumed, b.resumed];
  const resumed =
    first === undefined || (second !== undefined && isLater(second.time, first.time)) ? second : first;
  return resumed !== undefined && isLater(resumed.time, latch.time) ? { ...latch, resumed } : latch;
}

/**
 * The time of a new mark: now, but later than every mark that is there, because the latest one counts and two machines'
 * clocks may differ. A time that cannot be read counts for nothing.
 */
export function timeAfter(marks: readonly ({ time: string } | undefined)[], now: Date): string {
  const times = marks.map((mark) => Date.parse(mark?.time ?? ""));
  const latest = Math.max(...times.filter((time) => !Number.isNaN(time)), 0);
  // Whole seconds read better; only a mark of this very second needs the next one.
  const seconds = Math.max(Math.floor(now.getTime() / 1000), Math.floor(latest / 1000) + 1);
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** A time that cannot be read is nobody's permission: it is never later. */
export function isLater(a: string, b: string): boolean {
  return Date.parse(a) > Date.parse(b) || (!Number.isNaN(Date.parse(a)) && Number.isNaN(Date.parse(b)));
}

/** Whether a latch holds, and not: was resumed since. */
export function holds({ time, resumed }: Latch): boolean {
  return resumed === undefined || !isLater(resumed.time, time);
}

/**
 * Going back may take steps, where the pool to go back to is small for now: a latched candidate may lose traffic, and
 * keep what such a step of this program left it.
 */
export function isOnTheWayBack(candidate: string, share: number, observed: Observed): boolean {
  const { route } = observed;
  const live = shareIn(liveShares(observed), candidate);
  if (share < live - rounding) return true;
  const step = route?.latches?.some((latch) => latch.candidate === candidate && holds(latch)) === true;
  const written = shareIn(route?.written, candidate);
  return step && Math.abs(share - live) <= rounding && Math.abs(share - written) <= rounding;
}

/** Latches as they stand in an annotation. What cannot be read is nobody's latch: the record is the second source. */
export function parseLatches(text: string | undefined): Latch[] {
  try {
    const parsed: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(parsed) ? parsed.filter(isLatch) : [];
  } catch {
    return [];
  }
}

function isLatch(value: unknown): value is Latch {
  const { candidate, from, reason, time, resumed } = (value ?? {}) as Partial<Latch>;
  return (
    typeof candidate === "string" &&
    typeof from === "number" &&
    typeof reason === "string" &&
    isTime(time) &&
    (resumed === undefined || (typeof resumed.reason === "string" && isTime(resumed.time)))
  );
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}
