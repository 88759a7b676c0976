import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { everything, pathTakes } from "../../../stacks/plan/route-matches";
import { overlapsWith } from "../../../stacks/plan/route-overlap";
import { rivalsOf } from "../../../stacks/plan/rival-routes";
import type { KnownListener, KnownRoute, RouteMatch } from "../../../stacks/plan/routes";
import { routeFor } from "../../../lab/gateway/fixture/envoy-model";
import * as lab from "../../../lab/gateway/fixture/objects";
import type { HTTPRoute } from "../../../lab/gateway/objects/types";
import { gateway, othersOf } from "./route-fixtures";
import { propertyRuns } from "../../property-runs";

/*
 * Which route gets a request, told twice: by the plan, which compares matches, and by the lab's gateway, which turns
 * routes into Envoy's configuration and is asked with requests.
 */

interface Request {
  host: string;
  path: string;
  method: string;
  headers: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
}

const hosts = ["a.example.org", "b.example.org", "x.a.example.org", "other.net"];
const paths = ["/", "/v1", "/v1/completions", "/v1/chat/completions", "/v10", "/v1/models", "/grafana"];
const hostname = fc.constantFrom("a.example.org", "*.example.org", "*.a.example.org", "other.net");

const value = fc.record({
  name: fc.constantFrom("x-tester", "X-Tester", "content-type"),
  value: fc.constantFrom("1", "application/json"),
  regex: fc.constant(false),
});
const match: fc.Arbitrary<RouteMatch> = fc
  .record({
    path: fc.record({
      type: fc.constantFrom("Exact" as const, "PathPrefix" as const),
      value: fc.constantFrom(...paths, "/", "/", "/v1/"),
    }),
    method: fc.option(fc.constantFrom("GET", "POST"), { nil: undefined, freq: 4 }),
    headers: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(value, { maxLength: 2 })),
    queryParams: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      fc.constant([{ name: "q", value: "1", regex: false }]),
    ),
  })
  .map(({ method, ...rest }) => ({ ...rest, ...(method === undefined ? {} : { method }) }));

const listeners: fc.Arbitrary<KnownListener[]> = fc
  .uniqueArray(fc.option(hostname, { nil: undefined, freq: 2 }), { minLength: 1, maxLength: 3 })
  .map((names) =>
    names.map((name, i) => ({ name: `l${i}`, port: 80, ...(name === undefined ? {} : { hostname: name }) })),
  );

const route = fc.record({
  name: fc.constantFrom("aaa", "zzz"),
  created: fc.constantFrom("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
  hostnames: fc.oneof(fc.constant([]), fc.uniqueArray(hostname, { maxLength: 2 })),
  matches: fc.array(match, { minLength: 1, maxLength: 3 }),
  sectionName: fc.option(fc.constantFrom("l0", "l1"), { nil: undefined, freq: 2 }),
});

const request: fc.Arbitrary<Request> = fc.record({
  host: fc.constantFrom(...hosts),
  path: fc.constantFrom(...paths),
  method: fc.constantFrom("GET", "POST"),
  headers: fc.dictionary(
    fc.constantFrom("x-tester", "content-type"),
    fc.constantFrom("1", "application/json"),
    {
      maxKeys: 2,
      noNullPrototype: true,
    },
  ),
  query: fc.dictionary(fc.constant("q"), fc.constantFrom("1", "2"), { noNullPrototype: true }),
});

const customersCreated = "2026-02-01T00:00:00Z";

interface World {
  listeners: KnownListener[];
  /** Of the customers' route. */
  hostname: string | undefined;
  other: KnownRoute;
  /** Matches of a customers' route that keeps its owner's shape. Default: this program's, which takes everything. */
  own?: RouteMatch[];
}

const world: fc.Arbitrary<World> = fc
  .record({ listeners, hostname: fc.option(hostname, { nil: undefined, freq: 1 }), found: route })
  .map(({ found, ...rest }) => ({ ...rest, other: knownOf(found) }));

function knownOf({
  name,
  created,
  hostnames,
  matches,
  sectionName,
}: typeof route extends fc.Arbitrary<infer R> ? R : never): KnownRoute {
  return {
    kind: "HTTPRoute",
    namespace: "default",
    name,
    created,
    hostnames,
    parents: [
      {
        namespace: gateway.namespace,
        name: gateway.name,
        refused: false,
        ...(sectionName === undefined ? {} : { sectionName }),
      },
    ],
    rules: matches.map((one) => ({
      matches: [one],
      backends: [{ namespace: "default", pool: "llm", weight: 1 }],
      mirrors: [],
    })),
  };
}

const others = ({ listeners: all, hostname: own, other }: World): ReturnType<typeof othersOf> =>
  othersOf([other], {
    listeners: all,
    gateway: { ...gateway, ...(own === undefined ? {} : { hostname: own }) },
  });

const overlaps = (what: World): ReturnType<typeof overlapsWith> =>
  overlapsWith({ namespace: "default", name: "customers", created: customersCreated }, others(what));

/** The lab's answer: the route that gets a request, and the rule. */
function asked(what: World, one: Request): { route: string; rule: number } | undefined {
  const toLab = (
    name: string,
    created: string,
    matches: readonly RouteMatch[],
    hostnames: readonly string[],
  ): HTTPRoute =>
    lab.route(
      name,
      matches.map((match) => ({ matches: [labMatch(match)], backendRefs: [lab.serviceRef("s")] })),
      { created, ...(hostnames.length === 0 ? {} : { hostnames }) },
    );
  const [parent] = what.other.parents;
  const other = toLab(
    what.other.name,
    what.other.created ?? "",
    what.other.rules.flatMap(({ matches }) => matches),
    what.other.hostnames,
  );
  const section = parent?.sectionName === undefined ? {} : { sectionName: parent.sectionName };
  const planned = lab.plan(
    lab.snapshot({
      gateways: [
        lab.gateway(
          "gw",
          what.listeners.map((listener) => ({ ...listener, protocol: "HTTP" })),
        ),
      ],
      routes: [
        { ...other, spec: { ...other.spec, parentRefs: [{ name: "gw", ...section }] } },
        toLab(
          "customers",
          customersCreated,
          what.own ?? [everything],
          what.hostname === undefined ? [] : [what.hostname],
        ),
      ],
    }),
  );
  const found = routeFor(planned, "default/gw/80", one)?.name.split("/");
  return found === undefined ? undefined : { route: found[1] ?? "", rule: Number(found[2]) };
}

const labMatch = ({ path, method, headers, queryParams }: RouteMatch): Record<string, unknown> => ({
  path,
  ...(method === undefined ? {} : { method }),
  headers: headers.map(({ name, value: text }) => ({ name, value: text })),
  queryParams: queryParams.map(({ name, value: text }) => ({ name, value: text })),
});

/** Whether a request fits a match, said once more. */
function fits(one: RouteMatch, { path, method, headers, query }: Request): boolean {
  const first = (list: RouteMatch["headers"], fold: (name: string) => string): [string, string][] => [
    ...new Map([...list].reverse().map((entry) => [fold(entry.name), entry.value])),
  ];
  return (
    pathTakes(one, path) &&
    (one.method === undefined || one.method === method) &&
    first(one.headers, (name) => name.toLowerCase()).every(([name, text]) => headers[name] === text) &&
    first(one.queryParams, (name) => name).every(([name, text]) => query[name] === text)
  );
}

const inHost = (domain: string, host: string): boolean =>
  domain === "*" || domain === host || (domain.startsWith("*.") && host.endsWith(domain.slice(1)));

const runs = propertyRuns(3000);

describe("overlap of routes, against the lab's gateway", () => {
  it("no request that another route gets, and the customers' route would get alone, is missed", () => {
    let lost = 0;
    fc.assert(
      fc.property(world, request, (what, one) => {
        const taker = asked(what, one);
        if (taker?.route !== what.other.name) return;
        if (asked({ ...what, other: { ...what.other, rules: [] } }, one) === undefined) return;
        lost += 1;
        const told = overlaps(what).filter(
          ({ winner, match: its, host }) => winner === "other" && fits(its, one) && inHost(host, one.host),
        );
        assert.ok(told.length > 0, "nothing tells that this request is lost");
      }),
      { numRuns: runs, includeErrorInReport: true },
    );
    assert.ok(lost > runs / 50, `${lost} requests were lost: the property says nothing`);
  });

  it("no request that the customers' route gets is told to be another's", () => {
    let kept = 0;
    fc.assert(
      fc.property(world, request, (what, one) => {
        if (asked(what, one)?.route !== "customers") return;
        const claimed = overlaps(what).filter(
          ({ winner, match: its, host }) => winner === "other" && fits(its, one) && inHost(host, one.host),
        );
        kept += 1;
        // Of a wildcard, a part may belong to a more specific hostname.
        assert.deepEqual(
          claimed
            .filter(({ host }) => !host.startsWith("*") || what.listeners.length === 1)
            .map(({ host }) => host),
          [],
        );
      }),
      { numRuns: runs, includeErrorInReport: true },
    );
    assert.ok(kept > runs / 50, `${kept} requests were kept: the property says nothing`);
  });

  it("the same, where the customers' route has rules of its owner", () => {
    let safe = 0;
    const shaped = fc
      .record({ what: world, own: fc.array(match, { minLength: 1, maxLength: 3 }) })
      .map(({ what, own }) => ({ ...what, own }));
    fc.assert(
      fc.property(shaped, fc.constantFrom(...hosts), (what, host) => {
        const { hostname: own } = what;
        const customers: KnownRoute = {
          ...what.other,
          ...{ name: "customers", created: customersCreated, keepsShape: true },
          hostnames: own === undefined ? [] : [own],
          parents: [{ namespace: gateway.namespace, name: gateway.name, refused: false }],
          rules: what.own.map((one) => ({
            matches: [one],
            backends: [{ namespace: "default", pool: "llm", weight: 1 }],
            mirrors: [],
          })),
        };
        const config = { namespace: "default", route: "customers", names: [] };
        const rivals = rivalsOf(config, { ...others(what), customers }, [
          { namespace: "default", name: "llm" },
        ]);
        if (rivals.winning.length > 0) return;
        for (const path of ["/v1/completions", "/v1/chat/completions"]) {
          const headers = { "content-type": "application/json" };
          const completion = { host, path, method: "POST", headers, query: {} };
          const alone = asked({ ...what, other: { ...what.other, rules: [] } }, completion);
          if (alone?.route !== "customers") continue;
          safe += 1;
          assert.equal(asked(what, completion)?.route, "customers");
        }
      }),
      { numRuns: runs, includeErrorInReport: true },
    );
    assert.ok(safe > runs / 100, `${safe} requests were safe: the property says nothing`);
  });

  it("where no rival wins, every completion that the customers' route would get alone is its own", () => {
    let safe = 0;
    fc.assert(
      fc.property(world, fc.constantFrom(...hosts), (what, host) => {
        const config = { namespace: "default", route: "customers", names: [] };
        const customers = { ...what.other, name: "customers", created: customersCreated, keepsShape: false };
        const rivals = rivalsOf(config, { ...others(what), customers }, [
          { namespace: "default", name: "llm" },
        ]);
        if (rivals.winning.length > 0) return;
        for (const path of ["/v1/completions", "/v1/chat/completions"]) {
          const completion = {
            host,
            path,
            method: "POST",
            headers: { "content-type": "application/json" },
            query: {},
          };
          if (asked({ ...what, other: { ...what.other, rules: [] } }, completion) === undefined) continue;
          safe += 1;
          assert.equal(asked(what, completion)?.route, "customers");
        }
      }),
      { numRuns: runs, includeErrorInReport: true },
    );
    assert.ok(safe > runs / 50, `${safe} requests were safe: the property says nothing`);
  });
});
