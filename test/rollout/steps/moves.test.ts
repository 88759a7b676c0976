import { rolesOf, valueOf } from "../../../rollout/steps/values";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { changesBetween, describeChange } from "../../../rollout/steps/changes";
import { withLiveRoute, type Deployed } from "../../../rollout/steps/deployed";
import { latchesHeld, latchOn, markOf, markTime } from "../../../rollout/steps/marks";
import { allowDestroy, command, next, promote, resume, rollback } from "../../../rollout/steps/moves";
import type { Decision } from "../../../rollout/steps/moves";
import { resolveValues } from "../../../rollout/steps/resolve-values";
import { statusOf } from "../../../rollout/steps/status";
import type { Observed } from "../../../stacks/plan/observed";
import { sourceCase } from "../../stacks/cases";
import { at, Simulated, values, withValues } from "./cases";

const now = new Date("2026-11-22T12:00:00.700Z");
const why = { reason: "too slow", now };

/** A stack at a weight, deployed step by step. */
function stackAt(weight: number): Simulated {
  const stack = new Simulated(values(at(0))).up();
  return weight === 0 ? stack : stack.up(values(at(weight)));
}

function wanted(decision: Decision): ReturnType<typeof values> {
  if (decision.outcome === "refused") assert.fail(JSON.stringify(decision.reasons));
  return decision.target;
}

function refusal(decision: Decision): string {
  if (decision.outcome !== "refused") assert.fail("it was not refused");
  return decision.reasons.map(({ found, fix }) => `${found} | ${fix}`).join("\n");
}

const changed = (stack: Simulated, decision: Decision): string[] =>
  changesBetween(stack.values, wanted(decision)).map(describeChange);

describe("next", () => {
  it("climbs the ladder, whatever its order in the config", () => {
    for (const [from, to] of [
      [0, 10],
      [10, 30],
      [30, 60],
      [60, 100],
      [45, 60],
    ] as const) {
      const stack = stackAt(from);
      assert.equal(rolesOf(wanted(next(stack.values, stack.deployed))).weight, to);
    }
    const stack = new Simulated(values({ ...at(0), ladder: [100, 5, 50] })).up();
    assert.equal(rolesOf(wanted(next(stack.values, stack.deployed))).weight, 5);
  });

  it("stages a candidate first that is not deployed, also where the config gives it weight", () => {
    assert.equal(rolesOf(wanted(next(values(at(30)), undefined))).weight, 0);
    const stack = new Simulated(values({ ...at(0), candidate: "" })).up();
    assert.equal(rolesOf(wanted(next(values(at(60)), stack.deployed))).weight, 0);
  });

  it("takes a step again that failed, and leaves none out", () => {
    const { deployed } = stackAt(10);
    const decision = next(values(at(30)), deployed);
    assert.equal(rolesOf(wanted(decision)).weight, 30);
    assert.match(
      (decision.outcome === "update" ? decision.notes : []).join(),
      /config has weight 30, but 10 is deployed/,
    );
  });

  it("goes to a weight that is asked for, also 0", () => {
    const stack = stackAt(30);
    assert.equal(rolesOf(wanted(next(stack.values, stack.deployed, 45))).weight, 45);
    assert.equal(rolesOf(wanted(next(stack.values, stack.deployed, 0))).weight, 0);
    assert.match(refusal(next(stack.values, stack.deployed, 30)), /already/);
  });

  it("has nothing above 100 but the promotion", () => {
    const stack = stackAt(100);
    assert.match(refusal(next(stack.values, stack.deployed)), /100 %.*npm run rollout -- promote/);
  });

  it("does not raise what was rolled back, until it is resumed", () => {
    const stack = stackAt(30);
    stack.up(wanted(rollback(stack.values, stack.deployed, why)));
    assert.match(refusal(next(stack.values, stack.deployed)), /too slow.*resume/);
    // An older config without the key: the record still knows.
    assert.match(refusal(next(values(at(0)), stack.deployed)), /too slow.*resume/);
    const resumed = wanted(resume(stack.values, stack.deployed, { reason: "fixed", now }));
    assert.equal(rolesOf(wanted(next(resumed, stack.deployed))).weight, 10);
  });

  it("needs a candidate", () => {
    assert.match(refusal(next(values({ ...at(0), candidate: "" }), undefined)), /no candidate/);
  });
});

describe("promote", () => {
  it("sets stable and clears candidate and weight at once", () => {
    const stack = stackAt(100);
    assert.deepEqual(changed(stack, promote(stack.values, stack.deployed)), [
      "- candidate: llm-new",
      "~ stable: llm -> llm-new",
      "- weight: 100",
    ]);
    stack.up(wanted(promote(stack.values, stack.deployed)));
    assert.deepEqual(stack.shares, { "llm-new": 100 });
  });

  it("needs all of the traffic deployed, not only asked for", () => {
    for (const weight of [0, 10, 99]) {
      const { deployed } = stackAt(weight);
      assert.match(refusal(promote(values(at(100)), deployed)), /promotion needs 100/);
    }
    assert.match(refusal(promote(values(at(100)), undefined)), /promotion needs 100/);
  });

  it("does not run over somebody who goes back", () => {
    const { deployed } = stackAt(100);
    assert.match(
      refusal(promote(values(at(0)), deployed)),
      /config has weight 0, but 100 is deployed: someone may have started to go back/,
    );
  });

  it("is refused where the config's stable pool is not the deployed one", () => {
    const { deployed } = stackAt(100);
    assert.match(
      refusal(promote(values({ ...at(100), stable: "other" }), deployed)),
      /config has stable other, but llm is deployed/,
    );
  });
});

describe("rollback", () => {
  it("takes all weight away and latches the candidate with reason and time", () => {
    const stack = stackAt(60);
    assert.deepEqual(changed(stack, rollback(stack.values, stack.deployed, why)), [
      '+ rolledBack: {"candidate":"llm-new","reason":"too slow","time":"2026-11-22T12:00:00Z"}',
      "~ weight: 60 -> 0",
    ]);
    stack.up(wanted(rollback(stack.values, stack.deployed, why)));
    assert.deepEqual(stack.shares, { llm: 100 });
  });

  it("puts the deployed roles back into a config that has others", () => {
    const stack = stackAt(100);
    for (const config of [
      { ...at(0), stable: "llm-new", candidate: "" },
      { ...at(0), candidate: "" },
    ]) {
      const roles = rolesOf(wanted(rollback(values(config), stack.deployed, why)));
      assert.deepEqual(roles, { stable: "llm", candidate: "llm-new", weight: 0 });
    }
  });

  it("needs a rollout", () => {
    const stack = stackAt(100);
    stack.up(wanted(promote(stack.values, stack.deployed)));
    assert.match(refusal(rollback(stack.values, stack.deployed, why)), /rollback --list/);
  });
});

describe("resume", () => {
  it("lets the latched candidate have traffic again, and gives it none", () => {
    const stack = stackAt(30);
    stack.up(wanted(rollback(stack.values, stack.deployed, why)));
    const decision = resume(stack.values, stack.deployed, { reason: "fixed", now });
    assert.deepEqual(changed(stack, decision), [
      '+ resumed: {"candidate":"llm-new","reason":"fixed","time":"2026-11-22T12:00:01Z"}',
    ]);
    assert.deepEqual(latchesHeld(wanted(decision), stack.deployed), []);
    assert.deepEqual(rolesOf(wanted(decision)).weight, 0);
  });

  it("has to be about a candidate that was rolled back", () => {
    const stack = stackAt(30);
    assert.match(
      refusal(resume(stack.values, stack.deployed, { reason: "x", now })),
      /llm-new is not rolled back/,
    );
    stack.up(wanted(rollback(stack.values, stack.deployed, why)));
    assert.match(
      refusal(resume(stack.values, stack.deployed, { reason: "x", now, candidate: "other" })),
      /name one of llm-new/,
    );
  });

  it("can be rolled back again, whatever the clocks say", () => {
    const stack = stackAt(30);
    const early = new Date("2020-01-01T00:00:00Z");
    for (const time of [now, early, early]) {
      stack.up(wanted(rollback(stack.values, stack.deployed, { reason: "again", now: time })));
      assert.equal(latchesHeld(stack.values, stack.deployed).length, 1);
      stack.up(wanted(resume(stack.values, stack.deployed, { reason: "again", now: time })));
      assert.deepEqual(latchesHeld(stack.values, stack.deployed), []);
      stack.up(wanted(next(stack.values, stack.deployed)));
      assert.equal(stack.shares["llm-new"], 10);
    }
  });
});

describe("after rollback --now, which only the live route knows", () => {
  const latch = { candidate: "llm-new", from: 60, reason: "worse answers", time: "2026-11-22T11:00:00Z" };
  /** The stack at 60 %, and its route as the command leaves it. */
  function rolledBackNow(): { stack: Simulated; known: Deployed; route: NonNullable<Observed["route"]> } {
    const stack = stackAt(60);
    assert.ok(stack.deployed !== undefined);
    const backends = [{ pool: "llm", namespace: "default", weight: 100 }];
    const route = { backends, latches: [latch], written: { llm: 100 }, moves: 9 };
    stack.observed = { ...stack.observed, route };
    return { stack, known: withLiveRoute(stack.deployed, stack.observed), route };
  }

  it("next asks for the resumption, and resume knows what it resumes", () => {
    const { stack, known } = rolledBackNow();
    assert.match(refusal(next(stack.values, known)), /rolled back at 2026-11-22T11.*resume --reason WHY/);
    const decision = resume(stack.values, known, { reason: "fixed", now });
    assert.match(changed(stack, decision).join(), /resumed.*llm-new.*fixed/);
    // From the live route's 0 %, not from the 60 % that the last update knows.
    const after = next(wanted(decision), known);
    assert.equal(rolesOf(wanted(after)).weight, 10);
    stack.up(wanted(after));
    assert.match(
      refusal(promote(stackAt(100).values, withLiveRoute(stackAt(100).deployed ?? known, stack.observed))),
      /10 %/,
    );
  });

  it("rollback records it with its reason and its time, unless another reason is given", () => {
    const { stack, known } = rolledBackNow();
    for (const reason of [undefined, "worse answers"]) {
      const said = reason === undefined ? {} : { reason };
      const target = wanted(rollback(stack.values, known, { now, ...said }));
      assert.deepEqual(markOf(target, "rolledBack"), {
        candidate: "llm-new",
        reason: latch.reason,
        time: latch.time,
      });
    }
    const other = wanted(rollback(stack.values, known, { now, reason: "too slow" }));
    assert.equal(markOf(other, "rolledBack")?.reason, "too slow");
    stack.up(wanted(rollback(stack.values, known, { now })));
    assert.deepEqual(stack.deployed?.latches, [latch]);
  });

  it("status says it, and how to record it", () => {
    const { stack } = rolledBackNow();
    const live = {
      outcome: "read",
      observed: stack.observed,
      unconfirmed: [],
      overridden: [],
      waits: [],
    } as const;
    const status = statusOf("prod", stack.values, stack.deployed, live);
    assert.deepEqual(status.latches, [latch]);
    assert.equal(status.next, command("resume --reason WHY"));
    assert.match(
      status.notes.join(),
      /llm-new was rolled back on the live route, and no update has recorded it: npm run rollout -- rollback/,
    );
  });
});

describe("marks that have nothing left to say", () => {
  /** llm-new was rolled back, resumed, and has all of the traffic. */
  function resumedAt100(): Simulated {
    const stack = stackAt(30);
    stack.up(wanted(rollback(stack.values, stack.deployed, why)));
    stack.up(wanted(resume(stack.values, stack.deployed, { reason: "fixed", now })));
    return stack.up(wanted(next(stack.values, stack.deployed, 100)));
  }
  const pools = {
    ...(sourceCase.pools as Record<string, unknown>),
    "llm-3": { accelerator: "nvidia-l4", replicas: 6 },
  };

  it("go with the promotion", () => {
    const stack = resumedAt100();
    stack.up(wanted(promote(stack.values, stack.deployed)));
    assert.equal(markOf(stack.values, "rolledBack"), undefined);
    assert.equal(markOf(stack.values, "resumed"), undefined);
    // What is deployed still knows the latch and its end: an older config with the mark latches nothing anew.
    assert.equal(stack.deployed?.latches.length, 1);
    assert.deepEqual(latchesHeld(stack.values, stack.deployed), []);
  });

  it("do not come back when another candidate is resumed after a promotion by hand", () => {
    const stack = resumedAt100();
    stack.up(withValues(stack.values, { stable: "llm-new", candidate: undefined, weight: undefined }));
    stack.up(withValues(stack.values, { pools, candidate: "llm-3", weight: "0" }));
    stack.up(withValues(stack.values, { weight: "30" }));
    // Rolled back by the route alone, and recorded by weight 0.
    const time = "2026-11-23T00:00:00Z";
    const latch = { candidate: "llm-3", from: 30, reason: "slow", time };
    assert.ok(stack.observed.route !== undefined);
    stack.observed = {
      ...stack.observed,
      route: { ...stack.observed.route, latches: [...(stack.deployed?.latches ?? []), latch] },
    };
    stack.up(withValues(stack.values, { weight: "0" }));
    assert.equal(latchOn("llm-3", stack.values, stack.deployed)?.time, time);
    const later = new Date("2026-11-23T01:00:00Z");
    stack.up(wanted(resume(stack.values, stack.deployed, { reason: "fixed", now: later })));
    assert.equal(markOf(stack.values, "rolledBack"), undefined);
    assert.equal(markOf(stack.values, "resumed")?.candidate, "llm-3");
    stack.up(wanted(next(stack.values, stack.deployed)));
  });

  it("where only the config's keys are written by hand, the printed fix works", () => {
    const stack = resumedAt100();
    stack.up(withValues(stack.values, { stable: "llm-new", candidate: undefined, weight: undefined }));
    const other = { candidate: "llm-3", reason: "fixed", time: "2026-11-23T01:00:00Z" };
    const config = withValues(stack.values, { resumed: other });
    const resolved = resolveValues(config);
    assert.ok(resolved.outcome === "mistakes");
    assert.match(resolved.mistakes.join(), /rolledBack.candidate is llm-new, which is the stable pool/);
    // pulumi config rm rolledBack
    stack.up(withValues(config, { rolledBack: undefined }));
    assert.deepEqual(latchesHeld(stack.values, stack.deployed), []);
  });
});

describe("times of marks", () => {
  it("are now in whole seconds, and later than every mark", () => {
    assert.equal(markTime(values(), undefined, now), "2026-11-22T12:00:00Z");
    const mark = { candidate: "a", reason: "b", time: "2026-11-22T13:30:00+01:00" };
    assert.equal(
      markTime(withValues(values(), { rolledBack: mark }), undefined, now),
      "2026-11-22T12:30:01Z",
    );
  });

  it("that cannot be read permit nothing", () => {
    const config = withValues(values(), {
      rolledBack: { candidate: "llm-new", reason: "r", time: "2026-11-22T12:00:00Z" },
      resumed: { candidate: "llm-new", reason: "r", time: "soon" },
    });
    assert.equal(latchesHeld(config, undefined).length, 1);
  });
});

describe("the waiver for taking a service down", () => {
  it("comes and goes without touching other waivers", () => {
    const config = withValues(values(), { allow: ["edited-in-place"] });
    // The CLI leaves null where a place is skipped.
    const holed = allowDestroy(values({ allow: [null, "frozen@2"] }), true);
    assert.deepEqual(valueOf(holed, "allow"), ["frozen@2", "destroy"]);
    const allowed = allowDestroy(config, true);
    assert.deepEqual(changesBetween(config, allowed).map(describeChange), [
      '~ allow: ["edited-in-place"] -> ["edited-in-place","destroy"]',
    ]);
    assert.deepEqual(changesBetween(allowDestroy(allowed, false), config), []);
    assert.deepEqual(changesBetween(allowDestroy(allowDestroy(values(), true), false), values()), []);
  });
});
