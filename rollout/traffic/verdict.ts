import type { Fault } from "../../stacks/answers/fault";
import type { Outcome } from "./outcome";
import { boundOfZero, chanceOf, sigmaOf, wrong } from "./split-odds";

/** What measured traffic says of a split. */
export interface Verdict {
  requests: number;
  failed: number;
  streams: number;
  brokenStreams: number;
  /** Failures by reason, most frequent first. */
  failures: readonly { reason: string; count: number }[];
  /** Kinds of fault that the config can do something about. */
  faults: readonly Fault["kind"][];
  /** Upper bound at 95 % of the rate of failures, where there were none. */
  failuresBelow?: number;
  /** Absent where the answers do not say which pool they came from. */
  split?: {
    counted: number;
    /** Part of the answers that the candidate gave, from 0 to 1. */
    share: number;
    expected: number;
    sigma: number;
    ok: boolean;
  };
  ok: boolean;
}

/** @param candidate the pool whose share is judged; `expected` is its weight, from 0 to 1. */
export function judge(
  outcomes: readonly Outcome[],
  { candidate, expected }: { candidate?: string; expected: number },
): Verdict {
  const of = (kind: Outcome["kind"]): readonly Outcome[] =>
    outcomes.filter((outcome) => outcome.kind === kind);
  const bad = (list: readonly Outcome[]): number =>
    list.filter(({ failure }) => failure !== undefined).length;
  const [plain, streams] = [of("plain"), of("stream")];
  const total = bad(plain) + bad(streams);
  const split = splitOf(outcomes, candidate, expected);
  return {
    requests: plain.length,
    failed: bad(plain),
    streams: streams.length,
    brokenStreams: bad(streams),
    failures: reasonsOf(outcomes),
    faults: [...new Set(outcomes.flatMap(({ fault }) => fault ?? []))],
    ...(total === 0 ? { failuresBelow: boundOfZero(outcomes.length) } : {}),
    ...(split === undefined ? {} : { split }),
    ok: outcomes.length > 0 && total === 0 && split?.ok !== false,
  };
}

function splitOf(
  outcomes: readonly Outcome[],
  candidate: string | undefined,
  expected: number,
): Verdict["split"] {
  // A closed loop sends each worker's next request when the last was answered: which pool is slow decides how soon,
  // not where it goes. So every answer counts.
  const known = outcomes.filter(({ pool, failure }) => pool !== undefined && failure === undefined);
  if (known.length === 0) return undefined;
  const split = {
    requests: known.length,
    candidate: known.filter(({ pool }) => pool === candidate).length,
  };
  return {
    counted: split.requests,
    share: split.candidate / split.requests,
    expected,
    sigma: sigmaOf(split.requests, expected),
    ok: chanceOf(split, expected) >= wrong,
  };
}

function reasonsOf(outcomes: readonly Outcome[]): { reason: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { kind, failure } of outcomes) {
    if (failure === undefined) continue;
    const reason = `${kind === "plain" ? "request" : "stream"}: ${failure}`;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
}

export function describeVerdict(verdict: Verdict): string[] {
  const { requests, failed, streams, brokenStreams, failures, failuresBelow, split } = verdict;
  const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
  const sent = requests + streams;
  return [
    `requests    ${requests}, ${failed} failed; streams ${streams}, ${brokenStreams} broken`,
    ...failures.map(({ reason, count }) => `            ${count} x ${reason}`),
    ...(failuresBelow === undefined
      ? []
      : [`            0 of ${sent}: the failure rate is below ${percent(failuresBelow)} (95 % confidence)`]),
    split === undefined
      ? "share       not measured: the answers do not name their pool (see --pool-header)"
      : `share       ${percent(split.share)} of ${split.counted} from the candidate, expected ${percent(split.expected)} ± ${percent(split.sigma)} (1 sigma): ${split.ok ? "right" : "WRONG"}`,
  ];
}
