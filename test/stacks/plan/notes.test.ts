import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Observed } from "../../../stacks/plan/observed";
import { at, rolledBack } from "./scenarios";
import { deployed, planned } from "./worlds";

const notes = (config: object, world: Observed): string => planned(config as never, world).notes.join("\n");

describe("an update that goes back by the weight alone", () => {
  it("says that it leaves no latch, and which command does", () => {
    assert.match(
      notes(at(0), deployed(at(0), at(30))),
      /llm-new is not latched: .*npm run rollout -- rollback/,
    );
  });

  it("says nothing of it where it latches, stays above 0, or nothing moves", () => {
    const world = deployed(at(0), at(30));
    for (const config of [{ ...at(0), rolledBack }, at(10), at(60)])
      assert.doesNotMatch(notes(config, world), /not latched/);
    assert.doesNotMatch(notes(at(0), deployed(at(0))), /not latched/);
  });
});

describe("a stack with rights in its namespaces only", () => {
  const config = { ...at(0), clusterScoped: false };

  it("says what is lost, until a platform stack has it", () => {
    const world = deployed(at(0));
    assert.match(notes(config, world), /does not refuse to delete pools and the route/);
    const guard = {
      group: "admissionregistration.k8s.io",
      kind: "ValidatingAdmissionPolicy",
      name: "default-llm-traffic-guard",
      service: "llm",
      owner: { id: "p", stack: "acme/inference-rollout/platform" },
      managers: [],
    };
    const guarded: Observed = { ...world, claims: [{ object: guard, whose: "theirs" }] };
    assert.doesNotMatch(notes(config, guarded), /does not refuse/);
    assert.deepEqual(planned(config, guarded).refusals, []);
  });
});
