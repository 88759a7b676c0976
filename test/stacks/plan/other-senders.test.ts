import { fix } from "../../../stacks/plan/config-edits";
import { fixText } from "../../../stacks/messages/edits";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import type { KnownRoute } from "../../../stacks/plan/routes";
import { known, othersOf, poolRef, prefix } from "./route-fixtures";
import { at, foreign, promoted, serving } from "./scenarios";
import { deployed, planned, rulesOf } from "./worlds";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

/* Pools that other routes send to, routes that nobody may read, and the name of the customers' route. */

const own = known("routes-to-llm", [{ backendRefs: [poolRef("llm")] }], { created: "2026-06-01T00:00:00Z" });
const header = (name: string, value: string): object => ({
  ...prefix("/"),
  headers: [{ type: "Exact", name, value }],
});

describe("a pool that another route sends to", () => {
  const toNew = (rule: object): KnownRoute => known("testers", [rule]);
  const removal: RawConfig = serving;
  const staged = (other: KnownRoute): Observed => ({
    ...deployed(at(0)),
    others: othersOf([other], { customers: own }),
  });
  const senders: readonly [string, object][] = [
    ["with weight", { matches: [header("x", "1")], backendRefs: [poolRef("llm-new", { weight: 1 })] }],
    ["without a weight, which is 1", { matches: [header("x", "1")], backendRefs: [poolRef("llm-new")] }],
    [
      "as a mirror",
      {
        matches: [header("x", "1")],
        filters: [{ type: "RequestMirror", requestMirror: { backendRef: poolRef("llm-new") } }],
        backendRefs: [poolRef("llm")],
      },
    ],
    [
      "as a mirror of a backend",
      {
        matches: [header("x", "1")],
        backendRefs: [
          poolRef("llm", {
            filters: [{ type: "RequestMirror", requestMirror: { backendRef: poolRef("llm-new") } }],
          }),
        ],
      },
    ],
  ];
  for (const [how, rule] of senders) {
    it(`${how} is not removed`, () => {
      const { refusals } = planned(removal, staged(toNew(rule)));
      assert.deepEqual(
        refusals.map(({ rule: name }) => name),
        ["pool-has-traffic"],
      );
      assert.match(
        refusals[0]?.found ?? "",
        /llm-new would be removed, but HTTPRoute default\/testers sends/,
      );
      assert.match(fixText(refusals[0]?.fix ?? fix``), /kubectl edit httproute -n default testers/);
    });
  }

  it("from another namespace is not removed, and one of its name elsewhere is", () => {
    const rule = (namespace: string): object => ({
      matches: [header("x", "1")],
      backendRefs: [poolRef("llm-new", { namespace })],
    });
    const from = (namespace: string): Observed =>
      staged(known("r", [rule(namespace)], { namespace: "team" }));
    assert.deepEqual(rulesOf(removal, from("default")), ["pool-has-traffic"]);
    assert.deepEqual(rulesOf(removal, from("team")), []);
  });

  it("with weight 0, or as a Service of that name, is removed", () => {
    for (const ref of [poolRef("llm-new", { weight: 0 }), { kind: "Service", name: "llm-new", port: 80 }]) {
      const rule = { matches: [header("x", "1")], backendRefs: [poolRef("llm"), ref] };
      assert.deepEqual(rulesOf(removal, staged(toNew(rule))), []);
    }
  });

  it("does not shrink, and the old one stays through a promotion", () => {
    const follow = { capacity: { mode: "follow-weight", rollbackReserve: 0 } };
    const other = toNew({ matches: [header("x", "1")], backendRefs: [poolRef("llm")] });
    const shifted = deployed({ ...at(0), ...follow }, { ...at(100), ...follow });
    const size = (observed: Observed): number | undefined =>
      planned({ ...at(100), ...follow }, observed).pools.find(({ pool }) => pool.name === "llm")?.replicas;
    const live = shifted.pools.find(({ name }) => name === "llm")?.replicas ?? 0;
    assert.ok((size(shifted) ?? 0) < live);
    const known_ = { ...shifted, others: othersOf([other], { customers: own }) };
    assert.equal(size(known_), live);
    assert.deepEqual(rulesOf({ ...promoted, ...follow }, known_), ["pool-has-traffic"]);
  });

  it("is watched by the cluster's guard wherever the route is", () => {
    const other = known("r", [{ backendRefs: [poolRef("llm-new", { namespace: "default" })] }], {
      namespace: "team",
      kind: "GRPCRoute",
      parents: [],
    });
    const { guarded } = planned(at(0), staged(other));
    assert.deepEqual(guarded, { namespaces: ["default", "team"], grpc: true, parts: [] });
  });
});

describe("routes that could not be read", () => {
  const unseen = ["HTTPRoutes of the whole cluster cannot be listed (forbidden)"];
  const blind = (observed: Observed): Observed => ({ ...observed, others: othersOf([], { unseen }) });
  it("stop what depends on them, and nothing else", () => {
    assert.deepEqual(rulesOf(at(0), blind(nothingDeployed)), ["routes-unknown"]);
    assert.deepEqual(rulesOf(at(60), blind(deployed(at(0), at(30)))), ["routes-unknown"]);
    assert.deepEqual(rulesOf(serving, blind(deployed(at(0)))), ["routes-unknown"]);
    for (const back of [at(0), at(10), at(30)]) {
      const { refusals, notes } = planned(back, blind(deployed(at(0), at(30))));
      assert.deepEqual(refusals, []);
      assert.match(
        notes.join("\n"),
        /cannot be listed \(forbidden\): other routes may exist that this program cannot see/,
      );
    }
  });
});

describe("the name of the customers' route", () => {
  it("does not change under a route that serves", () => {
    const stack = known("routes-to-llm", [{ backendRefs: [poolRef("llm")] }], {
      labels: { "app.kubernetes.io/managed-by": "gke-inference-rollout", "inference-rollout/service": "llm" },
    });
    const { route: gone, ...rest } = deployed(at(0), at(30));
    assert.ok(gone !== undefined);
    const renamed: Observed = { ...rest, others: othersOf([stack]) };
    const { refusals } = planned({ ...at(30), route: "another" }, renamed);
    assert.deepEqual(
      refusals.map(({ rule }) => rule),
      ["other-route", "route-missing"],
    );
    for (const refusal of refusals)
      assert.match(fixText(refusal.fix), /pulumi config set route routes-to-llm/);
  });

  it("may become that of a live route that gets the requests of this stack's own", () => {
    const llmRoute = known("llm-route", [{ backendRefs: [poolRef("llm")] }]);
    const dead = { ...own, service: "llm" };
    const observed: Observed = {
      ...foreign(deployed(at(0)), { llm: 1 }),
      others: othersOf([dead], { customers: llmRoute }),
    };
    const config = { ...at(0), route: "llm-route" };
    assert.deepEqual(rulesOf(config, observed), ["route-not-ours"]);
    assert.deepEqual(rulesOf({ ...config, allow: ["take-over-route"] }, observed), []);
  });
});
