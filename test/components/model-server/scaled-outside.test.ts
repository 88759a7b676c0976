import { ignoredBy, type Registered } from "../../rendering";
import { renderService } from "../../stacks/rendered-service";
import { deployed } from "../../stacks/plan/worlds";
import { sourceCase } from "../../stacks/cases";
import type { Observed } from "../../../stacks/plan/observed";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

/* What is rendered of a pool whose replicas an autoscaler of the user sets. */

const staged = { ...sourceCase, weight: 0 };

function scaled(world: Observed, replicas: number): Observed {
  const autoscaler = { kind: "HorizontalPodAutoscaler", name: "llm", max: 9 } as const;
  return {
    ...world,
    pools: world.pools.map((pool) =>
      pool.name === "llm"
        ? { ...pool, replicas, workloads: [{ kind: "Deployment", name: "llm", replicas, autoscaler }] }
        : pool,
    ),
  };
}

const deployment = (made: readonly Registered[], name: string): Registered => {
  const found = made.find(
    ({ inputs }) =>
      inputs["kind"] === "Deployment" && (inputs["metadata"] as { name?: string }).name === name,
  );
  assert.ok(found !== undefined);
  return found;
};

const nodes = (made: readonly Registered[], name: string): unknown => {
  const found = made.find(
    (one) => one.type === "gcp:container/nodePool:NodePool" && one.name === `${name}-nodes`,
  );
  return found?.inputs["autoscaling"];
};

describe("a pool that is scaled from outside", () => {
  it("leaves the number to the autoscaler, and nodes do not follow it down or up", async () => {
    for (const live of [1, 4, 9]) {
      const made = await renderService(staged, scaled(deployed(staged), live));
      assert.deepEqual(ignoredBy(deployment(made, "llm")), ["spec.replicas"]);
      assert.deepEqual(ignoredBy(deployment(made, "llm-new")), []);
      // Nodes for what the pool needs, and room for the most that the autoscaler asks for.
      assert.deepEqual(nodes(made, "llm"), {
        totalMinNodeCount: 6,
        totalMaxNodeCount: 9,
        locationPolicy: "ANY",
      });
    }
  });

  it("is as before without an autoscaler", async () => {
    const made = await renderService(staged, deployed(staged));
    assert.deepEqual(ignoredBy(deployment(made, "llm")), []);
    assert.deepEqual(nodes(made, "llm"), {
      totalMinNodeCount: 6,
      totalMaxNodeCount: 6,
      locationPolicy: "ANY",
    });
  });
});
