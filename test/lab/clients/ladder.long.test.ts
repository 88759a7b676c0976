import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chanceOf } from "../../../rollout/traffic/shares";
import { minutes, splitAt, StackLab, weightsOf, type StackUnderTest } from "../end-to-end/stack-lab";
import { pythonEnvironment } from "../tools/python";
import { describeLoad, LoadGenerator } from "./load-generator";
import { describeSummary, OpenAiClient, type ClientSummary } from "./openai-client";
import { progressOf } from "./progress";

/*
 * Other people's clients while a weight goes through its ladder: the official OpenAI client all along, and for each
 * stage a run of AIPerf that begins before `pulumi up` and ends after it. What failed is what they say themselves.
 */

const model = "Qwen/Qwen3-8B";
const ladder = [30, 100, 0] as const;
/** Requests a second and in all: a minute, several times as long as an update takes. */
const load = { rate: 10, requests: 600, outputTokens: 60 };
/** Calls of the OpenAI client in a stage, below which the stage says nothing. */
const fewest = 50;
/** A right split is called wrong once in so many runs. */
const falseAlarms = 10_000;

describe("real clients through a ladder of weights", { concurrency: false, ...minutes(30) }, () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let client: OpenAiClient;
  let url = "";
  let summary: ClientSummary | undefined;
  const python = { openai: "", aiperf: "" };
  before(async () => {
    for (const name of ["openai", "aiperf"] as const) {
      python[name] = (await pythonEnvironment(name, { report: progressOf(name) })).python;
    }
    lab = await StackLab.start({ speed: 4 });
    stack = await lab.stack("dev", { weight: 0 });
    await stack.up();
    const address = String((await stack.pulumi.outputs())["address"]);
    url = `http://${address}:${await lab.lab.boundPort(address)}`;
    client = OpenAiClient.start(python.openai, url, model, { seconds: 900 });
    await client.ready(60);
  }, minutes(20));
  after(async () => {
    client.kill();
    await lab.stop();
  });

  for (const weight of ladder) {
    it(`the load generator counts no failure while the weight moves to ${weight}`, async () => {
      const folder = path.join(lab.lab.folder, `load-${weight}`);
      const generator = await LoadGenerator.start(python.aiperf, folder, { url, model, ...load });
      try {
        await generator.sending(120);
        client.stage(`moving to ${weight}`);
        await stack.set("weight", String(weight));
        const began = Date.now();
        await stack.up();
        const ended = Date.now();
        assert.deepEqual(weightsOf(await lab.route()), splitAt(weight));
        await sleep(1000);
        client.stage(`at ${weight}`);
        const { status, summary: counted } = await generator.finished();
        console.log(`# to ${weight} in ${((ended - began) / 1000).toFixed(1)} s; ${describeLoad(counted)}`);
        assert.deepEqual(counted.errors, []);
        assert.deepEqual([status, counted.failed, counted.incomplete], [0, 0, false]);
        assert.equal(counted.succeeded, load.requests);
        assert.ok(
          counted.startedAt < began && ended < counted.endedAt,
          "the load lasted as long as the update",
        );
      } finally {
        generator.kill();
      }
    });
  }

  it("the OpenAI client counts no failed call in any stage", async () => {
    const stopped = await client.stop();
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
