import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { routeFor, type ModelRequest } from "./fixture/envoy-model";
import { gateway, http, plan, route, serviceRef, snapshot, type RouteFields } from "./fixture/objects";
import type { HTTPRoute, Listener, RouteMatch } from "./objects/types";

/** One rule for each list of matches. */
function matching(name: string, rules: readonly RouteMatch[][], fields: RouteFields = {}): HTTPRoute {
  return route(
    name,
    rules.map((matches) => ({ matches, backendRefs: [serviceRef("s")] })),
    fields,
  );
}

const path = (type: string, value: string): RouteMatch => ({ path: { type, value } });
const prefix = (value: string): RouteMatch => path("PathPrefix", value);
const header = (name: string, value = "1"): { name: string; value: string } => ({ name, value });

interface Case {
  name: string;
  routes: readonly HTTPRoute[];
  listeners?: readonly Listener[];
  /** Each request with `route/rule` that is to take it; undefined is 404. */
  requests: readonly [ModelRequest, string | undefined][];
}

const cases: Case[] = [
  {
    name: "exact path before prefix, longer prefix before shorter, wherever they stand",
    routes: [
      matching("r", [[prefix("/")], [prefix("/v1")], [prefix("/v1/chat")], [path("Exact", "/v1/chat")]]),
    ],
    requests: [
      [{ path: "/" }, "r/0"],
      [{ path: "/v1/models" }, "r/1"],
      [{ path: "/v1/chat/completions" }, "r/2"],
      [{ path: "/v1/chat" }, "r/3"],
    ],
  },
  {
    name: "a prefix is whole path elements, and its last slash does not count",
    routes: [matching("r", [[prefix("/v1/")]])],
    requests: [
      [{ path: "/v1" }, "r/0"],
      [{ path: "/v1/x" }, "r/0"],
      [{ path: "/v10" }, undefined],
    ],
  },
  {
    name: "a regular expression is tried after exact paths and before prefixes",
    routes: [
      matching("r", [
        [prefix("/v1/models")],
        [path("RegularExpression", "/v[0-9]+/.*")],
        [path("Exact", "/v1/x")],
      ]),
    ],
    requests: [
      [{ path: "/v1/models" }, "r/1"],
      [{ path: "/v1/x" }, "r/2"],
    ],
  },
  {
    name: "method before headers, headers before query parameters",
    routes: [
      matching("r", [
        [{ queryParams: [header("q")] }],
        [{ headers: [header("a")] }],
        [{ headers: [header("a"), header("b")] }],
        [{ method: "POST" }],
      ]),
    ],
    requests: [
      [{ query: { q: "1" } }, "r/0"],
      [{ query: { q: "1" }, headers: { a: "1" } }, "r/1"],
      [{ query: { q: "1" }, headers: { a: "1", b: "1" } }, "r/2"],
      [{ method: "POST", headers: { a: "1", b: "1" } }, "r/3"],
      [{}, undefined],
    ],
  },
  {
    name: "a longer path beats more headers",
    routes: [matching("r", [[{ ...prefix("/"), headers: [header("a"), header("b")] }], [prefix("/v1")]])],
    requests: [[{ path: "/v1", headers: { a: "1", b: "1" } }, "r/1"]],
  },
  {
    name: "a preview route with a header stands before the customers' route, whichever is older",
    routes: [
      matching("customers", [[prefix("/")]], { created: "2025-01-01T00:00:00Z" }),
      matching("preview", [[{ ...prefix("/"), headers: [header("X-Preview", "secret")] }]]),
    ],
    requests: [
      [{ headers: { "x-preview": "secret" } }, "preview/0"],
      [{ headers: { "x-preview": "guess" } }, "customers/0"],
      [{}, "customers/0"],
    ],
  },
  {
    name: "ties go to the older route",
    routes: [
      matching("a", [[prefix("/")]], { created: "2026-02-01T00:00:00Z" }),
      matching("z", [[prefix("/")]], { created: "2026-01-01T00:00:00Z" }),
    ],
    requests: [[{}, "z/0"]],
  },
  {
    name: "ties of one age go by namespace and name, and within a route to the first rule",
    routes: [
      matching("b", [[prefix("/")]]),
      matching("a", [[prefix("/x"), prefix("/")], [prefix("/")]]),
      matching("c", [[prefix("/")]]),
    ],
    requests: [[{}, "a/0"]],
  },
  {
    name: "a more specific hostname first; what it does not match falls to the less specific",
    routes: [
      matching("any", [[path("Exact", "/x")], [prefix("/")]]),
      matching("wild", [[prefix("/w")]], { hostnames: ["*.example.org"] }),
      matching("exact", [[prefix("/e")]], { hostnames: ["a.example.org"] }),
    ],
    requests: [
      [{ host: "a.example.org", path: "/e" }, "exact/0"],
      [{ host: "a.example.org", path: "/w" }, "wild/0"],
      [{ host: "a.example.org", path: "/x" }, "any/0"],
      [{ host: "b.example.org", path: "/w" }, "wild/0"],
      [{ host: "b.example.org", path: "/e" }, "any/1"],
      [{ host: "example.org", path: "/w" }, "any/1"],
    ],
  },
  {
    name: "a hostname outweighs a better path",
    routes: [
      matching("any", [[path("Exact", "/v1/models")]]),
      matching("exact", [[prefix("/")]], { hostnames: ["a.example.org"] }),
    ],
    requests: [[{ host: "a.example.org", path: "/v1/models" }, "exact/0"]],
  },
  {
    name: "a request belongs to one listener only",
    listeners: [
      { ...http, name: "any" },
      { ...http, name: "wild", hostname: "*.example.org" },
      { ...http, name: "exact", hostname: "a.example.org" },
    ],
    routes: [
      matching("any", [[prefix("/")]], { parentRefs: [{ name: "gw", sectionName: "any" }] }),
      matching("wild", [[prefix("/")]], { parentRefs: [{ name: "gw", sectionName: "wild" }] }),
    ],
    requests: [
      [{ host: "other.net" }, "any/0"],
      [{ host: "b.example.org" }, "wild/0"],
      // The third listener has no routes.
      [{ host: "a.example.org" }, undefined],
    ],
  },
  {
    name: "only the first entry of a header or parameter counts, and header names ignore case",
    routes: [matching("r", [[{ headers: [header("A", "1"), header("a", "2")] }]])],
    requests: [
      [{ headers: { a: "1" } }, "r/0"],
      [{ headers: { a: "2" } }, undefined],
    ],
  },
];

describe("precedence", () => {
  for (const { name, routes, requests, listeners = [http] } of cases) {
    for (const order of [routes, [...routes].reverse()]) {
      test(`${name}${order === routes ? "" : " (listed in reverse)"}`, () => {
        const planned = plan(snapshot({ gateways: [gateway("gw", listeners)], routes: order }));
        for (const [request, expected] of requests) {
          const found = routeFor(planned, "default/gw/80", request)?.name;
          assert.equal(
            found?.replace(/^default\/(.*)\/\d+$/, "$1"),
            expected,
            `${JSON.stringify(request)} took ${found ?? "nothing"}`,
          );
        }
      });
    }
  }
});
