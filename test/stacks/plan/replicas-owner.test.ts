import { fixText } from "../../../stacks/messages/edits";
import type { Observed, ObservedPool, ObservedWorkload } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { after, serviceConfig, sourceCase } from "../cases";
import { deployed, planned } from "./worlds";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";

/* Pools of this stack whose number of replicas somebody else sets: an autoscaler that the user made. */

const at = (weight: number, more: RawConfig = {}): RawConfig => ({ ...sourceCase, weight, ...more });
const hpa = { kind: "HorizontalPodAutoscaler", name: "llm", max: 9 } as const;

/** The same world with a pool that an autoscaler has set to so many replicas. */
function scaled(
  world: Observed,
  name: string,
  replicas: number,
  autoscaler: ObservedWorkload["autoscaler"] | null = hpa,
): Observed {
  const workloads = [
    { kind: "Deployment", name, replicas, ...(autoscaler === null ? {} : { autoscaler }) },
  ] as ObservedWorkload[];
  return {
    ...world,
    pools: world.pools.map((pool): ObservedPool =>
      pool.name === name ? { ...pool, replicas, readyReplicas: replicas, workloads } : pool,
    ),
  };
}

const sizes = (raw: RawConfig, world: Observed): Record<string, [number, number]> =>
  Object.fromEntries(
    planned(raw, world).pools.map(({ pool, replicas, settled }) => [pool.name, [replicas, settled]]),
  );

describe("a pool whose replicas an autoscaler of the user sets", () => {
  const world = deployed(at(0), at(10));

  it("keeps the live number, whether that is more or less than the config says", () => {
    for (const live of [1, 4, 9]) {
      assert.deepEqual(sizes(at(10), scaled(world, "llm", live))["llm"], [live, live]);
    }
    // Without one the config's number comes back.
    assert.deepEqual(sizes(at(10), scaled(world, "llm", 4, null))["llm"], [6, 6]);
  });

  it("is found by itself; the config can say so, or that the stack sets the number", () => {
    const owner = (replicasOwner: string): RawConfig => ({
      pools: { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, replicasOwner } },
    });
    assert.deepEqual(sizes(at(10, owner("external")), scaled(world, "llm", 4, null))["llm"], [4, 4]);
    assert.deepEqual(sizes(at(10, owner("stack")), scaled(world, "llm", 4))["llm"], [6, 6]);
    const found = planned(at(10), scaled(world, "llm", 4)).pools.find(({ pool }) => pool.name === "llm");
    assert.equal(found?.scaledBy, "HorizontalPodAutoscaler llm");
    assert.equal(found.scaledTo, 9);
  });

  it("does not pass to a pool that is like it: nothing scales that one yet", () => {
    const pools = {
      llm: { ...sourceCase.pools.llm, replicasOwner: "external" },
      "llm-new": { ...sourceCase.pools["llm-new"], like: "llm" },
    };
    const candidate = serviceConfig(at(0, { pools })).pools["llm-new"];
    assert.ok(candidate?.existing === false);
    assert.equal(candidate.replicasOwner, undefined);
  });

  it("begins with the config's number where the pool is new", () => {
    const pools = {
      ...sourceCase.pools,
      "llm-new": { ...sourceCase.pools["llm-new"], replicasOwner: "external" },
    };
    assert.deepEqual(
      sizes(at(0, { pools }), deployed({ ...at(0), candidate: "", weight: 0 }))["llm-new"],
      [2, 2],
    );
  });

  it("is not scaled by capacity follow-weight, nor noted as scaled by hand", () => {
    const capacity = { mode: "follow-weight" };
    const small = scaled(deployed(at(0, { capacity }), at(60, { capacity })), "llm", 5);
    const done = planned(at(60, { capacity }), small);
    assert.deepEqual(done.refusals, []);
    assert.deepEqual(sizes(at(60, { capacity }), small)["llm"], [5, 5]);
    assert.doesNotMatch(done.notes.join("\n"), /scaled it by hand|keeps 5 replicas/);
  });

  it("is not given a share that its live replicas cannot carry; the fix names the autoscaler and the step", () => {
    const shifted = scaled(deployed(at(0), at(60), at(100)), "llm", 2);
    const [refusal, ...more] = planned(at(0), shifted).refusals;
    assert.deepEqual(more, []);
    assert.equal(refusal?.rule, "existing-pool-too-small");
    assert.match(
      refusal.found,
      /pool llm is scaled to 2 replicas \(2 ready\), but pools\.llm\.replicas says that it needs 6.*HorizontalPodAutoscaler llm sets its replicas/,
    );
    const fix = fixText(refusal.fix);
    assert.match(
      fix,
      /kubectl patch horizontalpodautoscaler llm -n default --type merge -p '\{"spec":\{"minReplicas":6\}\}'/,
    );
    assert.match(
      fix,
      /as far as its ready replicas can serve \(33 %\): pulumi config set weight 67 && pulumi up$/,
    );
    assert.equal(refusal.waiver, "unready-stable");
    assert.deepEqual(planned(at(0, { allow: ["unready-stable"] }), shifted).refusals, []);
    // The step that it names, and the rest once the autoscaler has grown it.
    const step = planned(at(67), shifted);
    assert.deepEqual(step.refusals, []);
    assert.deepEqual(planned(at(0), scaled(shifted, "llm", 6)).refusals, []);
  });

  it("is warned about when its traffic leaves it, and while it is too small for going back", () => {
    const leaving = planned(at(100), scaled(deployed(at(0), at(60)), "llm", 6));
    assert.match(
      leaving.notes.join("\n"),
      /HorizontalPodAutoscaler llm may scale down pool llm .* needs 6 replicas/,
    );
    const small = planned(at(100), scaled(deployed(at(0), at(60), at(100)), "llm", 1));
    assert.match(
      small.notes.join("\n"),
      /pool llm is scaled to 1 replica and needs 6 for all of the traffic/,
    );
  });

  it("as a candidate gets no more than its live replicas carry", () => {
    const small = scaled(deployed(at(0)), "llm-new", 1, { ...hpa, name: "llm-new" });
    assert.deepEqual(planned(at(50), small).refusals, []);
    const [refusal] = planned(at(60), small).refusals;
    assert.equal(refusal?.rule, "existing-pool-too-small");
    assert.equal(refusal.waiver, undefined);
    assert.match(
      fixText(refusal.fix),
      /go as far as its ready replicas can serve: pulumi config set weight 50/,
    );
  });

  it("is never planned at another number than the live one, on any way through the ladder", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 9 })), {
          maxLength: 8,
        }),
        (steps) => {
          let now = deployed(at(0));
          for (const [weight, live] of steps) {
            const here = scaled(now, "llm", live);
            const done = planned(at(weight), here);
            assert.deepEqual(sizes(at(weight), here)["llm"], [live, live]);
            if (done.refusals.length > 0) continue;
            // Whatever share it gets more of is a share that its replicas carry.
            for (const { pool, needs = 0 } of done.rising) if (pool === "llm") assert.ok(needs <= live);
            now = after(serviceConfig(at(weight)), done, here);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a pool whose replicas the stack's own autoscaler sets", () => {
  const pools = { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, autoscaling: { max: 12 } } };
  const grown = (world: Observed): Observed => scaled(world, "llm", 10, null);

  it("has the plan's size as its minimum, also in an update that moves the route while it has grown", () => {
    const world = grown(deployed(at(0, { pools }), at(10, { pools })));
    for (const weight of [10, 30, 0, 100]) {
      const done = planned(at(weight, { pools }), world);
      assert.deepEqual(done.refusals, []);
      assert.deepEqual(sizes(at(weight, { pools }), world)["llm"], [6, 6]);
      assert.doesNotMatch(done.notes.join("\n"), /scaled it by hand|keeps .* replicas/);
    }
  });

  it("keeps the minimum that the last update set until the route has moved", () => {
    const capacity = { mode: "follow-weight", rollbackReserve: 0.5 };
    const world = grown(deployed(at(0, { pools, capacity })));
    assert.deepEqual(sizes(at(60, { pools, capacity }), world)["llm"], [6, 3]);
    assert.match(
      planned(at(60, { pools, capacity }), world).notes.join("\n"),
      /llm keeps at least 6 replicas/,
    );
    const moved = grown(deployed(at(0, { pools, capacity }), at(60, { pools, capacity })));
    assert.deepEqual(sizes(at(60, { pools, capacity }), moved)["llm"], [3, 3]);
  });
});
