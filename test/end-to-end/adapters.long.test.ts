import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ready } from "../../lab/pods/small-cluster";
import { eventually } from "../../lab/processes/patience";
import type { CommandResult } from "../../lab/tools/command";
import { rehearsalOf } from "../../lab/rehearsal/kinds";
import { killServer, lose, podsOf, targetsOf } from "./servers";
import { StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/*
 * Adapters that cannot be loaded, in a base-model rollout and in one of their own: nothing is sent to who has not
 * loaded them, the update says who and why, and the way back is open.
 */

const stable = "llm-pool";
const candidate = "llm-pool-version-2";

describe("a candidate whose adapter cannot be loaded", { concurrency: false }, () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  before(async () => {
    const { changes } = rehearsalOf("base-model");
    lab = await StackLab.start();
    stack = await lab.stack("dev", {
      ...changes,
      candidate: "",
      rollout: "",
      objectives: [],
      gate: { timeoutSeconds: 45 },
    });
    succeeded(await stack.update({}));
  });
  after(() => lab.stop());

  function succeeded({ status, output }: CommandResult): void {
    assert.equal(status, 0, output);
  }
  function stoppedBy({ status, output }: CommandResult, ...patterns: RegExp[]): void {
    assert.notEqual(status, 0, output);
    for (const pattern of patterns) assert.match(output, pattern);
    assert.doesNotMatch(output, /at Object\.|at async /, "a stack trace helps nobody");
  }

  it("gets no traffic: the update stops and names pool, pod, adapter and the server's own words", async () => {
    await lose(lab, "acme/sql");
    stoppedBy(
      await stack.update({ candidate, weight: "10" }),
      /pool llm-pool-version-2, pod llm-pool-version-2-\S+: adapter sql-v1: 404 Loading lora sql-v1 failed: No adapter found for acme\/sql/,
    );
    assert.deepEqual(weightsOf(await lab.route()), { [stable]: 100 });
  });

  it("gets it once the adapter is there", async () => {
    await lose(lab);
    succeeded(await stack.update({}));
    assert.deepEqual(weightsOf(await lab.route()), { [stable]: 90, [candidate]: 10 });
  });

  it("gets no more where an adapter was lost and a pod restarted, which is not ready any more", async () => {
    await lose(lab, "acme/sql");
    const [pod] = await podsOf(lab, candidate);
    const name = pod?.metadata?.name ?? "";
    await killServer(lab, name);
    await eventually("the pod is not ready", async () =>
      (await podsOf(lab, candidate)).some((found) => found.metadata?.name === name && !ready(found)),
    );
    stoppedBy(
      await stack.update({ weight: "60" }),
      /The route was not changed/,
      new RegExp(`pool ${candidate}, pod ${name}: adapter sql-v1: 404 Loading lora sql-v1 failed`),
    );
    assert.deepEqual(weightsOf(await lab.route()), { [stable]: 90, [candidate]: 10 });
  });

  it("can be left at once, broken as it is", async () => {
    succeeded(await stack.update({ weight: "0" }));
    assert.deepEqual(weightsOf(await lab.route()), { [stable]: 100 });
    succeeded(await stack.update({ candidate: undefined, weight: undefined }));
    await lose(lab);
  });
});

describe("a version of an adapter that cannot be loaded", { concurrency: false }, () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  const v2 = {
    "adapters[0].candidate.version": "v2",
    "adapters[0].candidate.source": "acme/food-review-v2",
  };
  before(async () => {
    const { changes } = rehearsalOf("adapter");
    lab = await StackLab.start();
    stack = await lab.stack("dev", { ...changes, gate: { timeoutSeconds: 45 } });
    const { status, output } = await stack.update({});
    assert.equal(status, 0, output);
  });
  after(() => lab.stop());

  it("stops the update that brings it, and takes nothing from the pods that serve", async () => {
    await lose(lab, "acme/food-review-v2");
    const { status, output } = await stack.update(v2);
    assert.notEqual(status, 0);
    assert.match(
      output,
      /pool llm, pod llm-\S+: adapter food-review-v2: 404 Loading lora food-review-v2 failed/,
    );
    assert.deepEqual(await targetsOf(lab, "llm", "food-review"), { "food-review-v1": 100 });
    assert.ok((await podsOf(lab, "llm")).every(ready), "pods that serve the old version go on");
  });

  it("gets no request, whatever weight it is given", async () => {
    const { status, output } = await stack.update({ "adapters[0].weight": "10" });
    assert.notEqual(status, 0);
    assert.match(output, /The split of the requests to food-review-v2 was not changed/);
    assert.deepEqual(await targetsOf(lab, "llm", "food-review"), { "food-review-v1": 100 });
  });

  it("gets requests once every pod has it", async () => {
    await lose(lab);
    const { status, output } = await stack.update({});
    assert.equal(status, 0, output);
    assert.deepEqual(await targetsOf(lab, "llm", "food-review"), {
      "food-review-v1": 90,
      "food-review-v2": 10,
    });
  });

  it("cannot be unloaded by a customer", async () => {
    const { address } = await stack.pulumi.outputs();
    const host = String(address);
    const port = await lab.lab.boundPort(host);
    const answer = await fetch(`http://${host}:${port}/v1/unload_lora_adapter`, {
      method: "POST",
      redirect: "manual",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ lora_name: "food-review-v1" }),
    });
    assert.equal(answer.status, 302);
    assert.ok((await podsOf(lab, "llm")).every(ready));
  });

  it("cannot be taken away while it has requests, and can when it has none", async () => {
    const refused = await stack.update({
      "adapters[0].candidate": undefined,
      "adapters[0].weight": undefined,
    });
    assert.notEqual(refused.status, 0);
    assert.match(refused.output, /adapter-version-has-traffic/);
    const back = await stack.update({ ...v2, "adapters[0].weight": "0" });
    assert.equal(back.status, 0, back.output);
    const { status, output } = await stack.update({
      "adapters[0].candidate": undefined,
      "adapters[0].weight": undefined,
    });
    assert.equal(status, 0, output);
  });
});
