import type { ServiceConfig, Observed, Draft, Refusal } from "./model";
import { setCommand } from "../messages/mistakes";
import { rounding, sharesOf } from "./shares";

/*
 * A candidate that was rolled back stays at weight 0, also where an older config comes by that still gives it
 * weight (a CI run of an earlier commit), until somebody resumes it with a reason.
 *
 * A latch belongs to the pool's name and ends by resuming only. It outlives the keys in the config (an older config
 * has none), the candidate's removal, and the pool: an older config would make the pool anew under the same name,
 * with the same fault, and the gate would find it ready. A pool that is made anew under a latched name on purpose
 * costs one more command; the opposite mistake costs customers their answers.
 */

export interface Latch {
  /** Name of the pool. */
  candidate: string;
  /** Percent of the traffic that it had when it was rolled back. */
  from: number;
  reason: string;
  /** When it was rolled back: ISO 8601. */
  time: string;
  /** When and why it may have traffic again. It is kept, so that the keys of an older config do not latch anew. */
  resumed?: { reason: string; time: string };
}

/**
 * The latches that hold after this update: the live route's, the record's and the config's. The newest word about
 * a candidate counts, wherever it stands.
 */
export function latchesOf(
  config: Pick<ServiceConfig, "rolledBack" | "resumed">,
  observed: Pick<Observed, "route" | "record">,
  shareNow: (pool: string) => number,
): Latch[] {
  const latches = new Map<string, Latch>();
  for (const latch of [...(observed.record?.latches ?? []), ...(observed.route?.latches ?? [])]) {
    latches.set(latch.candidate, newer(latches.get(latch.candidate), latch));
  }
  const { rolledBack, resumed } = config;
  if (rolledBack !== undefined) {
    const { candidate, reason, time } = rolledBack;
    const known = latches.get(candidate);
    const latch = { candidate, from: Math.round(shareNow(candidate)), reason, time };
    if (known === undefined || isLater(time, known.time)) latches.set(candidate, newer(known, latch));
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

export function isLater(a: string, b: string): boolean {
  return Date.parse(a) > Date.parse(b);
}

/** Whether a latch holds, and not: was resumed since. */
export function holds({ time, resumed }: Latch): boolean {
  return resumed === undefined || !isLater(resumed.time, time);
}

/** A latched candidate gets no weight, neither as the candidate nor by being named the stable pool. */
export function latched(_config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  return draft.latches.filter(holds).flatMap((latch) => {
    const share = draft.shares[latch.candidate] ?? 0;
    if (share === 0 || isOnTheWayBack(latch.candidate, share, observed)) return [];
    // A latch on the pool that serves the customers already would only take their service away.
    if (latch.candidate === draft.stable.name && observed.record?.stable === latch.candidate) return [];
    return [
      {
        rule: "latched",
        found: `${latch.candidate} was rolled back from ${latch.from} % at ${latch.time} (${latch.reason}), and the config gives it ${share} % of the traffic`,
        fix: `leave it without traffic (${setCommand("weight", "0")}), or say why it may have some again: npm run rollout -- resume --reason WHY (or ${resumeCommand(latch.candidate)})`,
      },
    ];
  });
}

/**
 * Going back may take steps, where the pool to go back to is small for now: a latched candidate may lose traffic, and
 * keep what such a step of this program left it.
 */
function isOnTheWayBack(candidate: string, share: number, { route }: Observed): boolean {
  const live = sharesOf(route?.backends ?? []).get(candidate) ?? 0;
  if (share < live - rounding) return true;
  const step = route?.latches?.some((latch) => latch.candidate === candidate && holds(latch)) === true;
  const written = route?.written?.[candidate] ?? 0;
  return step && Math.abs(share - live) <= rounding && Math.abs(share - written) <= rounding;
}

function resumeCommand(candidate: string): string {
  return [
    setCommand("resumed.candidate", candidate),
    setCommand("resumed.reason", "WHY"),
    "pulumi config set --path 'resumed.time' $(date -u +%Y-%m-%dT%H:%M:%SZ)",
  ].join(" && ");
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
