import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { KnownRoute, OtherRoutes } from "../../../stacks/plan/routes";
import { sourceCase } from "../cases";
import { gateway, known, othersOf, poolRef, prefix, type RouteFields } from "./route-fixtures";
import { at, serving } from "./scenarios";
import { deployed, planned, rulesOf } from "./worlds";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

/* What the plan makes of routes beside the customers' own. */

const young = { created: "2026-11-01T00:00:00Z" };
const ours = { "app.kubernetes.io/managed-by": "gke-inference-rollout", "inference-rollout/service": "llm" };
const own = known("routes-to-llm", [{ backendRefs: [poolRef("llm")] }], {
  created: "2026-06-01T00:00:00Z",
  labels: ours,
});

/** A world in which a rollout is under way at 30, and other routes. */
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
      const { hostname, ...around } = { ...gateway, ...rest.gateway };
      const observed = world([other], {
        gateway: { ...around, ...(hostname === undefined ? {} : { hostname }) },
        customers: { ...own, hostnames: hostname === undefined ? [] : [hostname] },
        ...(listeners === undefined ? {} : { listeners: listeners as never }),
      });
      const { refusals, notes, overridden } = planned(at(30), observed);
      assert.deepEqual(
        refusals.map(({ rule }) => rule),
        outcome === "refused" ? ["other-route"] : [],
      );
      const told = `${other.kind} ${other.namespace}/other`;
      const rest_ = notes.filter(
        (note) => note.includes(told) && !note.startsWith("customers do not get these weights"),
      );
      assert.equal(rest_.length, outcome === "note" ? 1 : 0, notes.join("\n"));
      assert.equal(overridden.length, outcome === "refused" ? 1 : 0);
      if (outcome === "refused") assert.ok(refusals[0]?.found.includes(told));
    });
  }

  it("takes customers' requests where it takes the path that the models answer, whatever that is", () => {
    const observed = world([route(prefix("/v1/embeddings"), "elsewhere")]);
    const rulesAt = (gate: object): string[] =>
      planned({ ...at(30), gate }, observed).refusals.map(({ rule }) => rule);
    assert.deepEqual(rulesAt({}), []);
    assert.deepEqual(rulesAt({ endpoint: "embeddings" }), ["other-route"]);
  });

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
    assert.match(notes.join("\n"), /customers do not get these weights: HTTPRoute default\/other/);
  });
});
