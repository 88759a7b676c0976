import { AcceleratorWatch } from "./accelerators";
import { answersInStreams, now } from "../../rollout/traffic/client";
import type { WholeLab } from "../lab";
import { Pulumi, PulumiFailed } from "../pulumi";
import type { Outcome, Rates, Target } from "../traffic/outcome";
import { Traffic } from "../traffic/traffic";
import type { Workspace } from "../workspace";
import type { Mark } from "./chart";
import { ChangeWatch } from "./change-watch";
import type { Rehearsal } from "./kinds";
import type { Step } from "./ladder";
import { namesOf, wrongAnswers } from "./names";
import { totalsOf, type Report, type StageReport } from "./report";
import type { Series } from "./series";
import { StableServers } from "./stable-servers";
import { countsOf, measureStage, type Sample } from "./stage";

export interface RehearsalOptions {
  lab: WholeLab;
  workspace: Workspace;
  rehearsal: Rehearsal;
  sample: Sample;
  versions: Readonly<Record<string, string>>;
  /** Ends the rehearsal before its time. */
  signal: AbortSignal;
  /** Told when a step begins, of what it does, and when it is done. */
  onStep?: (step: Step, event: { doing: string } | { done: StageReport }) => void;
}

export interface Rehearsed {
  report: Report;
  outcomes: readonly Outcome[];
  /** When each step's route was in force. */
  marks: readonly Mark[];
}

/** Bounds of the traffic of one rehearsal, whatever goes wrong. */
const trafficLimits = { requests: 200_000, seconds: 3600 };

/**
 * Carries a rollout out with plain `pulumi up` while customers are connected, and reports what they saw. Rejects
 * when it cannot be carried on: an update that failed, a part of the lab that died.
 */
export async function rehearse(options: RehearsalOptions): Promise<Rehearsed> {
  const { lab, workspace, rehearsal } = options;
  const sample = sampleOf(options);
  const { steps, measure } = rehearsal;
  const began = now();
  const pulumi = new Pulumi(workspace, lab.plugins.environment(), options.signal);
  const watch = new ChangeWatch(lab.controlPlane.kubeconfig, rehearsal.moved);
  const servers = new StableServers(lab, rehearsal);
  const accelerators = new AcceleratorWatch(lab.controlPlane.kubeconfig);
  await Promise.all([watch.start(), accelerators.start()]);
  const measured: { from: number; stage: StageReport }[] = [];
  const problems: string[] = [];
  const marks: Mark[] = [];
  let traffic: Traffic | undefined;
  // Whatever waits for traffic ends with it.
  const leave = (): void => traffic?.kill();
  options.signal.addEventListener("abort", leave, { once: true });
  let rollback: Report["rollback"];
  try {
    for (const step of steps) {
      options.signal.throwIfAborted();
      const say = (doing: string): void => options.onStep?.(step, { doing });
      const from = now();
      const streamsBefore = traffic?.progress.streams ?? 0;
      const updateSeconds = await update(pulumi, step, say);
      if (traffic === undefined) {
        traffic = Traffic.start(await targetOf(pulumi, lab), trafficLimits, rehearsal.asking);
        traffic.setRates(ratesFor(options));
      }
      const confirmedAt = now();
      marks.push({ at: watch.writtenAt(from, confirmedAt) ?? confirmedAt, label: step.name });
      const stage = await measureStage(
        { step, series: measure(step), from, streamsBefore, confirmedAt, updateSeconds },
        traffic,
        watch,
        sample,
        say,
      );
      measured.push({ from, stage });
      if (step.rollback === true) {
        rollback = rollbackOf(traffic, watch, measure(step)[0], from, updateSeconds);
      }
      await servers.seen();
      options.onStep?.(step, { done: stage });
    }
    // The last streams are still running: they count too, and where they end is part of the result.
    await traffic?.drain(120);
    const stages = measured.map(({ from, stage }, i) => {
      // What began in a stage belongs to it, also where it ended later: only now all of it has ended.
      const outcomes = traffic?.startedBetween(from, measured[i + 1]?.from) ?? [];
      return { ...stage, ...countsOf(outcomes) };
    });
    const names = namesOf(traffic?.outcomes ?? [], rehearsal.expectation);
    const totals = traffic === undefined ? totalsOf([]) : countsOf(traffic.outcomes);
    problems.push(...problemsOf(stages, sample), ...failuresOf(traffic));
    problems.push(...wrongAnswers(traffic?.outcomes ?? [], rehearsal.expectation));
    problems.push(...(await servers.problems()));
    const report: Report = {
      kind: rehearsal.kind,
      ok: problems.length === 0,
      stages,
      totals,
      names,
      ...(rollback === undefined ? {} : { rollback }),
      problems,
      ...(marks[0] === undefined
        ? {}
        : { accelerators: accelerators.during(marks[0].at, ladderEnd(measured)) }),
      versions: options.versions,
      parts: lab.plugins.parts,
      seconds: (now() - began) / 1000,
    };
    return { report, outcomes: traffic?.outcomes ?? [], marks };
  } finally {
    options.signal.removeEventListener("abort", leave);
    watch.close();
    accelerators.close();
    traffic?.kill();
  }
}

/** When the last step began: it removes what the rollout no longer needs, and is no part of the ladder. */
const ladderEnd = (measured: readonly { from: number }[]): number => measured.at(-1)?.from ?? now();

/** What the engine prints when it begins with a resource: a sign, its type, its name, what is done to it. */
const resourceLine = /^(?:[+~-]+|@)\s+(\S+:\S+ \S+ (?:creat|updat|delet|replac)ing)\b/;

async function update(pulumi: Pulumi, step: Step, say: (doing: string) => void): Promise<number> {
  for (const [key, value] of Object.entries(step.config)) {
    if (value === undefined) await pulumi.removeConfig(key);
    else await pulumi.setConfig(key, value);
  }
  say("pulumi up");
  const start = now();
  try {
    await pulumi.up((line) => {
      const resource = resourceLine.exec(line)?.[1];
      if (resource !== undefined) say(`pulumi up: ${resource}`);
    });
  } catch (error) {
    if (error instanceof PulumiFailed) throw new Error(`step "${step.name}": ${error.message}`);
    throw error;
  }
  return (now() - start) / 1000;
}

/** Where customers reach the service: the gateway's own word, and the port that the lab could bind for it. */
async function targetOf(pulumi: Pulumi, lab: WholeLab): Promise<Target> {
  const { address } = await pulumi.outputs();
  if (typeof address !== "string")
    throw new Error(`the stack has no output address: ${JSON.stringify(address)}`);
  return { host: address, port: await lab.boundPort(address) };
}

/** Of an API that answers as a whole only, there are no streams to see. */
function sampleOf({ rehearsal, sample }: Pick<RehearsalOptions, "rehearsal" | "sample">): Sample {
  return answersInStreams(rehearsal.asking) ? sample : { ...sample, streams: 0 };
}

function ratesFor(options: RehearsalOptions): Rates {
  const { asked, objectives } = options.rehearsal;
  const sample = sampleOf(options);
  return {
    // Ten seconds of traffic after each update are enough for the sample; an update itself takes some seconds more.
    plain: sample.requests / 10,
    streams: sample.streams / 10,
    models: asked,
    ...(objectives.length === 0 ? {} : { objectives }),
  };
}

function rollbackOf(
  traffic: Traffic,
  watch: ChangeWatch,
  { counts, isCandidates }: Series,
  from: number,
  seconds: number,
): NonNullable<Report["rollback"]> {
  const written = watch.writtenAt(from, Infinity) ?? from;
  const last = traffic
    .startedBetween(from)
    .filter((outcome) => counts(outcome) && isCandidates(outcome))
    .reduce((latest, { startedAt }) => Math.max(latest, startedAt), written);
  return { seconds, lastCandidateResponseAfterSeconds: (last - written) / 1000 };
}

function problemsOf(stages: readonly StageReport[], sample: Sample): string[] {
  return stages.flatMap((stage) => {
    const share = (value: number): string => `${(100 * value).toFixed(1)} %`;
    return [
      ...[stage, ...(stage.splits ?? [])]
        .filter(({ shareOk }) => !shareOk)
        .map(
          (split) =>
            `stage "${stage.name}"${split === stage ? "" : `, ${split.name}`}: the candidate answered ${share(split.candidateShare)} of ${split.shareRequests} requests; expected ${share(split.expectedShare)}`,
        ),
      ...(stage.requests >= sample.requests && stage.streams >= sample.streams
        ? []
        : [`stage "${stage.name}" had only ${stage.requests} requests and ${stage.streams} streams`]),
    ];
  });
}

/** Failures by reason, over the whole run: also those between and after the stages. */
function failuresOf(traffic: Traffic | undefined): string[] {
  const counts = new Map<string, number>();
  for (const { kind, failure, pod } of traffic?.outcomes ?? []) {
    if (failure === undefined) continue;
    const text = `${kind === "plain" ? "request" : "stream"} failed: ${failure}${pod === undefined ? "" : ` (pod ${pod})`}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${count} x ${text}`);
}
