import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually, minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/* What goes when it is meant to, and that nothing of it stays. */

describe("taking down, in a lab", minutes(12), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  before(async () => {
    lab = await StackLab.start();
    stack = await lab.stack("dev");
    await stack.up();
  }, minutes(4));
  after(async () => lab.stop());

  test("a candidate without weight can go, and leaves nothing behind", async () => {
    await stack.set("weight", "0");
    await stack.up();
    await stack.unset("candidate");
    await stack.unset("weight");
    await stack.up();
    assert.deepEqual(weightsOf(await lab.route()), { llm: 100 });
    assert.equal(await lab.pool("llm-new"), undefined);
    await eventually("the candidate's nodes are gone", async () => {
      const nodes = await lab.objects.list("v1", "Node");
      return !nodes.items.some(
        ({ metadata }) => metadata?.labels?.["inference-rollout/pool"] === "llm.llm-new",
      );
    });
  });

  test("the whole service goes down on purpose, in order, and leaves nothing behind", async () => {
    await stack.takeDown();
    assert.deepEqual(await stack.resources(), []);
    assert.equal(await lab.route(), undefined);
    assert.equal(await lab.pool("llm"), undefined);
  });
});
