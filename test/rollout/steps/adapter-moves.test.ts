import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { next, promote, rollback } from "../../../rollout/steps/moves";
import type { Decision } from "../../../rollout/steps/moves";
import { valueOf, type StackValues } from "../../../rollout/steps/values";
import { statusOf } from "../../../rollout/steps/status";
import { adapterCase, baseModelCase, v2 } from "../../stacks/adapter-cases";
import { Simulated, values } from "./cases";

const now = new Date("2026-11-22T12:00:00Z");
const split = (weight: number): StackValues => values(adapterCase({ candidate: v2, weight }));

function wanted(decision: Decision): StackValues {
  if (decision.outcome === "refused") assert.fail(JSON.stringify(decision.reasons));
  return decision.target;
}

const adapterOf = (decision: Decision): unknown => (valueOf(wanted(decision), "adapters") as unknown[])[0];
const weightOf = (decision: Decision): unknown => (adapterOf(decision) as { weight: unknown }).weight;

describe("the commands, while only a version of an adapter is rolled out", () => {
  it("stage it, climb its ladder from what is deployed, and say when there is no higher step", () => {
    const alone = new Simulated(values(adapterCase({}))).up();
    assert.equal(weightOf(next(split(50), alone.deployed)), 0, "staged first");
    const staged = alone.up(split(0));
    assert.equal(weightOf(next(staged.values, staged.deployed)), 10);
    assert.equal(weightOf(next(staged.values, staged.deployed, 45)), 45);
    const all = staged.up(split(100));
    const decision = next(all.values, all.deployed);
    assert.ok(decision.outcome === "refused");
    assert.match(decision.reasons[0]!.fix, /promote/);
  });

  it("promote it only with all of the requests, and then the config names one version", () => {
    const half = new Simulated(split(0)).up().up(split(50));
    assert.equal(promote(half.values, half.deployed).outcome, "refused");
    const all = half.up(split(100));
    const decision = promote(all.values, all.deployed);
    assert.deepEqual(adapterOf(decision), { name: "food-review", ...v2 });
    all.up(wanted(decision));
  });

  it("roll it back to 0, and the program takes that", () => {
    const half = new Simulated(split(0)).up().up(split(50));
    const decision = rollback(half.values, half.deployed, { reason: "worse", now });
    assert.equal(weightOf(decision), 0);
    half.up(wanted(decision));
  });
});

describe("the status, while only a version of an adapter is rolled out", () => {
  it("prints the command that moves it, and the one that takes it back", () => {
    const steps = (stack: Simulated): (string | undefined)[] => {
      const status = statusOf("prod", stack.values, stack.deployed, {
        outcome: "unreadable",
        why: "no cluster",
      });
      return [status.next, status.back];
    };
    const stack = new Simulated(split(0)).up();
    const abandon =
      "pulumi config rm --path 'adapters[0].candidate' && pulumi config rm --path 'adapters[0].weight' && pulumi up";
    assert.deepEqual(steps(stack), ["npm run rollout -- next", abandon]);
    stack.up(split(50));
    assert.deepEqual(steps(stack), ["npm run rollout -- next", "npm run rollout -- rollback"]);
    stack.up(split(100));
    assert.deepEqual(steps(stack), ["npm run rollout -- promote", "npm run rollout -- rollback"]);
  });
});

describe("promoting another base model", () => {
  it("keeps the name of the old one, which clients ask for", () => {
    const at = (weight: number): StackValues => values({ ...baseModelCase, weight });
    const stack = new Simulated(at(0)).up().up(at(100));
    const decision = promote(stack.values, stack.deployed);
    assert.deepEqual(valueOf(wanted(decision), "aliases"), ["chat", "Qwen/Qwen3-8B"]);
    assert.ok(
      decision.outcome === "update" &&
        decision.notes.some((note) => note.includes("keeps Qwen/Qwen3-8B as a name of the base model")),
    );
    stack.up(wanted(decision));
  });
});
