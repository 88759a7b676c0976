import type { Deployed, Latch } from "./deployed";
import { valueOf, type StackValues } from "./values";

/** Config keys rolledBack and resumed. */
export interface Mark {
  candidate: string;
  reason: string;
  /** ISO 8601. */
  time: string;
}

export function markOf(values: StackValues, key: "rolledBack" | "resumed"): Mark | undefined {
  const mark = valueOf(values, key) as Partial<Mark> | undefined;
  if (typeof mark?.candidate !== "string" || mark.candidate === "") return undefined;
  return { candidate: mark.candidate, reason: mark.reason ?? "", time: mark.time ?? "" };
}

/** The latches that hold: of the config and of what is deployed, unless they were resumed since. */
export function latchesHeld(values: StackValues, deployed: Deployed | undefined): Latch[] {
  const newest = new Map<string, Latch>();
  const marked = markOf(values, "rolledBack");
  for (const latch of [...(deployed?.latches ?? []), ...(marked === undefined ? [] : [marked])]) {
    const known = newest.get(latch.candidate);
    if (known === undefined || isLater(latch.time, known.time)) newest.set(latch.candidate, latch);
  }
  const resumed = markOf(values, "resumed");
  return [...newest.values()].filter((latch) => {
    const times = [latch.resumed?.time, resumed?.candidate === latch.candidate ? resumed.time : undefined];
    return !times.some((time) => time !== undefined && isLater(time, latch.time));
  });
}

export function latchOn(
  candidate: string,
  values: StackValues,
  deployed: Deployed | undefined,
): Latch | undefined {
  return latchesHeld(values, deployed).find((latch) => latch.candidate === candidate);
}

function isLater(a: string, b: string): boolean {
  // A time that cannot be read is nobody's permission: it is never later.
  return Date.parse(a) > Date.parse(b) || (!Number.isNaN(Date.parse(a)) && Number.isNaN(Date.parse(b)));
}

/**
 * The time of a new mark: now, but later than every mark that is there, because the latest one counts and two
 * machines' clocks may differ.
 */
export function markTime(values: StackValues, deployed: Deployed | undefined, now: Date): string {
  const marks = [markOf(values, "rolledBack"), markOf(values, "resumed"), ...(deployed?.latches ?? [])];
  const resumptions = (deployed?.latches ?? []).map(({ resumed }) => resumed);
  const times = [...marks, ...resumptions].map((mark) => Date.parse(mark?.time ?? ""));
  const latest = Math.max(...times.filter((time) => !Number.isNaN(time)), 0);
  // Whole seconds read better; only a mark of this very second needs the next one.
  const seconds = Math.max(Math.floor(now.getTime() / 1000), Math.floor(latest / 1000) + 1);
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
