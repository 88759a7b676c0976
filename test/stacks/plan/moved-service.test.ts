import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Claim } from "../../../stacks/plan/claims";
import type { Observed } from "../../../stacks/plan/observed";
import { at, less } from "./scenarios";
import { deployed, planned, rulesOf } from "./worlds";

/* A stack deploys one service in one place: a config that names another is blind for what serves. */

const world = (): Observed => deployed(at(0), at(30));
const renamed = { ...at(30), service: "chat", route: "routes-to-llm" };

/** As the record of an earlier version has it. */
function older({ record, ...rest }: Observed): Observed {
  assert.ok(record !== undefined);
  return { ...rest, record: less(record, "service") };
}

const pool = (whose: Claim["whose"], service: string): Claim => ({
  whose,
  object: {
    ...{ group: "inference.networking.k8s.io", kind: "InferencePool", namespace: "default" },
    ...{ name: "llm", service, pool: "llm", managers: [] },
  },
});

describe("a service that the config renames", () => {
  it("is refused, whatever else the update does, and nothing lets it pass", () => {
    for (const weight of [0, 30, 60, 100]) {
      const { refusals } = planned({ ...renamed, weight }, world());
      const own = refusals.filter(({ rule }) => rule === "service-moved");
      assert.deepEqual(
        own.map(({ found, waiver }) => [found, waiver]),
        [["this stack deployed service llm, but the config says chat", undefined]],
      );
    }
    assert.ok(rulesOf({ ...renamed, allow: ["destroy"] }, world()).includes("service-moved"));
  });

  it("is seen by the live route's label where the record is of an earlier version", () => {
    const before = older(world());
    assert.ok(!rulesOf(renamed, before).includes("service-moved"));
    const route = { backends: [], ...before.route, service: "llm" };
    assert.ok(rulesOf(renamed, { ...before, route }).includes("service-moved"));
    // Such a route is another stack's: its own rule says so.
    const theirs: Claim = {
      whose: "theirs",
      object: {
        ...{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default" },
        ...{ name: "routes-to-llm", service: "llm", managers: [] },
      },
    };
    const rules = rulesOf(renamed, { ...before, route, claims: [theirs] });
    assert.ok(rules.includes("another-stacks") && !rules.includes("service-moved"));
  });

  it("is seen by the pools that the stack has, where the route's name went with the service's", () => {
    const before = { ...less(older(world()), "route"), claims: [pool("own", "llm")] };
    assert.ok(rulesOf({ ...at(30), service: "chat" }, before).includes("service-moved"));
    const theirs = { ...before, claims: [pool("theirs", "llm")] };
    assert.ok(!rulesOf({ ...at(30), service: "chat" }, theirs).includes("service-moved"));
  });

  it("may have another name while no update has succeeded and there is no route", () => {
    const failed = { ...less(less(world(), "record"), "route"), claims: [pool("own", "llm")] };
    assert.ok(!rulesOf({ ...at(0), service: "chat" }, failed).includes("service-moved"));
  });
});

describe("a service that the config moves to another namespace", () => {
  const moved = { ...at(30), namespace: "prod" };

  it("is refused, also where a route of that name is there", () => {
    const route = { backends: [{ namespace: "prod", pool: "llm", weight: 1 }], foreign: true };
    for (const live of [less(world(), "route"), { ...world(), route }]) {
      const { refusals } = planned({ ...moved, allow: ["take-over-route"] }, live);
      assert.deepEqual(
        refusals.filter(({ rule }) => rule === "service-moved").map(({ found }) => found),
        ["this stack deployed namespace default, but the config says prod"],
      );
    }
  });

  it("is said once", () => {
    assert.ok(!rulesOf(moved, less(world(), "route")).includes("route-missing"));
  });
});
