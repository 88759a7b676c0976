import { capacityStages, plannedSize, replicasFor, sizeAt } from "../../../stacks/plan/sizing";
import type { Capacity } from "../../../stacks/plan/service-config";
import { nothingDeployed, type Plan } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { after, serviceConfig, sourceCase, planFor } from "../cases";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";

const following: Capacity = { mode: "follow-weight", headroom: 1, rollbackReserve: 0.5 };

describe("replicas for a share", () => {
  for (const [replicas, share, headroom, needed] of [
    [6, 0, 1, 1],
    [6, 1, 1, 1],
    [6, 50, 1, 3],
    [6, 51, 1, 4],
    [6, 100, 1, 6],
    [10, 30, 1, 3],
    [10, 30, 1.25, 4],
    [6, 90, 3, 6],
    [1, 1, 1, 1],
    [0, 50, 1, 1],
  ] as const) {
    it(`${share} % of ${replicas} with headroom ${headroom} are ${needed}`, () => {
      assert.equal(replicasFor(replicas, share, headroom), needed);
    });
  }

  it("never shrinks with the share, never exceeds the pool, never is none", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: 99 }),
        fc.double({ min: 1, max: 3, noNaN: true }),
        (replicas, share, headroom) => {
          const [less, more] = [
            replicasFor(replicas, share, headroom),
            replicasFor(replicas, share + 1, headroom),
          ];
          assert.ok(1 <= less && less <= more && more <= replicas);
          assert.ok(less >= (replicas * share) / 100 - 1e-5);
        },
      ),
    );
  });
});

describe("the size of a pool", () => {
  it("is all of it in the mode full, at every weight", () => {
    for (const weight of [0, 10, 100]) {
      for (const role of ["stable", "candidate"] as const) {
        assert.equal(sizeAt(role, 6, weight, { ...following, mode: "full" }), 6);
      }
    }
  });

  it("follows the weight, with a reserve on the stable pool", () => {
    const sizes = [0, 10, 30, 60, 100].map((weight) => [
      sizeAt("stable", 6, weight, following),
      sizeAt("candidate", 6, weight, following),
    ]);
    assert.deepEqual(sizes, [
      [6, 1],
      [6, 1],
      [5, 2],
      [3, 4],
      [3, 6],
    ]);
  });

  it("is at least one also without a reserve", () => {
    assert.equal(sizeAt("stable", 6, 100, { ...following, rollbackReserve: 0 }), 1);
  });

  it("is the largest that any evidence asks for", () => {
    assert.equal(plannedSize("candidate", 6, 0, [60, 0], following), 4);
    assert.equal(plannedSize("candidate", 6, 0, [0, 100], following), 6);
    assert.equal(plannedSize("candidate", 6, 30, [0, 0], following), 2);
    // A larger size in the config does not come of a share.
    assert.equal(plannedSize("stable", 3, 100, [100], following), 3);
  });
});

describe("a rollout whose capacity follows its weight", () => {
  const pools = {
    llm: { accelerator: "nvidia-l4", replicas: 6 },
    "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 2, acceleratorsPerReplica: 2 },
  };
  const at = (weight: number): RawConfig => ({
    ...sourceCase,
    pools,
    weight,
    capacity: { mode: "follow-weight", rollbackReserve: 0.5 },
  });
  const sizesOf = (done: Plan): number[] => done.pools.map(({ replicas }) => replicas);

  /** Each config carried out once, and once more. */
  function sizesOver(...weights: number[]): [number, number[], number[]][] {
    let world: Observed = nothingDeployed;
    return weights.map((weight) => {
      const config = serviceConfig(at(weight));
      const first = planFor(config, world);
      assert.deepEqual(first.refusals, []);
      world = after(config, first, world);
      const second = planFor(config, world);
      world = after(config, second, world);
      return [weight, sizesOf(first), sizesOf(second)];
    });
  }

  it("grows before the route moves and shrinks in the update after it, up and down the ladder", () => {
    assert.deepEqual(sizesOver(0, 30, 60, 100, 0), [
      [0, [6, 1], [6, 1]],
      [30, [6, 1], [5, 1]],
      [60, [5, 2], [3, 2]],
      [100, [3, 2], [3, 2]],
      [0, [6, 2], [6, 1]],
    ]);
  });

  it("tells when pulumi up once more will shrink something", () => {
    const staged = serviceConfig(at(0));
    const world = after(staged, planFor(staged, nothingDeployed));
    const notes = planFor(serviceConfig(at(60)), world).notes;
    assert.deepEqual(notes, [
      "pool llm keeps 6 replicas until the gateway confirms that its traffic has moved; another pulumi up reduces it to 3",
    ]);
  });

  it("does not shrink after an update that the gateway did not confirm", () => {
    const staged = serviceConfig(at(0));
    const before = after(staged, planFor(staged, nothingDeployed));
    const raised = serviceConfig(at(60));
    const unconfirmed = after(raised, planFor(raised, before), before, false);
    assert.deepEqual(sizesOf(planFor(raised, unconfirmed)), [6, 2]);
  });

  it("says what each stage of the ladder needs, and the most on the way to it", () => {
    const config = serviceConfig(at(30));
    assert.deepEqual(
      capacityStages(config, planFor(config, nothingDeployed)).map(({ weight, accelerators, onTheWay }) => [
        weight,
        accelerators,
        onTheWay,
      ]),
      [
        [0, { "nvidia-l4": 6, "nvidia-h100-80gb": 2 }, { "nvidia-l4": 6, "nvidia-h100-80gb": 2 }],
        [10, { "nvidia-l4": 6, "nvidia-h100-80gb": 2 }, { "nvidia-l4": 6, "nvidia-h100-80gb": 2 }],
        [30, { "nvidia-l4": 5, "nvidia-h100-80gb": 2 }, { "nvidia-l4": 6, "nvidia-h100-80gb": 2 }],
        [60, { "nvidia-l4": 3, "nvidia-h100-80gb": 4 }, { "nvidia-l4": 5, "nvidia-h100-80gb": 4 }],
        [100, { "nvidia-l4": 3, "nvidia-h100-80gb": 4 }, { "nvidia-l4": 3, "nvidia-h100-80gb": 4 }],
      ],
    );
  });

  it("asks every pool that rises for what its new share needs", () => {
    const shifted = serviceConfig(at(100));
    const world = after(shifted, planFor(shifted, nothingDeployed));
    assert.deepEqual(planFor(serviceConfig(at(30)), world).rising, [
      { pool: "llm", namespace: "default", share: 70, needs: 5 },
    ]);
  });

  it("waits for nothing of a pool that loses traffic", () => {
    const shifted = serviceConfig(at(60));
    const world = after(shifted, planFor(shifted, nothingDeployed));
    const waits = (weight: number): string[] =>
      planFor(serviceConfig(at(weight)), world)
        .pools.filter(({ beforeRoute }) => beforeRoute)
        .map(({ pool }) => pool.name);
    assert.deepEqual(waits(60), ["llm", "llm-new"]);
    assert.deepEqual(waits(0), ["llm"]);
    assert.deepEqual(waits(100), ["llm-new"]);
  });

  it("goes back to a stable pool that cannot be ready only when told to", () => {
    const shifted = serviceConfig(at(60));
    const world = after(shifted, planFor(shifted, nothingDeployed));
    assert.equal(planFor(serviceConfig(at(0)), world).rising.length, 1);
    const waived = planFor(serviceConfig({ ...at(0), allow: ["unready-stable"] }), world);
    assert.deepEqual(waived.rising, []);
    assert.deepEqual(waived.waived, ["unready-stable"]);
    assert.deepEqual(
      waived.pools.map(({ beforeRoute }) => beforeRoute),
      [false, false],
    );
    // It counts for one update.
    const next = after(serviceConfig({ ...at(0), allow: ["unready-stable"] }), waived, world);
    const route = { ...next.route, backends: world.route?.backends ?? [] };
    assert.equal(
      planFor(serviceConfig({ ...at(0), allow: ["unready-stable"] }), { ...next, route }).rising.length,
      1,
    );
  });

  it("does not lose replicas that the config takes away in the update that moves the traffic", () => {
    const shifted = serviceConfig({ ...at(60), capacity: { mode: "full" } });
    const world = after(shifted, planFor(shifted, nothingDeployed));
    const smaller = { ...pools, llm: { ...pools.llm, replicas: 3 } };
    assert.deepEqual(sizesOf(planFor(serviceConfig({ ...at(100), pools: smaller }), world)), [6, 2]);
  });
});
