import type { Fault } from "../../stacks/answers/fault";
import type { Outcome } from "./outcome";
import type { Counts } from "./picker-counts";
import { boundOfZero, chanceOf, sigmaOf, wrong, type Split } from "./split-odds";

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
  /** Absent where nobody says which pool the answers came from; `unmeasured` says why. */
  split?: {
    /** Who said so: the answers, or the pickers, which count the requests of others too. */
    by: "answers" | "pickers";
    counted: number;
    /** Part of the answers that the candidate gave, from 0 to 1. */
    share: number;
    expected: number;
    sigma: number;
    ok: boolean;
  };
  /** Names that were to be asked for and have no answer. */
  unasked?: readonly string[];
  /** Why the split is not known although there is a candidate. */
  unmeasured?: string;
  /** Whether nothing is wrong with what was measured. */
  ok: boolean;
}

/**
 * @param candidate the pool whose share is judged; `expected` is its weight, from 0 to 1.
 * @param counts requests by pool that the pickers counted meanwhile: for answers that do not name their pool.
 * @param models names that clients use: each has to have been asked for.
 */
export function judge(
  outcomes: readonly Outcome[],
  {
    candidate,
    expected,
    counts,
    models = [],
  }: { candidate?: string; expected: number; counts?: Counts; models?: readonly string[] },
): Verdict {
  const of = (kind: Outcome["kind"]): readonly Outcome[] =>
    outcomes.filter((outcome) => outcome.kind === kind);
  const bad = (list: readonly Outcome[]): number =>
    list.filter(({ failure }) => failure !== undefined).length;
  const [plain, streams] = [of("plain"), of("stream")];
  const total = bad(plain) + bad(streams);
  const found =
    splitOf(outcomes, candidate, expected) ?? countedSplit(outcomes.length, candidate, expected, counts);
  const split = typeof found === "string" ? undefined : found;
  const unasked = models.filter((name) => !outcomes.some(({ model }) => model === name));
  return {
    requests: plain.length,
    failed: bad(plain),
    streams: streams.length,
    brokenStreams: bad(streams),
    failures: reasonsOf(outcomes),
    faults: [...new Set(outcomes.flatMap(({ fault }) => fault ?? []))],
    ...(total === 0 ? { failuresBelow: boundOfZero(outcomes.length) } : {}),
    ...(split === undefined ? {} : { split }),
    ...(unasked.length === 0 ? {} : { unasked }),
    ...(typeof found === "string" && candidate !== undefined ? { unmeasured: found } : {}),
    ok: outcomes.length > 0 && total === 0 && split?.ok !== false,
  };
}

const answered = (outcomes: readonly Outcome[]): readonly Outcome[] =>
  outcomes.filter(({ failure }) => failure === undefined);

function splitOf(
  outcomes: readonly Outcome[],
  candidate: string | undefined,
  expected: number,
): Verdict["split"] {
  // A closed loop sends each worker's next request when the last was answered: which pool is slow decides how soon,
  // not where it goes. So every answer counts.
  const known = answered(outcomes).filter(({ pool }) => pool !== undefined);
  // Where only one pool's servers name it, their answers say nothing about the split.
  if (known.length === 0 || known.length < answered(outcomes).length) return undefined;
  const ofCandidate = known.filter(({ pool }) => pool === candidate).length;
  return judged("answers", { requests: known.length, candidate: ofCandidate }, expected);
}

function judged(by: "answers" | "pickers", split: Split, expected: number): NonNullable<Verdict["split"]> {
  return {
    by,
    counted: split.requests,
    share: split.candidate / split.requests,
    expected,
    sigma: sigmaOf(split.requests, expected),
    ok: chanceOf(split, expected) >= wrong,
  };
}

/** The split by the pickers' counts, or why they do not tell it. */
function countedSplit(
  sent: number,
  candidate: string | undefined,
  expected: number,
  counts: Counts | undefined,
): Verdict["split"] | string {
  if (counts === undefined || candidate === undefined) return "no counts were read";
  if (counts.outcome === "unknown") return counts.why;
  const requests = Object.values(counts.byPool).reduce((sum, count) => sum + count, 0);
  // A pool whose picker is down is served without it (FailOpen), and such requests are counted nowhere.
  if (requests < sent) return `the pickers counted ${requests} requests, and ${sent} were sent`;
  const ofCandidate = counts.byPool[candidate] ?? 0;
  // At 0 and 100 % one request decides, and a gate asks pools by the preview route, which the pickers count as well.
  const stray = expected <= 0 ? ofCandidate : expected >= 1 ? requests - ofCandidate : 0;
  if (stray > 0)
    return `the pickers counted ${stray} requests where the route sends none; a gate may have sent requests to that pool meanwhile`;
  return judged("pickers", { requests, candidate: ofCandidate }, expected);
}

/** 0: right. 1: something failed, or the split is wrong. 2: nothing failed, and not everything is known. */
export function exitStatus({ ok, unmeasured, unasked }: Verdict): 0 | 1 | 2 {
  if (!ok) return 1;
  return unmeasured === undefined && unasked === undefined ? 0 : 2;
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
  const { requests, failed, streams, brokenStreams, failures, failuresBelow } = verdict;
  const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
  const sent = requests + streams;
  return [
    `requests    ${requests}, ${failed} failed; streams ${streams}, ${brokenStreams} broken`,
    ...failures.map(({ reason, count }) => `            ${count} x ${reason}`),
    ...(failuresBelow === undefined
      ? []
      : [`            0 of ${sent}: the failure rate is below ${percent(failuresBelow)} (95 % confidence)`]),
    ...(verdict.unasked === undefined
      ? []
      : [
          `names       NOT ASKED: ${verdict.unasked.join(", ")}`,
          "            raise --requests or --seconds, or name some of them: --model NAME",
        ]),
    ...shareLines(verdict, percent),
  ];
}

function shareLines({ split, unmeasured }: Verdict, percent: (part: number) => string): string[] {
  if (split === undefined) {
    // Without a candidate there is one pool, and nothing to measure.
    if (unmeasured === undefined) return [];
    return [
      `share       NOT MEASURED: the answers do not name their pool, and the pickers' counts are not usable: ${unmeasured}`,
      "            to measure it, make the model servers name their pool in a response header (docs/commands.md) and add",
      "            --pool-header NAME, or run verify in the cluster's network, where it can reach the pickers' pods",
    ];
  }
  const { by, counted, share, expected, sigma, ok } = split;
  const who = by === "pickers" ? " (requests that the pickers counted, also those of others)" : "";
  return [
    `share       ${percent(share)} of ${counted}${who} from the candidate, expected ${percent(expected)} ± ${percent(sigma)} (1 sigma): ${ok ? "right" : "WRONG"}`,
  ];
}
