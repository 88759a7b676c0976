import { afterOutcome, timingOf, unprobed, type ProbeState, type ProbeTiming } from "./prober";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";

const timing = (successThreshold: number, failureThreshold: number): ProbeTiming =>
  timingOf({ successThreshold, failureThreshold });

function after(outcomes: readonly boolean[], thresholds: ProbeTiming): ProbeState {
  return outcomes.reduce((state, ok) => afterOutcome(state, ok, "", thresholds), unprobed);
}

describe("a probe's verdict", () => {
  it("has Kubernetes' defaults", () => {
    assert.deepEqual(timingOf({}), {
      ...{ initialDelayMs: 0, periodMs: 10_000, timeoutMs: 1000, successThreshold: 1, failureThreshold: 3 },
    });
  });

  it("changes at its threshold and not before", () => {
    const three = timing(1, 3);
    assert.equal(after([true, false, false], three).passing, true);
    assert.equal(after([true, false, false, false], three).passing, false);
    assert.equal(after([true, false, false, true, false, false], three).passing, true);
    assert.equal(after([false, false, true], timing(2, 3)).passing, undefined);
    assert.equal(after([false, true, true], timing(2, 3)).passing, true);
  });

  it("always follows a run that is as long as its threshold", () => {
    const thresholds = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(
        fc.array(fc.boolean()),
        fc.boolean(),
        thresholds,
        thresholds,
        (outcomes, ok, success, failure) => {
          const run = Array.from({ length: ok ? success : failure }, () => ok);
          assert.equal(after([...outcomes, ...run], timing(success, failure)).passing, ok);
        },
      ),
    );
  });

  it("never changes by a run that is shorter", () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 30 }),
        fc.integer({ min: 2, max: 5 }),
        (outcomes, failure) => {
          const state = after([...outcomes, true], timing(1, failure));
          const shorter = Array.from({ length: failure - 1 }, () => false);
          const next = shorter.reduce((s, ok) => afterOutcome(s, ok, "", timing(1, failure)), state);
          assert.equal(next.passing, true);
        },
      ),
    );
  });
});
