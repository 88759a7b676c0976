import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Observed } from "../../../stacks/plan/observed";
import { after, planFor, serviceConfig, sourceCase } from "../cases";
import { known, othersOf, poolRef } from "./route-fixtures";

/* The route went back before the update (rollback --now): what comes later records it, and does not undo it. */

const at = (weight: number, more: object = {}): Parameters<typeof serviceConfig>[0] => ({
  ...sourceCase,
  weight,
  ...more,
});
const time = "2026-11-26T18:00:00Z";
const latch = { candidate: "llm-new", from: 60, reason: "worse answers", time };
const mark = { candidate: "llm-new", reason: "worse answers", time };

/** A service at 60 % whose live route was written back meanwhile. */
function rolledBackLive(change: Partial<Observed> = {}): Observed {
  const config = serviceConfig(at(60));
  const world = after(
    config,
    planFor(
      serviceConfig(at(60)),
      after(serviceConfig(at(0)), planFor(serviceConfig(at(0)), { pools: [], namespaces: {} })),
    ),
  );
  const route = {
    ...world.route,
    backends: [{ pool: "llm", namespace: "default", weight: 100 }],
    written: { llm: 100 },
    moves: (world.route?.moves ?? 0) + 1,
    latches: [latch],
  };
  return { ...world, route, ...change };
}

const rulesOf = (config: Parameters<typeof serviceConfig>[0], world: Observed): string[] =>
  planFor(serviceConfig(config), world).refusals.map(({ rule }) => rule);

describe("after the live route went back", () => {
  it("an update of the config as it was is refused, and one that records it passes", () => {
    assert.deepEqual(rulesOf(at(60), rolledBackLive()), ["latched"]);
    assert.deepEqual(rulesOf(at(0, { rolledBack: mark }), rolledBackLive()), []);
    assert.deepEqual(rulesOf(at(0), rolledBackLive()), []);
  });

  it("recording it is going back: another route does not hold it up", () => {
    const match = { path: { type: "PathPrefix", value: "/" }, headers: [] };
    const other = known("everything", [{ matches: [match], backendRefs: [poolRef("elsewhere")] }]);
    const customers = known("routes-to-llm", [], { created: "2026-10-01T00:00:00Z" });
    const world = rolledBackLive({ others: { ...othersOf([other]), customers } });
    assert.deepEqual(rulesOf(at(0, { rolledBack: mark }), world), []);
  });
});
