import { fixText } from "../../../stacks/messages/edits";
import { withoutTheList } from "../../../stacks/plan/rising";
import type { Observed } from "../../../stacks/plan/observed";
import { serviceConfig, sourceCase, planFor } from "../cases";
import { deployed } from "./worlds";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

const at = (weight: number, more: object = {}): typeof sourceCase => ({ ...sourceCase, weight, ...more });
const allow = ["stable-names"];

describe("asking the stable pool for its names", () => {
  const waived = (weight: number, world: Observed, more: object = {}): readonly string[] => {
    const planned = planFor(serviceConfig(at(weight, { allow, ...more })), world);
    assert.deepEqual(planned.refusals, []);
    return planned.waived;
  };

  it("is the gate's: the plan refuses nothing for it", () => {
    assert.deepEqual(planFor(serviceConfig(at(30)), deployed(at(0))).refusals, []);
  });

  it("is waived for a raise, once", () => {
    assert.deepEqual(waived(30, deployed(at(0))), allow);
    assert.deepEqual(waived(60, deployed(at(0), at(30, { allow }))), []);
  });

  it("has nothing to do with going back, or with what the gate does not ask", () => {
    assert.deepEqual(waived(0, deployed(at(0), at(60))), []);
    assert.deepEqual(waived(30, deployed(at(0), at(60))), []);
    assert.deepEqual(waived(30, deployed(at(0)), { gate: { via: "api-server" } }), []);
    assert.deepEqual(waived(30, deployed(at(0)), { gate: { names: "declared" } }), []);
  });

  it("has a way on that works as typed: another place in allow, or another word where it was used", () => {
    const way = (named: readonly string[], used: readonly string[] = []): string =>
      fixText(withoutTheList({ named, used }));
    assert.match(way([]), /^pulumi config set --path 'allow\[0\]' stable-names \(for one update\), or /);
    assert.match(way(["frozen"]), /^pulumi config set --path 'allow\[1\]' stable-names/);
    assert.match(way(["frozen", "stable-names"]), /^pulumi config set --path 'allow\[1\]' stable-names@2 /);
    assert.match(
      way([], ["stable-names", "stable-names@2"]),
      /^pulumi config set --path 'allow\[0\]' stable-names@3 /,
    );
  });
});
