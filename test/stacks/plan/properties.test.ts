import type { Observed } from "../../../stacks/plan/observed";
import type { Plan } from "../../../stacks/plan/model";
import type { RawConfig } from "../../../stacks/config/parse";
import { liveShares, shareIn } from "../../../stacks/plan/shares";
import { after, serviceConfig, planFor } from "../cases";
import { RandomWalks } from "./random-walk";
import assert from "node:assert/strict";
import { describe } from "node:test";
import fc from "fast-check";
import { propertyRuns } from "../../property-runs";

/*
 * Whatever people do to the config, in whatever order, and wherever an update breaks off: no plan that is carried
 * out takes a pool away from the customers who are connected to it.
 */

const names = ["llm", "llm-new", "llm-third"] as const;
const accelerators = ["nvidia-l4", "nvidia-h100-80gb", "nvidia-a100-80gb"] as const;

interface Edit {
  stable: (typeof names)[number];
  candidate: (typeof names)[number] | "";
  weight: number;
  accelerator: (typeof accelerators)[number];
  replicas: number;
  objectives: { name: string; priority: number }[];
  allow: "edited-in-place"[];
}

const edit: fc.Arbitrary<Edit> = fc
  .record({
    stable: fc.constantFrom(...names),
    candidate: fc.constantFrom("" as const, ...names),
    weight: fc.oneof(fc.constantFrom(0, 10, 60, 100), fc.integer({ min: 0, max: 100 })),
    accelerator: fc.constantFrom(...accelerators),
    replicas: fc.integer({ min: 1, max: 8 }),
    objectives: fc.constantFrom<Edit["objectives"][]>([], [{ name: "batch", priority: -10 }]),
    allow: fc.constantFrom<Edit["allow"][]>([], ["edited-in-place"]),
  })
  // What validation refuses never reaches the plan.
  .filter(({ stable, candidate }) => stable !== candidate)
  .map((found) => (found.candidate === "" ? { ...found, weight: 0 } : found));

/** How far an update comes: all the way, or broken off with the route moved or not. */
const outcome = fc.constantFrom(
  "succeeds",
  "succeeds",
  "succeeds",
  "breaks before the route",
  "breaks after the route",
);

function rawOf(found: Edit): RawConfig {
  return {
    model: "Qwen/Qwen3-8B",
    stable: found.stable,
    candidate: found.candidate,
    weight: found.weight,
    objectives: found.objectives,
    allow: found.allow,
    pools: Object.fromEntries(
      names.map((name) => [
        name,
        { accelerator: name === "llm-third" ? found.accelerator : "nvidia-l4", replicas: found.replicas },
      ]),
    ),
  };
}

/** The world after an update that was begun; removals come last, as the engine does them. */
function carriedOut(raw: RawConfig, done: Plan, before: Observed, how: string): Observed {
  const config = serviceConfig(raw);
  const complete = after(config, done, before, how === "succeeds");
  if (how === "succeeds") return complete;
  const made = complete.pools.filter(({ name }) => !before.pools.some((pool) => pool.name === name));
  const pools = [...before.pools, ...made];
  const route = how === "breaks after the route" ? complete.route : before.route;
  return {
    pools,
    namespaces: { ...before.namespaces, ...complete.namespaces },
    ...(route === undefined ? {} : { route }),
    ...(before.record === undefined ? {} : { record: before.record }),
  };
}

const runs = propertyRuns(3000);

const walks = new RandomWalks({ edit, outcome, rawOf, carriedOut, longest: 12, runs });

describe("no sequence of edits and failures", () => {
  walks.hold(
    "removes a pool that has traffic, by the live route or by the record",
    ({ before, done }, seen) => {
      for (const { name } of done.removed) {
        seen("removals");
        assert.equal(shareIn(liveShares(before), name), 0, name);
        assert.equal(before.record?.weights[name] ?? 0, 0, name);
      }
    },
    { removals: 1 / 20 },
  );

  walks.hold("sends traffic to a pool that the same plan does not keep", ({ done }) => {
    const kept = new Set(done.pools.map(({ pool }) => pool.name));
    for (const { pool, weight } of done.backends) {
      assert.ok(kept.has(pool), pool);
      assert.ok(weight > 0);
    }
    assert.equal(
      done.backends.reduce((sum, { weight }) => sum + weight, 0),
      100,
    );
  });

  walks.hold(
    "gives a pool more traffic than it has without its being the candidate that is asked for proof, or the stable pool that gets its own back",
    ({ before, done }) => {
      const now = liveShares(before);
      const next = done.shares;
      if (Object.keys(now).length === 0) return;
      for (const [name, share] of Object.entries(next)) {
        if (share <= shareIn(now, name) + 0.01) continue;
        const proves = name === done.candidate?.name && done.candidateRises;
        const own = name === done.stable.name && before.record?.stable === name;
        assert.ok(proves || own, `${name} from ${shareIn(now, name)} to ${share}`);
      }
    },
  );

  walks.hold(
    "makes a pool the stable one while the stable pool before it still has traffic",
    ({ before, done }, seen) => {
      const was = before.record?.stable;
      if (was === undefined || was === done.stable.name) return;
      seen("promotions");
      assert.equal(shareIn(liveShares(before), was), 0, `${was} was stable, now ${done.stable.name}`);
    },
    { promotions: 1 / 100 },
  );

  walks.hold(
    "moves a pool to another namespace, or changes what it is made of while it has traffic",
    ({ before, done }) => {
      for (const { pool, namespace, identity } of done.pools) {
        const live = before.pools.find(({ name }) => name === pool.name);
        if (live === undefined) continue;
        assert.equal(namespace, live.namespace);
        if (pool.name in liveShares(before)) assert.deepEqual(identity, live.identity);
      }
    },
  );

  walks.hold(
    "leaves no way back: from every reachable world some config is carried out",
    ({ before, done, raw }) => {
      const world = carriedOut(raw, done, before, "succeeds");
      const again = planFor(serviceConfig({ ...raw, allow: [] }), world);
      assert.deepEqual(again.refusals, []);
      // What only stayed because the update went back goes with the next one; nothing else does.
      const roles = new Set([done.stable.name, done.candidate?.name]);
      const leaving = done.pools.map(({ pool }) => pool.name).filter((name) => !roles.has(name));
      assert.deepEqual(
        again.removed.map(({ name }) => name).filter((name) => !leaving.includes(name)),
        [],
      );
      assert.deepEqual(again.backends, done.backends);
    },
  );
});
