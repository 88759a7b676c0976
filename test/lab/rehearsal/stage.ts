import type { Outcome } from "../traffic/outcome";
import type { Traffic } from "../traffic/traffic";
import type { RouteWatch } from "./route-watch";
import { chanceOf, doubtful, sigmaOf, wrong, type Split } from "../../../rollout/traffic/shares";
import type { StageReport } from "./report";

/** What a stage has to see at least. */
export interface Sample {
  requests: number;
  streams: number;
}

export interface StageInput {
  name: string;
  weight: number;
  candidate: string;
  /** When the stage began: before its config was changed. */
  from: number;
  /** Streams that had been started then. */
  streamsBefore: number;
  /** When `pulumi up` had succeeded. */
  confirmedAt: number;
  updateSeconds: number;
}

/**
 * Waits until a stage has seen enough, and judges its split. Only requests that started after the update was
 * confirmed count for the share: those before it belong to both weights.
 */
export async function measureStage(
  input: StageInput,
  traffic: Traffic,
  watch: RouteWatch,
  sample: Sample,
  report: (text: string) => void,
): Promise<StageReport> {
  const expected = input.weight / 100;
  const after = (from: number): Outcome[] => sampled(traffic, from);
  const gather = async (from: number, count: number): Promise<Split> => {
    report(`watching ${count} requests`);
    await traffic.until(() => after(from).length >= count, `${count} answers at weight ${input.weight}`, 120);
    return splitOf(after(from), input.candidate);
  };
  let split = await gather(input.confirmedAt, sample.requests);
  let bound = doubtful;
  if (expected > 0 && expected < 1 && chanceOf(split, expected) < doubtful) {
    report(`${percent(split)} is beyond three sigma: a sample four times as large decides`);
    split = await gather(now(), 4 * sample.requests);
    bound = wrong;
  }
  await traffic.until(
    () => traffic.progress.streams - input.streamsBefore >= sample.streams,
    `${sample.streams} streams at weight ${input.weight}`,
    120,
  );
  const settle = watch.settledSeconds(input.from, input.confirmedAt);
  return {
    name: input.name,
    weight: input.weight,
    ...countsOf(traffic.startedBetween(input.from)),
    candidateShare: split.requests === 0 ? 0 : split.candidate / split.requests,
    expectedShare: expected,
    sigma: sigmaOf(split.requests, expected),
    shareRequests: split.requests,
    shareOk: chanceOf(split, expected) >= bound,
    updateSeconds: input.updateSeconds,
    ...(settle === undefined ? {} : { settleSeconds: settle }),
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

function splitOf(outcomes: readonly Outcome[], candidate: string): Split {
  return { requests: outcomes.length, candidate: outcomes.filter(({ pool }) => pool === candidate).length };
}

function percent({ requests, candidate }: Split): string {
  return `${((100 * candidate) / requests).toFixed(1)} %`;
}

export function now(): number {
  return performance.timeOrigin + performance.now();
}
