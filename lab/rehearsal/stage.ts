import type { Outcome } from "../traffic/outcome";
import type { Traffic } from "../traffic/traffic";
import { now } from "../../rollout/traffic/client";
import { chanceOf, doubtful, sigmaOf, wrong, type Split } from "../../rollout/traffic/split-odds";
import type { ChangeWatch } from "./change-watch";
import type { Step } from "./ladder";
import type { Series } from "./series";
import type { ShareReport, StageReport } from "./report";

/** What a stage has to see at least. */
export interface Sample {
  requests: number;
  streams: number;
}

export interface StageInput {
  step: Step;
  /** The splits that are judged; the first is the one that the step moved. */
  series: readonly [Series, ...Series[]];
  /** When the stage began: before its config was changed. */
  from: number;
  /** Streams that had been started then. */
  streamsBefore: number;
  /** When `pulumi up` had succeeded. */
  confirmedAt: number;
  updateSeconds: number;
}

/**
 * Waits until a stage has seen enough, and judges its splits. Only requests that started after the update was
 * confirmed count for a share: those before it belong to both weights.
 */
export async function measureStage(
  input: StageInput,
  traffic: Traffic,
  watch: ChangeWatch,
  sample: Sample,
  report: (text: string) => void,
): Promise<StageReport> {
  const { step, series } = input;
  const after = (from: number): Outcome[] => sampled(traffic, from);
  const gather = async (from: number, count: number): Promise<readonly [Share, ...Share[]]> => {
    report(`watching ${count} requests`);
    await traffic.until(() => after(from).length >= count, `${count} answers at weight ${step.weight}`, 180);
    const outcomes = after(from);
    const [first, ...others] = series;
    return [shareOf(outcomes, first), ...others.map((one) => shareOf(outcomes, one))];
  };
  let shares = await gather(input.confirmedAt, sample.requests);
  let bound = doubtful;
  const inDoubt = shares.find(({ split, expected }) => isUndecided(split, expected));
  if (inDoubt !== undefined) {
    report(
      `${inDoubt.name}: ${percent(inDoubt.split)} is beyond three sigma; repeating with four times as many requests`,
    );
    shares = await gather(now(), 4 * sample.requests);
    bound = wrong;
  }
  await traffic.until(
    () => traffic.progress.streams - input.streamsBefore >= sample.streams,
    `${sample.streams} streams at weight ${step.weight}`,
    120,
  );
  const settle = watch.settledSeconds(input.from, input.confirmedAt);
  const [main, ...others] = shares.map((share) => reported(share, bound)) as [ShareReport, ...ShareReport[]];
  return {
    name: step.name,
    weight: step.weight,
    ...(step.poolWeight === undefined ? {} : { poolWeight: step.poolWeight }),
    ...countsOf(traffic.startedBetween(input.from)),
    candidateShare: main.candidateShare,
    expectedShare: main.expectedShare,
    sigma: main.sigma,
    shareRequests: main.shareRequests,
    shareOk: main.shareOk,
    ...(others.length === 0 ? {} : { splits: others }),
    updateSeconds: input.updateSeconds,
    ...(settle === undefined ? {} : { settleSeconds: settle }),
  };
}

interface Share {
  name: string;
  expected: number;
  split: Split;
}

function shareOf(outcomes: readonly Outcome[], { name, expected, counts, isCandidates }: Series): Share {
  const counted = outcomes.filter(counts);
  return {
    name,
    expected,
    split: { requests: counted.length, candidate: counted.filter(isCandidates).length },
  };
}

/** Beyond three sigma of what is expected; 0 and 100 are exact, and a larger sample would not change them. */
function isUndecided(split: Split, expected: number): boolean {
  return expected > 0 && expected < 1 && chanceOf(split, expected) < doubtful;
}

function reported({ name, expected, split }: Share, bound: number): ShareReport {
  return {
    name,
    candidateShare: split.requests === 0 ? 0 : split.candidate / split.requests,
    expectedShare: expected,
    sigma: sigmaOf(split.requests, expected),
    shareRequests: split.requests,
    // A split of which nothing was seen is not a right one.
    shareOk: split.requests > 0 && chanceOf(split, expected) >= bound,
  };
}

export function countsOf(outcomes: readonly Outcome[]): {
  requests: number;
  failed: number;
  streams: number;
  brokenStreams: number;
} {
  const plain = outcomes.filter(({ kind }) => kind === "plain");
  const streams = outcomes.filter(({ kind }) => kind === "stream");
  return {
    requests: plain.length,
    failed: plain.filter(({ failure }) => failure !== undefined).length,
    streams: streams.length,
    brokenStreams: streams.filter(({ failure }) => failure !== undefined).length,
  };
}

/**
 * Plain requests that say who answered them; a failed one says nothing about the split, and fails the run anyway.
 * Only up to the oldest one that still waits: to count the answers that are there would favour the faster pool.
 */
function sampled(traffic: Traffic, from: number): Outcome[] {
  return traffic
    .startedBetween(from, traffic.progress.settledUntil)
    .filter(({ kind, pool, failure }) => kind === "plain" && pool !== undefined && failure === undefined);
}

function percent({ requests, candidate }: Split): string {
  return `${((100 * candidate) / requests).toFixed(1)} %`;
}
