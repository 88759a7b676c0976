import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { InferenceClient } from "../../rollout/traffic/client";
import type { Outcome } from "../../lab/traffic/outcome";
import { minutes, StackLab, type StackUnderTest } from "./stack-lab";

/*
 * Two priorities above 0, each pool full, up a ladder. With the picker's flow control the higher one is served before
 * what waits in the picker, and of one priority each client gets its turn; without it, all are served in the order in
 * which they come. Nothing fails in either case.
 *
 * What the picker has let through waits in the model servers, in order of arrival. It looks at their queues every 50 ms,
 * and lets one request through in a millisecond while they are short: some fifty at a time, which the higher priority
 * does not overtake. So more has to wait than that.
 */

const model = "Qwen/Qwen3-8B";
const objectives = [
  { name: "interactive", priority: 10 },
  { name: "batch", priority: 1 },
];
const pools = ["llm", "llm-new"];

/** Of what was sent first, how much was still not answered when the last of what was sent later was. */
const overtaken = (first: readonly Outcome[], later: readonly Outcome[]): number => {
  const last = Math.max(...later.map(({ endedAt }) => endedAt));
  return first.filter(({ endedAt }) => endedAt > last).length / first.length;
};
const of = (pool: string, outcomes: readonly Outcome[]): Outcome[] =>
  outcomes.filter((outcome) => outcome.pool === pool);
const percent = (part: number): string => `${Math.round(100 * part)} %`;

for (const isOn of [true, false]) {
  describe(`priorities above 0 ${isOn ? "with" : "without"} flow control`, { concurrency: false }, () => {
    let lab: StackLab;
    let stack: StackUnderTest;
    let client: InferenceClient;
    before(async () => {
      const picker = isOn ? { picker: { featureGates: ["flowControl"] } } : {};
      lab = await StackLab.start();
      stack = await lab.stack("dev", {
        ...{ model, objectives, weight: 0, stable: pools[0], candidate: pools[1], adapters: undefined },
        pools: {
          llm: { accelerator: "nvidia-l4", replicas: 2, ...picker },
          "llm-new": { like: "llm" },
        },
        // Eight at once on a server: some sixteen requests a second on a pool, of ten tokens each.
        server: { args: ["--max-num-seqs", "8"] },
      });
      await stack.up();
      const host = String((await stack.pulumi.outputs())["address"]);
      client = new InferenceClient({ host, port: await lab.lab.boundPort(host) });
    }, minutes(4));
    after(async () => {
      client.close();
      await lab.stop();
    });

    const ask = (objective: string, tenant?: string): Promise<Outcome> =>
      client.complete({
        ...{ kind: "plain", model, maxTokens: 10 },
        headers: {
          "x-gateway-inference-objective": objective,
          ...(tenant === undefined ? {} : { "x-gateway-inference-fairness-id": tenant }),
        },
      });
    /** Two hundred a second: far more than the pools serve, and no more than the picker sees coming. */
    const many = async (
      count: number,
      ...of: Parameters<typeof ask>
    ): Promise<{ answers: Promise<Outcome[]> }> => {
      const sent: Promise<Outcome>[] = [];
      for (let i = 0; i < count; i++) {
        sent.push(ask(...of));
        if (i % 10 === 9) await sleep(50);
      }
      return { answers: Promise.all(sent) };
    };
    const resolved = async (pool: string, priority: number): Promise<number> =>
      (await lab.pickerMetrics(pool, `llm-${pool}`))
        .split("\n")
        .filter((line) => line.startsWith("inference_objective_request_total{"))
        .filter((line) => line.includes(`priority="${priority}"`))
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);

    for (const weight of isOn ? [0, 30, 60, 100] : [50]) {
      it(`at ${weight}`, minutes(4), async () => {
        const moved = await stack.update({ weight: String(weight) });
        assert.equal(moved.status, 0, moved.output);
        // Enough for the pool with the smaller share.
        const smaller = Math.min(...[weight, 100 - weight].filter((share) => share > 0)) / 100;
        const batch = await many(Math.round(200 / smaller), "batch");
        const later = await many(Math.round(20 / smaller), "interactive");
        const [first, interactive] = await Promise.all([batch.answers, later.answers]);
        assert.deepEqual(
          [...first, ...interactive].flatMap(({ failure }) => failure ?? []),
          [],
        );
        for (const pool of pools
          .filter((name) => weight < 100 || name !== "llm")
          .filter((name) => weight > 0 || name !== "llm-new")) {
          const share = overtaken(of(pool, first), of(pool, interactive));
          console.log(
            `# weight ${weight}, ${pool}: ${of(pool, interactive).length} of priority 10 before ${percent(share)} of ${of(pool, first).length} of priority 1 that were sent before them`,
          );
          if (isOn) assert.ok(share >= 0.25, `${pool}: ${share}`);
          else assert.ok(share <= 0.1, `${pool}: ${share}`);
          for (const { priority } of objectives) assert.ok((await resolved(pool, priority)) > 0);
        }
      });
    }

    it("of one priority, each client gets its turn", minutes(4), async () => {
      const moved = await stack.update({ weight: "50" });
      assert.equal(moved.status, 0, moved.output);
      const greedy = await many(400, "batch", "greedy");
      const later = await many(16, "batch", "modest");
      const [first, modest] = await Promise.all([greedy.answers, later.answers]);
      assert.deepEqual(
        [...first, ...modest].flatMap(({ failure }) => failure ?? []),
        [],
      );
      for (const pool of pools) {
        const share = overtaken(of(pool, first), of(pool, modest));
        console.log(
          `# ${pool}: ${of(pool, modest).length} of one client before ${percent(share)} of ${of(pool, first).length} of the other`,
        );
        if (isOn) assert.ok(share >= 0.25, `${pool}: ${share}`);
        else assert.ok(share <= 0.1, `${pool}: ${share}`);
      }
    });
  });
}
