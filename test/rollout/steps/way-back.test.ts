import { rolesOf, own, type StackValues } from "../../../rollout/steps/values";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { pastUpdates, type PastUpdate } from "../../../rollout/steps/deployed";
import { next, promote, resume, rollback, type Decision } from "../../../rollout/steps/moves";
import { wayBack, type Step, type WayBack } from "../../../rollout/steps/way-back";
import { observedByRecord } from "../../../rollout/steps/deployed";
import { at, serviceOf, Simulated, values, withValues } from "./cases";

const now = new Date("2026-11-22T12:00:00Z");
const why = { reason: "it was better then", now };

const update = (number: number, past: StackValues): PastUpdate => ({
  number,
  kind: "update",
  succeeded: true,
  time: "2026-11-22T11:00:00Z",
  message: "",
  values: past,
  partial: false,
});

const present = (stack: Simulated): Parameters<typeof wayBack>[1] => ({
  values: stack.values,
  observed: stack.observed,
  ...(stack.deployed === undefined ? {} : { deployed: stack.deployed }),
});

const to = (past: StackValues, stack: Simulated): WayBack => wayBack(update(1, past), present(stack), why);

function steps(way: WayBack): readonly Step[] {
  if (way.outcome !== "steps") assert.fail(JSON.stringify(way));
  return way.steps;
}

function reasons(way: WayBack): string {
  if (way.outcome !== "refused") assert.fail(JSON.stringify(way));
  return way.reasons.map(({ found, fix }) => `${found} | ${fix}`).join("\n");
}

const alone = { ...at(0), candidate: "" };

describe("the way back to an earlier update", () => {
  it("is one update between weights of the same candidate", () => {
    const stack = new Simulated(values(at(0))).up().up(values(at(60)));
    const way = steps(to(values(at(10)), stack));
    assert.deepEqual(
      way.map(({ target }) => rolesOf(target).weight),
      [10],
    );
    assert.equal(way[0]!.target[own("rolledBack")], undefined);
  });

  it("is two updates to one that knew no candidate: the route first, then the pool", () => {
    const stack = new Simulated(values(alone))
      .up()
      .up(values(at(0)))
      .up(values(at(60)));
    const way = steps(to(values(alone), stack));
    assert.equal(way.length, 2);
    assert.deepEqual(rolesOf(way[0]!.target), { stable: "llm", candidate: "llm-new", weight: 0 });
    assert.deepEqual(rolesOf(way[1]!.target), { stable: "llm", weight: 0 });
    for (const { target } of way) {
      const mark = target[own("rolledBack")];
      assert.deepEqual(mark, {
        secret: false,
        value: { candidate: "llm-new", reason: "it was better then", time: "2026-11-22T12:00:00Z" },
      });
    }
    for (const { target } of way) stack.up(target);
    assert.deepEqual(stack.shares, { llm: 100 });
  });

  it("is one update to the staged candidate, which is latched then", () => {
    const stack = new Simulated(values(at(0))).up().up(values(at(30)));
    const [only, ...others] = steps(to(values(at(0)), stack));
    assert.equal(others.length, 0);
    assert.ok(only!.target[own("rolledBack")] !== undefined);
  });

  it("is no way where the config of then is what there is", () => {
    const stack = new Simulated(values(at(0))).up();
    assert.deepEqual(to(values(at(0)), stack), { outcome: "same" });
    // The same config, but the route was moved by something else meanwhile: there is something to do.
    stack.observed = {
      ...stack.observed,
      route: { backends: [{ pool: "llm-new", namespace: "default", weight: 1 }] },
    };
    assert.equal(to(values(at(0)), stack).outcome, "steps");
  });

  it("does not lead over a pool that is gone", () => {
    const stack = new Simulated(values(at(0))).up().up(values(at(100)));
    stack.up((promote(stack.values, stack.deployed) as { target: StackValues }).target);
    assert.match(
      reasons(to(values(at(60)), stack)),
      /pool llm no longer exists: it would need 6 x nvidia-l4 .* \| .*set candidate llm .*rollout -- next/,
    );
  });

  it("does not lead to hardware that a pool no longer has", () => {
    const stack = new Simulated(values(at(0))).up();
    const other = {
      ...at(0),
      pools: { ...at(0)["pools"]!, llm: { accelerator: "nvidia-a100-80gb", replicas: 6 } },
    };
    assert.match(reasons(to(values(other), stack)), /pools\.llm\.accelerator is deployed as nvidia-l4/);
  });

  it("does not give a candidate weight that was rolled back since", () => {
    const stack = new Simulated(values(at(0))).up().up(values(at(30)));
    stack.up((rollback(stack.values, stack.deployed, why) as { target: StackValues }).target);
    assert.match(reasons(to(values(at(30)), stack)), /rolled back .* \| .*resume/);
    stack.up((resume(stack.values, stack.deployed, why) as { target: StackValues }).target);
    assert.equal(to(values(at(30)), stack).outcome, "steps");
  });

  it("does not lead to another place", () => {
    const stack = new Simulated(values(at(0))).up();
    assert.match(reasons(to(values({ ...at(0), namespace: "other" }), stack)), /that is a different service/);
    assert.match(
      reasons(to({ ...values(at(0)), "gcp:region": { secret: false, value: "europe-west4" } }, stack)),
      /gcp:region was europe-west4 and is now us-central1/,
    );
  });

  it("does not lead to what was no whole, successful update", () => {
    const stack = new Simulated(values(at(0))).up().up(values(at(30)));
    const past = update(1, values(at(0)));
    for (const [unfit, found] of [
      [{ ...past, succeeded: false }, /it failed/],
      [{ ...past, kind: "destroy" }, /it was a destroy, not an update/],
      [{ ...past, partial: true }, /--target/],
    ] as const) {
      assert.match(reasons(wayBack(unfit, present(stack), why)), found);
    }
  });

  it("keeps present secrets, waivers, freezes and marks, and says so", () => {
    const token = { "inference-rollout:huggingFaceToken": { secret: true as const } };
    const freeze = [{ from: "2030-01-01T00:00:00Z", reason: "later" }];
    const stack = new Simulated({ ...withValues(values(at(0)), { freeze }), ...token }).up();
    stack.up({ ...withValues(values(at(30)), { freeze }), ...token });
    const past = { ...withValues(values(at(10)), { allow: ["destroy"], gate: { via: "off" } }), ...token };
    const way = to(past, stack);
    const [only] = steps(way);
    assert.deepEqual(only!.target[own("freeze")], { secret: false, value: freeze });
    assert.equal(only!.target[own("allow")], undefined);
    assert.equal(only!.target[own("gate")], undefined);
    assert.deepEqual(only!.target[own("huggingFaceToken")], { secret: true });
    const notes = way.outcome === "steps" ? way.notes : [];
    for (const key of [
      "huggingFaceToken is a secret and keeps",
      "allow keeps",
      "freeze keeps",
      "gate keeps",
    ]) {
      assert.ok(
        notes.some((note) => note.startsWith(key)),
        `${key}: ${notes.join()}`,
      );
    }
  });

  it("does not exist where a secret of then is gone", () => {
    const stack = new Simulated(values(at(0))).up().up(values(at(30)));
    const past = { ...values(at(10)), "inference-rollout:huggingFaceToken": { secret: true as const } };
    assert.match(reasons(to(past, stack)), /huggingFaceToken was a secret then.*--secret huggingFaceToken/);
  });

  it("can be decided from the last update's record, where the cluster cannot be asked", () => {
    const stack = new Simulated(values(at(0))).up().up(values(at(60)));
    const record = stack.observed.record!;
    stack.observed = { ...observedByRecord(serviceOf(stack.values), record), now };
    assert.equal(steps(to(values(alone), stack)).length, 2);
  });

  it("is refused while the service is frozen, in the program's words", () => {
    const stack = new Simulated(values(at(0))).up().up(values(at(60)));
    const frozen = withValues(stack.values, { freeze: [{ reason: "Black Friday" }] });
    stack.values = frozen;
    assert.match(reasons(to(values(alone), stack)), /Black Friday.*\(in update 2 of 2/);
  });

  it("is never refused by the program and never ends elsewhere, whatever happened before", () => {
    const move = fc.constantFrom("next", "next", "next", "promote", "rollback", "resume", "abandon", "new");
    fc.assert(
      fc.property(fc.array(move, { maxLength: 14 }), fc.nat(), (moves, chosen) => {
        const stack = new Simulated(values(alone)).up();
        for (const word of moves) carryOut(stack, word);
        const past = stack.history[chosen % stack.history.length]!;
        const way = to(past, stack);
        if (way.outcome !== "steps") return;
        assert.ok(way.steps.length <= 2);
        // up() throws where the program refuses.
        for (const { target } of way.steps) stack.up(target);
        assert.deepEqual(rolesOf(stack.values), rolesOf(past));
        const { stable, candidate, weight } = rolesOf(past);
        assert.equal(stack.shares[stable!] ?? 0, 100 - weight);
        if (candidate !== undefined) assert.equal(stack.shares[candidate] ?? 0, weight);
      }),
      { numRuns: 300 },
    );
  });
});

/** What a person does with the command; what it refuses is not done. */
function carryOut(stack: Simulated, word: string): void {
  const { stable, candidate } = rolesOf(stack.values);
  const other = stable === "llm" ? "llm-new" : "llm";
  const changed = (target: StackValues): Decision => ({ outcome: "update", target, title: word, notes: [] });
  const decision =
    word === "next"
      ? next(stack.values, stack.deployed)
      : word === "promote"
        ? promote(stack.values, stack.deployed)
        : word === "rollback"
          ? rollback(stack.values, stack.deployed, why)
          : word === "resume"
            ? resume(stack.values, stack.deployed, why)
            : word === "new" && candidate === undefined
              ? changed(withValues(stack.values, { candidate: other, weight: 0 }))
              : word === "abandon" && candidate !== undefined && stack.shares[candidate] === undefined
                ? changed(withValues(stack.values, { candidate: undefined, weight: undefined }))
                : undefined;
  if (decision?.outcome === "update") stack.up(decision.target);
}

describe("the history", () => {
  const entry = (version: number, extra: object = {}): object => ({
    version,
    kind: "update",
    result: "succeeded",
    startTime: "2026-11-22T11:00:00.000Z",
    message: "raise\n\nwith a body",
    config: { "inference-rollout:weight": { value: "10", secret: false }, "a:b": { secret: true } },
    environment: { "pulumi.flag.yes": "true" },
    ...extra,
  });

  it("of a file backend is numbered by position from the oldest", () => {
    const updates = pastUpdates([entry(0), entry(0), entry(0)]);
    assert.deepEqual(
      updates.map(({ number }) => number),
      [3, 2, 1],
    );
    assert.deepEqual(updates[0]!.values, {
      "inference-rollout:weight": { secret: false, value: "10" },
      "a:b": { secret: true },
    });
    assert.equal(updates[0]!.message, "raise");
  });

  it("of Pulumi Cloud has versions of its own", () => {
    assert.deepEqual(
      pastUpdates([entry(17), entry(16)]).map(({ number }) => number),
      [17, 16],
    );
  });

  it("tells updates of only some resources apart", () => {
    const [partial] = pastUpdates([entry(1, { environment: { "pulumi.flag.target": "urn" } })]);
    assert.ok(partial!.partial);
  });
});
