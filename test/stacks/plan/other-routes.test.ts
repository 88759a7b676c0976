import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RawConfig } from "../../../stacks/config/validate";
import { nothingDeployed, type Observed } from "../../../stacks/plan/observed";
import type { KnownRoute, OtherRoutes } from "../../../stacks/plan/routes";
import { sourceCase } from "../cases";
import { gateway, known, othersOf, poolRef, prefix, type RouteFields } from "./route-fixtures";
import { at, foreign, promoted, serving } from "./scenarios";
import { deployed, planned, rulesOf } from "./worlds";

/* What the plan makes of routes beside the customers' own. */

const young = { created: "2026-11-01T00:00:00Z" };
const own = known("routes-to-llm", [{ backendRefs: [poolRef("llm")] }], { created: "2026-06-01T00:00:00Z" });

/** A world in which a roll-out is under way at 30, and other routes. */
const world = (routes: readonly KnownRoute[], fields: Partial<OtherRoutes> = {}): Observed => ({
  ...deployed(at(0), at(30)),
  others: othersOf(routes, { customers: own, ...fields }),
});

const route = (match: object, pool = "llm", fields: RouteFields = {}): KnownRoute =>
  known("other", [{ matches: [match], backendRefs: [poolRef(pool)] }], fields);
const header = (name: string, value: string, type = "Exact"): object => ({
  ...prefix("/"),
  headers: [{ type, name, value }],
});

type Outcome = "refused" | "note" | "nothing";

/** Routes beside a customers' route of the 1st of June that takes everything. */
const cases: readonly {
  name: string;
  route: KnownRoute;
  outcome: Outcome;
  gateway?: object;
  listeners?: object[];
}[] = [
  { name: "the same, and older", route: route(prefix("/")), outcome: "refused" },
  { name: "the same, and younger", route: route(prefix("/"), "llm", young), outcome: "nothing" },
  {
    name: "the same and as old, and first in the alphabet",
    route: route(prefix("/"), "llm", { created: "2026-06-01T00:00:00Z" }),
    outcome: "refused",
  },
  {
    name: "a longer path, though younger",
    route: route(prefix("/v1"), "elsewhere", young),
    outcome: "refused",
  },
  {
    name: "the exact path of completions",
    route: route({ path: { type: "Exact", value: "/v1/completions" } }, "elsewhere", young),
    outcome: "refused",
  },
  {
    name: "a regular expression that takes completions",
    route: route({ path: { type: "RegularExpression", value: "/v[0-9]/.*" } }, "elsewhere", young),
    outcome: "refused",
  },
  {
    name: "a path that no client asks for",
    route: route(prefix("/grafana"), "elsewhere"),
    outcome: "nothing",
  },
  {
    name: "embeddings, of another pool",
    route: route(prefix("/v1/embeddings"), "elsewhere"),
    outcome: "nothing",
  },
  { name: "embeddings, of the same pool", route: route(prefix("/v1/embeddings")), outcome: "refused" },
  { name: "a path of its own to the same pool", route: route(prefix("/team/chat")), outcome: "note" },
  {
    name: "POST only",
    route: route({ ...prefix("/"), method: "POST" }, "elsewhere", young),
    outcome: "refused",
  },
  {
    name: "GET only",
    route: route({ ...prefix("/"), method: "GET" }, "elsewhere", young),
    outcome: "nothing",
  },
  { name: "a header of testers", route: route(header("x-tester", "1"), "llm-new"), outcome: "note" },
  {
    name: "a header of testers, elsewhere",
    route: route(header("x-tester", "1"), "elsewhere"),
    outcome: "note",
  },
  {
    name: "a header that any value fits",
    route: route(header("x-tester", ".*", "RegularExpression"), "elsewhere"),
    outcome: "refused",
  },
  {
    name: "a header that every client sends",
    route: route(header("Content-Type", "application/json"), "elsewhere"),
    outcome: "refused",
  },
  {
    name: "the model that this service serves",
    route: route(header("X-Gateway-Model-Name", "Qwen/Qwen3-8B"), "elsewhere"),
    outcome: "refused",
  },
  {
    name: "another model of the same gateway",
    route: route(header("X-Gateway-Model-Name", "deepseek"), "elsewhere"),
    outcome: "note",
  },
  {
    name: "a hostname of its own, to another pool",
    route: route(prefix("/"), "elsewhere", { hostnames: ["grafana.example.org"] }),
    outcome: "refused",
  },
  {
    name: "another hostname than the service's",
    route: route(prefix("/"), "elsewhere", { hostnames: ["grafana.example.org"] }),
    gateway: { hostname: "llm.example.org" },
    outcome: "nothing",
  },
  {
    name: "every hostname, where the service has one",
    route: route(prefix("/"), "elsewhere"),
    gateway: { hostname: "llm.example.org" },
    outcome: "nothing",
  },
  {
    name: "every hostname to the same pool, where the service has one",
    route: route(prefix("/")),
    gateway: { hostname: "llm.example.org" },
    outcome: "note",
  },
  {
    name: "another Gateway, to another pool",
    route: route(prefix("/"), "elsewhere", { parents: [{ name: "public" }] }),
    outcome: "nothing",
  },
  {
    name: "another Gateway, to the same pool",
    route: route(prefix("/"), "llm", { parents: [{ name: "public" }] }),
    outcome: "note",
  },
  {
    name: "the same Gateway's name in another namespace, to another pool",
    route: route(prefix("/"), "elsewhere", { namespace: "team" }),
    outcome: "nothing",
  },
  {
    name: "the same Gateway from another namespace",
    route: route(prefix("/"), "elsewhere", {
      namespace: "team",
      parents: [{ name: "my-inference-gateway", namespace: "default", sectionName: "http" }],
    }),
    outcome: "refused",
  },
  {
    name: "a listener with a hostname of its own",
    route: route(prefix("/"), "elsewhere", {
      parents: [{ name: "my-inference-gateway", sectionName: "ui" }],
    }),
    listeners: [
      { name: "http", port: 80 },
      { name: "ui", port: 80, hostname: "ui.example.org" },
    ],
    gateway: { hostname: "llm.example.org" },
    outcome: "nothing",
  },
  {
    name: "a longer wildcard than the listener's, though younger",
    route: route(prefix("/"), "elsewhere", { ...young, hostnames: ["*.a.example.org"] }),
    listeners: [{ name: "http", port: 80, hostname: "*.example.org" }],
    outcome: "refused",
  },
  {
    name: "a refusal of the gateway",
    route: route(prefix("/"), "elsewhere", {
      status: {
        parents: [
          {
            parentRef: { name: "my-inference-gateway" },
            conditions: [{ type: "Accepted", status: "False", observedGeneration: 1 }],
          },
        ],
      },
    }),
    outcome: "nothing",
  },
  {
    name: "a refusal of an earlier generation",
    route: route(prefix("/"), "elsewhere", {
      status: {
        parents: [
          {
            parentRef: { name: "my-inference-gateway" },
            conditions: [{ type: "Accepted", status: "False", observedGeneration: 0 }],
          },
        ],
      },
    }),
    outcome: "refused",
  },
  {
    name: "a GRPCRoute that takes everything",
    route: known("other", [{ backendRefs: [poolRef("elsewhere")] }], { kind: "GRPCRoute" }),
    outcome: "refused",
  },
  {
    name: "a GRPCRoute of a service of its own",
    route: known(
      "other",
      [{ matches: [{ method: { service: "grpc.health.v1.Health" } }], backendRefs: [] }],
      {
        kind: "GRPCRoute",
      },
    ),
    outcome: "nothing",
  },
  {
    name: "a redirect of everything",
    route: known("other", [{ filters: [{ type: "RequestRedirect" }] }]),
    outcome: "refused",
  },
];

describe("a route beside the customers' own", () => {
  for (const { name, route: other, outcome, listeners, ...rest } of cases) {
    it(`with ${name}: ${outcome}`, () => {
      const observed = world([other], {
        gateway: { ...gateway, ...rest.gateway },
        ...(listeners === undefined ? {} : { listeners: listeners as never }),
      });
      const { refusals, notes, overridden } = planned(at(30), observed);
      assert.deepEqual(
        refusals.map(({ rule }) => rule),
        outcome === "refused" ? ["other-route"] : [],
      );
      const told = `${other.kind} ${other.namespace}/other`;
      const rest_ = notes.filter((note) => note.includes(told) && !note.startsWith("the weights are not"));
      assert.equal(rest_.length, outcome === "note" ? 1 : 0, notes.join("\n"));
      assert.equal(overridden.length, outcome === "refused" ? 1 : 0);
      if (outcome === "refused") assert.ok(refusals[0]?.found.includes(told));
    });
  }

  it("is refused before the customers' route is made, if it is the way to the pools", () => {
    const existing = {
      ...serving,
      pools: { ...sourceCase.pools, llm: { existing: true } },
    };
    const before = (other: KnownRoute): Observed => ({
      ...nothingDeployed,
      pools: [{ name: "llm", namespace: "default", owned: false }],
      others: othersOf([other]),
    });
    for (const other of [
      route(prefix("/"), "llm", { parents: [{ name: "public" }] }),
      route(prefix("/team/chat")),
      route(prefix("/")),
    ]) {
      assert.deepEqual(rulesOf(existing, before(other)), ["other-route"]);
    }
    assert.deepEqual(rulesOf(existing, before(route(header("x-tester", "1")))), []);
    assert.deepEqual(rulesOf(existing, before(route(prefix("/grafana"), "elsewhere"))), []);
    const waived = planned({ ...existing, allow: ["other-route"] }, before(route(prefix("/team/chat"))));
    assert.deepEqual([waived.refusals, waived.waived], [[], ["other-route"]]);
  });

  it("never holds up the way back, and is told there", () => {
    const { refusals, notes } = planned(at(0), world([route(prefix("/"))]));
    assert.deepEqual(refusals, []);
    assert.match(notes.join("\n"), /the weights are not what customers get: HTTPRoute default\/other/);
  });
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
        /llm-new would be removed, and HTTPRoute default\/testers sends/,
      );
      assert.match(refusals[0]?.mend ?? "", /kubectl edit httproute -n default testers/);
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
    assert.deepEqual(guarded, { namespaces: ["default", "team"], grpc: true });
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
      assert.match(notes.join("\n"), /cannot be listed \(forbidden\): other routes are not known/);
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
    for (const { mend } of refusals) assert.match(mend, /pulumi config set route routes-to-llm/);
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
