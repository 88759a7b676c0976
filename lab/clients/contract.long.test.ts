import { progressOf } from "./python-program";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { TestSimulator } from "../simulator/test-simulator";
import { pythonEnvironment, whyNot } from "../tools/python";
import { AlteringProxy, type Alteration } from "./altering-proxy";
import { describeLoad, LoadGenerator, type LoadSummary } from "./load-generator";
import { describeSummary, OpenAiClient, type ClientSummary } from "./openai-client";

/*
 * Real clients against one simulated model server, without a cluster: they take what it answers, and what is wrong with
 * an answer they count as failed. test/end-to-end/clients.long.test.ts has them in a lab.
 */

const minutes = (count: number): { timeout: number } => ({ timeout: count * 60_000 });

const model = "Qwen/Qwen3-8B";
const generated = { skip: whyNot("aiperf") ?? false };

describe("real clients and one model server", { concurrency: false, ...minutes(20) }, () => {
  let simulator: TestSimulator;
  let proxy: AlteringProxy;
  let server = "";
  const python = { openai: "", aiperf: "" };
  before(async () => {
    for (const name of ["openai", "aiperf"] as const) {
      if (whyNot(name) !== undefined) continue;
      python[name] = (await pythonEnvironment(name, { report: progressOf(name) })).python;
    }
    simulator = await TestSimulator.start();
    server = (await simulator.server(["--model", model])).url;
    proxy = await AlteringProxy.start(server);
  }, minutes(15));
  after(() => {
    proxy.stop();
    simulator.stop();
  });

  /** Every kind of call once or twice. */
  const call = async (alteration: Alteration = {}): Promise<{ status: number; summary: ClientSummary }> => {
    proxy.alter(alteration);
    const client = OpenAiClient.start(python.openai, proxy.url, model, {
      seconds: 60,
      calls: 11,
      threads: 1,
    });
    return client.finished();
  };

  it("the OpenAI client takes every answer, strictly by its own types", async () => {
    const { status, summary } = await call();
    console.log(describeSummary(summary));
    assert.deepEqual(summary.failures, []);
    assert.deepEqual([status, summary.failed, summary.calls], [0, 0, 11]);
    assert.equal(Object.keys(summary.kinds).length, 10);
  });

  /** What is spoilt, and what the client says of it. */
  const spoilt: readonly { what: string; alteration: Alteration; says: RegExp }[] = [
    { what: "one 500", alteration: { status: 500, times: 1 }, says: /InternalServerError: .*500/ },
    {
      what: "a stream that breaks off",
      alteration: { path: /chat/, cutAfter: 1500 },
      says: /chat stream: APIConnectionError/,
    },
    {
      what: "a stream that ends early, without a word",
      alteration: { replace: [/(data: .*\n\n){5}data: \[DONE\]/, "data: [DONE]"] },
      says: /stream: Unexpected: \d+ of \d+ tokens/,
    },
    {
      what: "a stream without its usage",
      alteration: { replace: [/data: [^\n]*"choices":\[\],"usage"[^\n]*\n\n/, ""] },
      says: /stream: Unexpected: the last chunk has choices/,
    },
    {
      what: "another object",
      alteration: { replace: [/"object":"chat.completion"/g, '"object":"completion"'] },
      says: /chat: ValidationError[^]*object/,
    },
    {
      what: "a time that is text",
      alteration: { replace: [/"created":(\d+)/g, '"created":"$1"'] },
      says: /models: ValidationError[^]*created/,
    },
    {
      what: "another role",
      alteration: { replace: [/"role":"assistant"/g, '"role":"bot"'] },
      says: /chat stream: ValidationError[^]*role/,
    },
    {
      what: "a count that is null",
      alteration: { replace: [/"completion_tokens":\d+/g, '"completion_tokens":null'] },
      says: /completion: ValidationError[^]*completion_tokens/,
    },
    {
      what: "another model's name",
      alteration: { replace: [/"model":"[^"]*"/g, '"model":"other"'] },
      says: /completion stream: Unexpected: model other/,
    },
    {
      what: "a choice too few",
      alteration: { replace: [/,\{"index":1,[^]*?"finish_reason":"length"\}/g, ""] },
      says: /completion list: Unexpected: choices \[0\]/,
    },
  ];
  for (const { what, alteration, says } of spoilt) {
    it(`the OpenAI client counts ${what} as failed`, async () => {
      const { status, summary } = await call(alteration);
      assert.ok(proxy.altered > 0, "nothing was altered");
      assert.equal(status, 1, describeSummary(summary));
      assert.ok(summary.failed > 0);
      assert.match(summary.failures.join("\n"), says);
      if (alteration.times === 1) assert.equal(summary.failed, 1, describeSummary(summary));
    });
  }

  it("the OpenAI client counts the streams of a server that is killed as failed", async () => {
    const victim = await simulator.server(["--model", model]);
    const client = OpenAiClient.start(python.openai, victim.url, model, { seconds: 60 });
    await client.ready(60);
    await fetch(`${simulator.control}/servers/${victim.id}/kill`, { method: "POST" });
    const { status, summary } = await client.stop();
    assert.equal(status, 1, describeSummary(summary));
    assert.match(summary.failures.join("\n"), /APIConnectionError/);
  });

  /** A short run of the load generator. */
  const load = async (alteration: Alteration): Promise<{ status: number; summary: LoadSummary }> => {
    proxy.alter(alteration);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-load-"));
    try {
      const settings = { url: proxy.url, model, rate: 20, requests: 60, outputTokens: 20 };
      return await (await LoadGenerator.start(python.aiperf, folder, settings)).finished();
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  };

  it("the load generator takes every answer", generated, async () => {
    const { status, summary } = await load({});
    console.log(describeLoad(summary));
    assert.deepEqual(summary.errors, []);
    assert.deepEqual([status, summary.succeeded, summary.failed, summary.incomplete], [0, 60, 0, false]);
  });

  it("the load generator counts one 500 and one broken stream as failed", generated, async () => {
    const answered = await load({ status: 500, times: 1 });
    console.log(describeLoad(answered.summary));
    assert.deepEqual([answered.summary.succeeded, answered.summary.failed], [59, 1]);
    assert.match(answered.summary.errors.join("\n"), /1 x .*/);
    const broken = await load({ cutAfter: 900, times: 1 });
    console.log(describeLoad(broken.summary));
    assert.deepEqual([broken.summary.succeeded, broken.summary.failed], [59, 1]);
  });
});
