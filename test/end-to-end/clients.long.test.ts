import { progressOf } from "../../lab/clients/python-program";
import { minutes, splitAt, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";
import { pythonEnvironment, whyNot } from "../../lab/tools/python";
import { projectFolder } from "../../lab/workspace";
import { describeLoad, LoadGenerator, type LoadSummary } from "../../lab/clients/load-generator";
import { describeSummary, OpenAiClient, type ClientSummary } from "../../lab/clients/openai-client";
import { chanceOf } from "../../rollout/traffic/split-odds";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

/*
 * Other people's clients while a weight goes through its ladder: the official OpenAI client all along, and for each
 * stage a run of AIPerf that begins before `pulumi up` and ends after it. What failed is what they say themselves.
 */

const model = "Qwen/Qwen3-8B";
const ladder = [30, 100, 0] as const;
const noGenerator = whyNot("aiperf");
const load = { rate: 10, outputTokens: 60 };
/** A run of the generator is so many times as long as the longest update so far, and at least so many seconds. */
const longer = 1.5;
const shortest = 40;
/** Calls of the OpenAI client in a stage, below which the stage says nothing. */
const fewest = 50;
/** A right split is called wrong once in so many runs. */
const falseAlarms = 10_000;

/** The lab's folder goes with it: without its logs nobody finds out why a request failed. */
function keepLogs(folder: string): void {
  const kept = path.join(projectFolder, "out", "clients", path.basename(folder));
  for (const part of ["logs", "gateway", path.join("pods", "logs")]) {
    const from = path.join(folder, part);
    if (!fs.existsSync(from)) continue;
    const filter = (file: string): boolean => file.endsWith(".log") || fs.statSync(file).isDirectory();
    fs.cpSync(from, path.join(kept, part), { recursive: true, filter });
  }
  console.log(`# the lab's logs are in ${kept}`);
}

describe("real clients through a ladder of weights", { concurrency: false, ...minutes(30) }, () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let client: OpenAiClient | undefined;
  let url = "";
  let summary: ClientSummary | undefined;
  /** Seconds of the longest update so far. */
  let slowest = 0;
  const python = { openai: "", aiperf: "" };
  before(async () => {
    for (const name of ["openai", "aiperf"] as const) {
      if (whyNot(name) !== undefined) continue;
      python[name] = (await pythonEnvironment(name, { report: progressOf(name) })).python;
    }
    lab = await StackLab.start({ speed: 4 });
    stack = await lab.stack("dev", { weight: 0 });
    await timed(() => stack.up());
    const address = String((await stack.pulumi.outputs())["address"]);
    url = `http://${address}:${await lab.lab.boundPort(address)}`;
    client = OpenAiClient.start(python.openai, url, model, { seconds: 1800, threads: 2 });
    await client.ready(60);
  }, minutes(20));
  after(async () => {
    client?.kill();
    const loads = [...steps.values()].flatMap(({ load: run }) => run ?? []);
    if (summary?.failed !== 0 || loads.some((run) => run.summary.failed > 0)) keepLogs(lab.lab.folder);
    await lab.stop();
  });

  /** Update, and how long updates take on this machine today. */
  const timed = async (update: () => Promise<unknown>): Promise<{ began: number; ended: number }> => {
    const began = new Date().getTime();
    await update();
    const ended = new Date().getTime();
    slowest = Math.max(slowest, (ended - began) / 1000);
    return { began, ended };
  };

  /** An update, and the run of the generator around it. */
  interface Step {
    began: number;
    ended: number;
    /** What the generator was to send. */
    requests: number;
    load?: { status: number; summary: LoadSummary };
  }
  const steps = new Map<number, Step>();

  const move = async (weight: number, requests: number, generator?: LoadGenerator): Promise<Step> => {
    await generator?.sending(300);
    client?.stage(`moving to ${weight}`);
    await stack.set("weight", String(weight));
    const times = await timed(() => stack.up());
    assert.deepEqual(weightsOf(await lab.route()), splitAt(weight));
    await sleep(1000);
    client?.stage(`at ${weight}`);
    if (generator !== undefined) return { ...times, requests, load: await generator.finished() };
    await sleep(20_000);
    return { ...times, requests };
  };

  for (const weight of ladder) {
    it(`the weight moves to ${weight} while both are at work`, async () => {
      const folder = path.join(lab.lab.folder, `load-${weight}`);
      const requests = Math.ceil(Math.max(shortest, longer * slowest) * load.rate);
      const generator =
        noGenerator === undefined
          ? await LoadGenerator.start(python.aiperf, folder, { url, model, requests, ...load })
          : undefined;
      try {
        steps.set(weight, await move(weight, requests, generator));
      } finally {
        generator?.kill();
      }
    });

    it(`AIPerf counts no failure on the way to ${weight}`, { skip: noGenerator ?? false }, () => {
      const step = steps.get(weight);
      assert.ok(step?.load !== undefined);
      const { began, ended, requests } = step;
      const { status, summary: counted } = step.load;
      console.log(`# to ${weight} in ${((ended - began) / 1000).toFixed(1)} s; ${describeLoad(counted)}`);
      assert.deepEqual(counted.errors, []);
      assert.deepEqual([status, counted.failed, counted.incomplete], [0, 0, false]);
      assert.equal(counted.succeeded, requests);
      assert.ok(counted.startedAt < began && ended < counted.endedAt, "the update was not within the run");
    });
  }

  it("the OpenAI client counts no failed call in any stage", async () => {
    const stopped = await client?.stop();
    assert.ok(stopped !== undefined);
    summary = stopped.summary;
    console.log(describeSummary(summary).replace(/^/gm, "# "));
    assert.deepEqual(summary.failures, []);
    assert.deepEqual([stopped.status, summary.failed], [0, 0]);
    assert.equal(Object.keys(summary.kinds).length, 10);
  });

  for (const weight of ladder) {
    it(`at ${weight} the OpenAI client was answered by the pools that the weight says`, () => {
      const stage = summary?.stages[`at ${weight}`];
      assert.ok(stage !== undefined && stage.calls >= fewest, `${stage?.calls ?? 0} calls`);
      const { calls, pools } = stage;
      assert.deepEqual(Object.keys(pools).sort(), Object.keys(splitAt(weight)).sort());
      const split = { requests: calls, candidate: pools["llm-new"] ?? 0 };
      assert.ok(chanceOf(split, weight / 100) * falseAlarms >= 1, `${split.candidate} of ${calls}`);
    });
  }
});
