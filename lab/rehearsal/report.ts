import type { AcceleratorHours } from "./accelerators";

/** `out/rehearsal/report.json`. Times are seconds; they are the lab's, not GKE's. */
export interface Report {
  kind: string;
  /** Whether everything was as it has to be; the same as the exit status. */
  ok: boolean;
  stages: readonly StageReport[];
  totals: Counts;
  /** By model name: what answered it. */
  names: readonly NameReport[];
  rollback?: { seconds: number; lastCandidateResponseAfterSeconds: number };
  /** From the first update's end to the beginning of the last one; stages last seconds here, and days elsewhere. */
  accelerators?: AcceleratorHours;
  /** What went wrong, in words; empty: nothing. */
  problems: readonly string[];
  versions: Readonly<Record<string, string>>;
  /** Which of the plugins were stand-ins. */
  parts: Readonly<Record<string, string>>;
  seconds: number;
}

export interface Counts {
  requests: number;
  failed: number;
  streams: number;
  brokenStreams: number;
}

/** One split, and whether it is what the weights say. */
export interface ShareReport {
  /** Whose requests: "all", a model name, a model name on one pool. */
  name: string;
  /** Share of the requests that started after the update was confirmed and that the candidate answered. */
  candidateShare: number;
  expectedShare: number;
  /** Standard deviation of the share, were it as expected. */
  sigma: number;
  /** Requests that the share was taken from. */
  shareRequests: number;
  shareOk: boolean;
}

/** What became of one model name that customers asked for, over the whole run. */
export interface NameReport extends Counts {
  name: string;
  /** Answers by what gave them: "pool, base model, adapter version". */
  answeredBy: Readonly<Record<string, number>>;
  /** Answers of another model or adapter than the name stands for. */
  wrong: number;
}

export interface StageReport extends Counts, ShareReport {
  weight: number;
  /** Percent of the candidate pool while a version of an adapter is rolled out. */
  poolWeight?: number;
  /** Further splits: by model name, or by pool. */
  splits?: readonly ShareReport[];
  /** Of the whole `pulumi up`. */
  updateSeconds: number;
  /** From the route's change to the gateway's word that it is in force; absent where the route did not change. */
  settleSeconds?: number;
}

export function totalsOf(stages: readonly Counts[]): Counts {
  const sum = (field: keyof Counts): number => stages.reduce((total, stage) => total + stage[field], 0);
  return {
    requests: sum("requests"),
    failed: sum("failed"),
    streams: sum("streams"),
    brokenStreams: sum("brokenStreams"),
  };
}
