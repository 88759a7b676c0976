import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { engineNamed, engines } from "../../../components/engines/catalogue";
import { engineLabel } from "../../../components/pool/endpoint-picker";
import { planned, deployed, rulesOf } from "../plan/worlds";
import { sourceCase } from "../cases";
import { says, TwoPools } from "../state/two-pools";

/* Whether a candidate's picker can tell how busy its pods are. */

const report = (engine: string): { status: number; body: string } => ({
  status: 200,
  body: (engineNamed(engine).pickerMetrics ?? [])
    .map((name) => `# HELP ${name} x\n# TYPE ${name} gauge\n${name}{model_name="m"} 0.0`)
    .join("\n"),
});
const metrics = { engine: "vllm", without: "WITHOUT" };
const models = ["Qwen/Qwen3-8B"];

describe("the metrics that a picker reads", () => {
  let pools: TwoPools;
  beforeEach(async () => {
    pools = new TwoPools();
    await pools.start();
  });
  afterEach(() => pools.stop());

  it("are those that the servers report: the gate opens", async () => {
    pools.candidate.metrics = report("vllm");
    await pools.pass({ models, metrics });
    assert.ok(pools.asked.filter((line) => line === "candidate /metrics").length >= 3);
  });

  it("are another engine's than the servers': the gate names both, and how to go on", async () => {
    pools.candidate.metrics = report("sglang");
    await assert.rejects(
      pools.pass({ models, metrics }),
      says(
        "llm-new does not report vllm:num_requests_waiting, vllm:num_requests_running, vllm:kv_cache_usage_perc, which its picker reads (engine vllm)",
        "its servers report sglang:num_queue_reqs, sglang:num_running_reqs, sglang:token_usage",
        "WITHOUT",
      ),
    );
  });

  it("follow the label of the pods, and the pool's engine for a label that no picker knows", async () => {
    pools.candidate.metrics = report("sglang");
    pools.podLabels = { [engineLabel]: "sglang" };
    await pools.pass({ models, metrics });
    pools.podLabels = { [engineLabel]: "acme" };
    await pools.pass({ models, metrics: { ...metrics, engine: "sglang" } });
    await assert.rejects(pools.pass({ models, metrics }), says("(engine vllm)"));
  });

  it("are not reported at all: SGLang without --enable-metrics", async () => {
    await assert.rejects(
      pools.pass({ models, metrics }),
      says("answered 404 for /metrics", "enable the servers' metrics"),
    );
    pools.candidate.metrics = { status: 200, body: "python_info 1\n" };
    await assert.rejects(pools.pass({ models, metrics }), says("report none that a picker knows"));
  });

  it("are taken for read where a policy hides them from customers", async () => {
    pools.candidate.metrics = { status: 403, body: "denied by the load balancer" };
    await pools.pass({ models, metrics });
  });

  it("count only once every name is answered: some servers have none before their first request", async () => {
    await assert.rejects(pools.pass({ models: ["other"], metrics }), (error: Error) => {
      assert.doesNotMatch(error.message, /metrics/);
      return true;
    });
  });

  it("are known of every engine that a config can name", () => {
    for (const { name, pickerMetrics = [] } of engines) assert.equal(pickerMetrics.length, 3, name);
  });
});

describe("the rule blind-picker", () => {
  const at = (weight: number, more: object = {}): typeof sourceCase => ({ ...sourceCase, weight, ...more });
  it("refuses nothing by itself, and its waiver counts for one update", () => {
    const world = deployed(at(0));
    assert.deepEqual(rulesOf(at(10), world), []);
    assert.deepEqual(planned(at(10, { allow: ["blind-picker"] }), world).waived, ["blind-picker"]);
  });
  it("has nothing to say where the candidate does not rise", () => {
    const back = planned(at(0, { allow: ["blind-picker"] }), deployed(at(0), at(10)));
    assert.deepEqual(back.waived, []);
  });
});
