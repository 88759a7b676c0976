import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { InferenceClient } from "../../rollout/traffic/client";
import type { Outcome } from "../../lab/traffic/outcome";
import { rehearsalOf } from "../../lab/rehearsal/kinds";
import { StackLab, type StackUnderTest } from "./stack-lab";

/*
 * The same objectives on both pools of a rollout, each pool full: what has a priority below 0 is shed, on each of
 * them, and nothing else is. What was shed is read from the real pickers.
 */

const pools = ["llm-pool", "llm-pool-version-2"];
const weightOf = (pool: string, weight: number): number => (pool === pools[0] ? 100 - weight : weight);
const namespaceOf = (pool: string): string => `llm-${pool}`;

/** What was added to counters, without those that stayed: the gates ask too, before. */
const since = (
  before: Readonly<Record<string, number>> = {},
  now: Readonly<Record<string, number>>,
): Record<string, number> =>
  Object.fromEntries(
    Object.entries(now)
      .map(([key, value]) => [key, value - (before[key] ?? 0)] as const)
      .filter(([, added]) => added > 0),
  );

describe("priorities while a base model is rolled out and its pools are full", { concurrency: false }, () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let client: InferenceClient;
  before(async () => {
    const { changes } = rehearsalOf("base-model");
    // Two requests at once on a model server, so that few are needed to fill it.
    lab = await StackLab.start();
    stack = await lab.stack("dev", {
      ...changes,
      server: { args: ["--max-num-seqs", "2"] },
    });
    const staged = await stack.update({});
    assert.equal(staged.status, 0, staged.output);
    const { address } = await stack.pulumi.outputs();
    const host = String(address);
    client = new InferenceClient({ host, port: await lab.lab.boundPort(host) });
  });
  after(async () => {
    client.close();
    await lab.stop();
  });

  /** Values of a counter of a pool's picker, by label. */
  const counter = async (
    pool: string,
    metric: string,
    label: string,
    fits: RegExp,
  ): Promise<Record<string, number>> => {
    const text = await lab.pickerMetrics(pool, namespaceOf(pool));
    const found: Record<string, number> = {};
    for (const line of text.split("\n")) {
      const [, labels = "", value = ""] = new RegExp(`^${metric}\\{(.*)\\} (\\S+)$`).exec(line) ?? [];
      if (labels === "" || !fits.test(labels)) continue;
      const key = new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1] ?? "";
      found[key] = (found[key] ?? 0) + Number(value);
    }
    return found;
  };
  /** What the picker of a pool tells: what it shed, by model, and of food-review's requests the priorities. */
  const told = async (pool: string) => ({
    shed: await counter(pool, "inference_objective_request_error_total", "model_name", /ResourceExhausted/),
    priorities: await counter(pool, "inference_objective_request_total", "priority", /food-review/),
  });
  const ask = (model: string, objective: string, maxTokens: number): Promise<Outcome> =>
    client.complete({
      kind: "plain",
      model,
      maxTokens,
      headers: { "x-gateway-inference-objective": objective },
    });

  for (const weight of [0, 30, 60, 100]) {
    it(`at ${weight}: the lower one is shed on each pool with traffic, the higher one on none`, async () => {
      const moved = await stack.update({ weight: String(weight) });
      assert.equal(moved.status, 0, moved.output);
      const full = pools.filter((pool) => weightOf(pool, weight) > 0);
      const before = await Promise.all(full.map(told));
      // More than the pools have room for, in their batches and in the queues that a picker takes for full.
      const filling = Array.from({ length: 160 }, () => ask("food-review", "interactive", 15));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const batch = await Promise.all(Array.from({ length: 60 }, () => ask("chat", "batch", 1)));
      const interactive = await Promise.all(filling);

      assert.deepEqual(
        interactive.flatMap(({ failure }) => failure ?? []),
        [],
        "nothing of a priority above 0 fails",
      );
      const shed = batch.filter(({ status }) => status === 429).length;
      assert.ok(batch.every(({ status }) => status === 200 || status === 429));
      const fresh = (await Promise.all(full.map(told))).map((now, i) => ({
        shed: since(before[i]?.shed, now.shed),
        priorities: since(before[i]?.priorities, now.priorities),
      }));
      for (const [i, pool] of full.entries()) {
        const { shed: ofPool = {}, priorities = {} } = fresh[i] ?? {};
        assert.deepEqual(Object.keys(ofPool), ["chat"], `the picker of ${pool} shed batch requests only`);
        assert.deepEqual(Object.keys(priorities), ["10"], `the picker of ${pool} knows the priority`);
      }
      const counted = fresh.reduce((sum, { shed: ofPool }) => sum + (ofPool["chat"] ?? 0), 0);
      assert.equal(shed, counted, "what was refused is what the pickers shed");
      console.log(
        `# weight ${weight}: ${shed} of ${batch.length} batch requests shed, 0 of ${interactive.length} others`,
      );
    });
  }

  it("both pickers have taken their rewrites", async () => {
    for (const pool of pools) {
      const decisions = await counter(
        pool,
        "inference_extension_model_rewrite_decisions_total",
        "target_model",
        /food-review/,
      );
      assert.ok((decisions["food-review-v1"] ?? 0) > 0, `${pool}: ${JSON.stringify(decisions)}`);
    }
  });
});
