import { nothingDeployed, type Plan } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { after, serviceConfig, sourceCase, planFor } from "../cases";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

function update(raw: RawConfig, world: Observed = nothingDeployed, succeeds = true): [Plan, Observed] {
  const config = serviceConfig(raw);
  const planned = planFor(config, world);
  return [planned, after(config, planned, world, succeeds)];
}

const at = (weight: number): RawConfig => ({ ...sourceCase, weight });

describe("the last move", () => {
  it("has the weight before the change and after it", () => {
    const [first, world] = update(at(10));
    assert.deepEqual(first.move, {
      stable: "llm",
      candidate: "llm-new",
      weight: 10,
      previousWeight: 0,
      removed: [],
    });
    assert.equal(update(at(30), world)[0].move.previousWeight, 10);
  });

  it("stays as it is while nothing changes, so that a second update has nothing to do", () => {
    let [planned, world] = update(at(10));
    for (const weight of [30, 100, 0, 60]) {
      [planned, world] = update(at(weight), world);
      const [again, worldAgain] = update(at(weight), world);
      assert.deepEqual(again.move, planned.move);
      assert.deepEqual(update(at(weight), worldAgain)[0].move, planned.move);
    }
  });

  it("names what a promotion removes, and keeps naming it", () => {
    const [, world] = update(at(100), update(at(60))[1]);
    const promoted = { ...sourceCase, stable: "llm-new", candidate: "", weight: 0 };
    const [planned, later] = update(promoted, world);
    assert.deepEqual(planned.move, {
      stable: "llm-new",
      weight: 0,
      previousWeight: 0,
      removed: [{ pool: "llm", share: 0 }],
    });
    assert.deepEqual(update(promoted, later)[0].move, planned.move);
  });

  it("tells of a removal under traffic by any evidence", () => {
    const [, world] = update(at(30));
    const without: Record<string, unknown> = { ...sourceCase };
    delete without["candidate"];
    delete without["weight"];
    const [planned] = update(without, world);
    assert.deepEqual(planned.move.removed, [{ pool: "llm-new", share: 30 }]);
    assert.deepEqual(
      update(without, {
        ...world,
        route: { backends: [{ pool: "llm", namespace: "default", weight: 1 }] },
      })[0].move.removed,
      [{ pool: "llm-new", share: 30 }],
    );
  });

  it("takes a step that failed half-way for the whole step when it is tried again", () => {
    const [, ten] = update(at(10));
    // The route was written at 60, the record was not.
    const [, halfway] = update(at(60), ten, false);
    assert.equal(update(at(60), halfway)[0].move.previousWeight, 10);
  });
});
