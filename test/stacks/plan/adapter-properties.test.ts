import { shareIn } from "../../../stacks/plan/shares";
import { adapterListFor, versionShares, versionsToProve } from "../../../stacks/plan/adapter-versions";
import { rulesFor } from "../../../stacks/plan/client-names";
import type { Observed } from "../../../stacks/plan/observed";
import type { Plan } from "../../../stacks/plan/model";
import type { RawConfig } from "../../../stacks/config/parse";
import { adapterCase } from "../adapter-cases";
import { after, serviceConfig, planFor } from "../cases";
import { RandomWalks } from "./random-walk";
import assert from "node:assert/strict";
import { describe } from "node:test";
import fc from "fast-check";
import { propertyRuns } from "../../property-runs";

/*
 * Whatever people do to adapters, pools and weights, in whatever order, and wherever an update breaks off: no
 * request is sent to a version that is not loaded, and no name that clients use loses its answer.
 */

const versions = ["v1", "v2", "v3"] as const;
type Version = (typeof versions)[number];

interface Edit {
  version: Version;
  candidate: Version | undefined;
  weight: number;
  pool: "" | "llm-new";
  poolWeight: number;
  promoted: boolean;
  keep: boolean;
}

const weight = fc.oneof(fc.constantFrom(0, 0, 10, 50, 100), fc.integer({ min: 0, max: 100 }));
const edit: fc.Arbitrary<Edit> = fc
  .record({
    version: fc.constantFrom(...versions),
    candidate: fc.option(fc.constantFrom(...versions), { nil: undefined }),
    weight,
    pool: fc.constantFrom("" as const, "" as const, "llm-new" as const),
    poolWeight: weight,
    promoted: fc.boolean(),
    keep: fc.constantFrom(true, true, true, false),
  })
  // What validation refuses never reaches the plan.
  .filter(({ version, candidate }) => version !== candidate);

const outcome = fc.constantFrom(
  ...(["succeeds", "succeeds", "succeeds", "breaks before the rewrite", "breaks after the rewrite"] as const),
);

function rawOf(found: Edit): RawConfig {
  const source = (version: string): string => `acme/food-review-${version}`;
  const adapter = {
    version: found.version,
    source: source(found.version),
    ...(found.candidate === undefined
      ? {}
      : {
          candidate: { version: found.candidate, source: source(found.candidate) },
          weight: found.weight,
        }),
  };
  const pools = found.promoted ? { stable: "llm-new", candidate: "" } : { candidate: found.pool };
  const raw = adapterCase(adapter, {
    ...pools,
    ...(pools.candidate === "" ? {} : { weight: found.poolWeight }),
  });
  return found.keep ? raw : { ...raw, adapters: [] };
}

/** The list is changed first, then the rewrite, then the route; removals come last. */
function carriedOut(raw: RawConfig, done: Plan, before: Observed, how: string): Observed {
  const complete = after(serviceConfig(raw), done, before, how === "succeeds");
  if (how === "succeeds") return complete;
  const made = complete.pools.filter(({ name }) => !before.pools.some((pool) => pool.name === name));
  const rewrites = how === "breaks after the rewrite" ? complete.rewrites : before.rewrites;
  return {
    pools: [...before.pools, ...made],
    namespaces: { ...before.namespaces, ...complete.namespaces },
    ...(rewrites === undefined ? {} : { rewrites }),
    ...(before.route === undefined ? {} : { route: before.route }),
    ...(before.record === undefined ? {} : { record: before.record }),
  };
}

const runs = propertyRuns(1500);

const walks = new RandomWalks({ edit, outcome, rawOf, carriedOut, longest: 10, runs });

describe("no sequence of edits of adapters and failures", () => {
  walks.hold(
    "unloads a version that a live rule sends requests to",
    ({ before, done, raw }, seen) => {
      const config = serviceConfig(raw);
      for (const { pool } of done.pools) {
        const listed = new Set(adapterListFor(config, pool)?.adapters.map(({ name }) => name));
        for (const served of Object.keys(versionShares(before, pool.name, "food-review")))
          assert.ok(listed.has(served), served);
        const recorded = before.record?.adapters?.["food-review"];
        if (recorded !== undefined && !listed.has(`food-review-${recorded.version}`)) seen("unloaded");
      }
    },
    { unloaded: 1 / 300 },
  );

  walks.hold(
    "sends requests to a version that is not on the list, or gives one more that is neither proven nor went back to",
    ({ before, done, raw }) => {
      const config = serviceConfig(raw);
      for (const { pool } of done.pools) {
        const listed = new Set(adapterListFor(config, pool)?.adapters.map(({ name }) => name));
        const proven = new Set(versionsToProve(config, before, pool));
        const live = versionShares(before, pool.name, "food-review");
        const record = before.record?.adapters?.["food-review"];
        for (const { model, targets } of rulesFor(config, pool)) {
          if (model !== "food-review") continue;
          assert.equal(
            targets.reduce((sum, target) => sum + target.weight, 0),
            100,
          );
          for (const target of targets) {
            assert.ok(target.weight > 0 && listed.has(target.model));
            if (target.weight <= shareIn(live, target.model) + 0.01) continue;
            const own = record !== undefined && target.model === `food-review-${record.version}`;
            assert.ok(proven.has(target.model) || own, target.model);
          }
        }
      }
    },
  );

  walks.hold(
    "changes the list while a pool is rolled out, or drops the name without being told so",
    ({ before, raw }) => {
      const config = serviceConfig(raw);
      if (before.record?.names?.includes("food-review") === true) assert.equal(config.adapters.length, 1);
      if (config.candidate === undefined || before.record?.candidate !== config.candidate) return;
      const [adapter] = config.adapters;
      const record = before.record.adapters?.["food-review"];
      assert.equal(adapter?.stable.version, record?.version);
      assert.equal(adapter?.candidate?.version, record?.candidate?.version);
    },
  );

  walks.hold(
    "leaves no way back: from every reachable world some config is carried out",
    ({ before, done, raw }) => {
      const world = carriedOut(raw, done, before, "succeeds");
      assert.deepEqual(planFor(serviceConfig(raw), world).refusals, []);
    },
  );
});
