import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { routeFor, splitOf } from "./fixture/envoy-model";
import {
  gateway,
  grant,
  http,
  plan,
  pod,
  poolRef,
  route,
  service,
  serviceRef,
  snapshot,
  wholePool,
} from "./fixture/objects";
import type { Snapshot } from "./objects/snapshot";
import { poolGroup, type BackendRef, type RouteFilter, type RouteRule } from "./objects/types";
import type { OtherNamespaces } from "./translate/other-namespaces";
import type { Surroundings } from "./translate/plan";

const config = "default/gw/80";

/** The action for `/` of one route with one rule. */
function ruleOf(rule: RouteRule, underTest: Partial<Snapshot> = {}, around: Partial<Surroundings> = {}) {
  const planned = plan(snapshot(underTest, { routes: [route("r", [rule])] }), around);
  return { planned, route: routeFor(planned, config, {}), result: planned.routes[0] };
}

/** `kind:weight` of each share, a picker's one as `pool+picker`. */
function shares(
  refs: readonly BackendRef[],
  underTest: Partial<Snapshot>,
  around: Partial<Surroundings> = {},
) {
  const { route: found, result } = ruleOf({ backendRefs: refs }, underTest, around);
  const split = splitOf(found);
  const short = (name: string): string => name.replace(/\/default\//, ":").replace(/\/[0-9a-f]{12}$/, "");
  return {
    status: (found?.["direct_response"] as { status?: number } | undefined)?.status,
    split: Object.fromEntries(
      Object.entries(split?.clusters ?? {}).map(([name, { weight, via }]) => [
        via === undefined ? short(name) : `${short(name)} via ${short(via)}`,
        weight,
      ]),
    ),
    unresolved: result?.unresolved?.reason,
  };
}

const a = wholePool("a", 10);
const b = wholePool("b", 11);
const ab = {
  pools: [...a.pools, ...b.pools],
  services: [...a.services, ...b.services],
  pods: [...a.pods, ...b.pods],
};
const viaA = "pool:a via picker:a";
const viaB = "pool:b via picker:b";

describe("weights", () => {
  const cases: [string, BackendRef[], Record<string, number>, number?][] = [
    ["each share has its own picker", [poolRef("a", 70), poolRef("b", 30)], { [viaA]: 70, [viaB]: 30 }],
    ["absent is 1", [poolRef("a"), poolRef("b", 3)], { [viaA]: 1, [viaB]: 3 }],
    ["0 is none", [poolRef("a", 0), poolRef("b", 5)], { [viaB]: 5 }],
    ["all 0 is 500", [poolRef("a", 0), poolRef("b", 0)], {}, 500],
    ["no backend is 500", [], {}, 500],
    [
      "an unresolvable share stays and fails",
      [poolRef("a", 90), poolRef("none", 10)],
      { [viaA]: 90, unresolved: 10 },
    ],
  ];
  for (const [name, refs, expected, status] of cases) {
    test(name, () => {
      const found = shares(refs, ab);
      assert.deepEqual(found.split, expected);
      assert.equal(found.status, status);
    });
  }

  test("clusters of a weight of 0 are there before the weight is raised", () => {
    const { planned } = ruleOf({ backendRefs: [poolRef("a"), poolRef("b", 0)] }, ab);
    assert.ok(planned.envoy.clusters.has("pool/default/b"));
  });

  test("a weight changes no listener", () => {
    const at = (weight: number) =>
      plan(
        snapshot(ab, {
          routes: [route("r", [{ backendRefs: [poolRef("a", 100 - weight), poolRef("b", weight)] }])],
        }),
      );
    assert.deepEqual(at(10).envoy.listeners, at(90).envoy.listeners);
    assert.deepEqual(at(10).envoy.clusters, at(90).envoy.clusters);
    assert.notDeepEqual(at(10).envoy.routes, at(90).envoy.routes);
  });
});

describe("backends", () => {
  const far = wholePool("far", 12, "other");
  const poolKind = { group: poolGroup, kind: "InferencePool" };
  const route1 = { kind: "HTTPRoute", namespace: "default" };
  const grants = {
    none: [],
    all: [grant("other", route1, poolKind)],
    named: [grant("other", route1, { ...poolKind, name: "far" })],
    otherName: [grant("other", route1, { ...poolKind, name: "near" })],
    otherKind: [grant("other", route1, { group: "", kind: "Service" })],
    otherNamespace: [grant("other", { ...route1, namespace: "elsewhere" }, poolKind)],
    wrongPlace: [grant("default", route1, poolKind)],
  };
  for (const [name, list] of Object.entries(grants)) {
    const allowed = name === "all" || name === "named";
    test(`another namespace with grant "${name}" is ${allowed ? "used" : "refused"}`, () => {
      const found = shares([poolRef("far", 1, "other")], { ...far, grants: list });
      assert.equal(found.unresolved, allowed ? undefined : "RefNotPermitted");
      assert.deepEqual(Object.keys(found.split), [
        allowed ? "pool/other/far via picker/other/far" : "unresolved",
      ]);
    });
  }

  test("another namespace is refused with a grant there, in each way in which a gateway might", () => {
    const around = (otherNamespaces: OtherNamespaces): ReturnType<typeof ruleOf> =>
      ruleOf(
        { backendRefs: [poolRef("far", 1, "other")] },
        { ...far, grants: grants.all },
        { otherNamespaces },
      );
    assert.equal(around("RefNotPermitted").result?.unresolved?.reason, "RefNotPermitted");
    const refused = around("NotAccepted");
    assert.equal(refused.result?.unsupported?.reason, "UnsupportedValue");
    assert.equal(refused.route, undefined);
    assert.equal(around("no-status").result, undefined, "it is as if there were no route");
    const own = ruleOf({ backendRefs: [poolRef("a")] }, ab, { otherNamespaces: "NotAccepted" });
    assert.equal(own.result?.unsupported, undefined);
  });

  const problems: [string, BackendRef, string][] = [
    ["a pool that is not there", poolRef("none"), "BackendNotFound"],
    ["a Service that is not there", serviceRef("none"), "BackendNotFound"],
    ["a port that a Service does not have", { name: "s", port: 81 }, "BackendNotFound"],
    ["a Service without selector", { name: "bare", port: 80 }, "BackendNotFound"],
    ["another kind", { group: "example.org", kind: "Thing", name: "x" }, "InvalidKind"],
    ["a protocol we do not speak", { name: "tcp", port: 80 }, "UnsupportedProtocol"],
  ];
  for (const [name, ref, reason] of problems) {
    test(`${name} is ${reason} and 500`, () => {
      const bare = { metadata: { name: "bare", namespace: "default" }, spec: { ports: [{ port: 80 }] } };
      const tcp = {
        metadata: { name: "tcp", namespace: "default" },
        spec: { selector: { app: "s" }, ports: [{ port: 80, appProtocol: "tcp" }] },
      };
      const found = shares([ref], { services: [service("s"), bare, tcp] });
      assert.equal(found.unresolved, reason);
      assert.deepEqual(found.split, { unresolved: 1 });
    });
  }

  test("a Service is its ready pods, on a port that may have a name", () => {
    const pods = [
      pod("s", "127.0.9.1"),
      pod("s", "127.0.9.2", { serving: false }),
      pod("s", "127.0.9.3", { namespace: "other" }),
      pod("t", "127.0.9.4"),
    ];
    const { planned } = ruleOf(
      { backendRefs: [serviceRef("s")] },
      { services: [service("s", 80, "http")], pods },
    );
    const [name, cluster] = [...planned.envoy.clusters][0] ?? [];
    assert.match(name ?? "", /^service\/default\/s\/80\//);
    assert.deepEqual(JSON.stringify(cluster).match(/127\.0\.9\.\d","port_value":\d+/g), [
      '127.0.9.1","port_value":8000',
    ]);
  });

  test("other endpoints make another cluster: none ever changes under its name", () => {
    const clusters = (...pods: Snapshot["pods"]): string[] => [
      ...ruleOf(
        { backendRefs: [serviceRef("s")] },
        { services: [service("s")], pods },
      ).planned.envoy.clusters.keys(),
    ];
    const one = pod("s", "127.0.9.1");
    const two = pod("s", "127.0.9.2");
    assert.notDeepEqual(clusters(one), clusters(one, two));
    assert.deepEqual(clusters(one, two), clusters(two, one));
  });
});

describe("pickers", () => {
  const closed = wholePool("c", 13, "default", "FailClose");
  const away = { answers: () => false };
  test("FailOpen without an answering picker: the ready pods, and no picker is asked", () => {
    assert.deepEqual(shares([poolRef("a", 1), poolRef("b", 2)], ab, away).split, {
      "pods:a": 1,
      "pods:b": 2,
    });
  });
  test("FailClose without one: 503 for that share", () => {
    assert.deepEqual(shares([poolRef("c")], closed, away).split, { unavailable: 1 });
  });
  test("only the pool whose picker is away changes", () => {
    const answers = (endpoint: string): boolean => !endpoint.startsWith("127.0.11.");
    assert.deepEqual(shares([poolRef("a"), poolRef("b")], ab, { answers }).split, { [viaA]: 1, "pods:b": 1 });
  });
  test("a picker whose pod is not ready is not asked", () => {
    const pods = a.pods.map((one) => (one.labels["app"] === "a-epp" ? { ...one, serving: false } : one));
    assert.deepEqual(shares([poolRef("a")], { ...a, pods }).split, { "pods:a": 1 });
  });
  test("a pool without pods keeps its picker, which answers 503 for that share", () => {
    const pods = a.pods.filter((one) => one.labels["app"] !== "a");
    assert.deepEqual(shares([poolRef("a")], { ...a, pods }).split, { [viaA]: 1 });
  });
  test("a picker that has no Service: told on pool and route, served as the failureMode says", () => {
    const found = shares([poolRef("a")], { ...a, services: [] });
    assert.equal(found.unresolved, "BackendNotFound");
    assert.deepEqual(found.split, { "pods:a": 1 });
  });
  test("TLS unless the picker is told to serve without", () => {
    const tls = (secureServing: boolean): string => {
      const pods = a.pods.map((one) => ({ ...one, secureServing }));
      const { clusters } = ruleOf({ backendRefs: [poolRef("a")] }, { ...a, pods }).planned.envoy;
      const picker = [...clusters].find(([name]) => name.startsWith("picker/"))?.[1];
      return JSON.stringify(picker?.["load_assignment"]);
    };
    assert.match(tls(true), /"envoy.transport_socket_match":\{"tls":true\}/);
    assert.match(tls(false), /"envoy.transport_socket_match":\{"tls":false\}/);
  });
});

describe("filters", () => {
  const modifier: RouteFilter = {
    type: "RequestHeaderModifier",
    requestHeaderModifier: {
      set: [{ name: "a", value: "50%" }],
      add: [{ name: "b", value: "1" }],
      remove: ["c"],
    },
  };
  test("header changes, with percent signs taken literally", () => {
    const { route: found } = ruleOf(
      { filters: [modifier], backendRefs: [serviceRef("s")] },
      { services: [service("s")] },
    );
    assert.deepEqual(found?.["request_headers_to_remove"], ["c"]);
    assert.deepEqual(
      (found["request_headers_to_add"] as { header: object; append_action: string }[]).map((one) => [
        one.header,
        one.append_action,
      ]),
      [
        [{ key: "a", value: "50%%" }, "OVERWRITE_IF_EXISTS_OR_ADD"],
        [{ key: "b", value: "1" }, "APPEND_IF_EXISTS_OR_ADD"],
      ],
    );
  });
  test("filters of one backend are its share's own", () => {
    const refs = [{ ...poolRef("a"), filters: [modifier] }, poolRef("b")];
    const { route: found } = ruleOf({ backendRefs: refs }, ab);
    const [first, second] = (found?.["route"] as { weighted_clusters: { clusters: object[] } })
      .weighted_clusters.clusters;
    assert.ok(first !== undefined && "request_headers_to_add" in first);
    assert.ok(second !== undefined && !("request_headers_to_add" in second));
  });
  const redirects: [string, RouteFilter["requestRedirect"], Record<string, unknown>][] = [
    [
      "to a hostname",
      { hostname: "x.org" },
      { host_redirect: "x.org", port_redirect: 20080, response_code: "FOUND" },
    ],
    [
      "to https",
      { scheme: "https", statusCode: 301 },
      { scheme_redirect: "https", port_redirect: 20443, response_code: "MOVED_PERMANENTLY" },
    ],
    ["to a port", { port: 8443 }, { port_redirect: 8443 }],
    ["to a path", { path: { type: "ReplaceFullPath", replaceFullPath: "/x" } }, { path_redirect: "/x" }],
    [
      "to a prefix",
      { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/x/" } },
      { regex_rewrite: { pattern: { regex: "^/*" }, substitution: "/x/" } },
    ],
  ];
  for (const [name, requestRedirect, expected] of redirects) {
    test(`redirect ${name}`, () => {
      const filter = { type: "RequestRedirect", ...(requestRedirect !== undefined && { requestRedirect }) };
      const https = { ...http, name: "https", port: 443, protocol: "HTTPS" };
      const { route: found } = ruleOf({ filters: [filter] }, { gateways: [gateway("gw", [http, https])] });
      for (const [key, value] of Object.entries(expected)) {
        assert.deepEqual((found?.["redirect"] as Record<string, unknown>)[key], value, key);
      }
    });
  }
  for (const type of ["URLRewrite", "RequestMirror", "ExtensionRef", "CORS", "Later"]) {
    test(`${type} is refused by name, and the route is not served`, () => {
      const { result, route: found } = ruleOf({ filters: [{ type }], backendRefs: [serviceRef("s")] });
      assert.equal(result?.unsupported?.reason, "UnsupportedValue");
      assert.match(result.unsupported.message, new RegExp(`rules\\[0\\]: filter ${type}`));
      assert.equal(found, undefined);
    });
  }
  test("a redirect that cannot be made is refused", () => {
    const filters = [{ type: "RequestRedirect", requestRedirect: { scheme: "gopher" } }];
    assert.match(ruleOf({ filters }).result?.unsupported?.message ?? "", /redirect scheme gopher/);
  });
  test("a route that is refused leaves the others alone", () => {
    const bad = route("bad", [{ filters: [{ type: "URLRewrite" }], backendRefs: [poolRef("a")] }]);
    const good = route("good", [{ backendRefs: [poolRef("b")] }]);
    const planned = plan(snapshot(ab, { routes: [bad, good] }));
    assert.deepEqual(
      splitOf(routeFor(planned, config, {}))?.clusters,
      splitOf(routeFor(plan(snapshot(ab, { routes: [good] })), config, {}))?.clusters,
    );
    assert.ok(!planned.envoy.clusters.has("pool/default/a"));
  });
});

describe("timeouts", () => {
  const cases: [RouteRule["timeouts"], string][] = [
    [undefined, "0s"],
    [{ request: "0s" }, "0s"],
    [{ request: "1m30s" }, "90s"],
    [{ request: "250ms" }, "0.25s"],
    [{ request: "10s", backendRequest: "2s" }, "2s"],
    [{ request: "0s", backendRequest: "2s" }, "2s"],
  ];
  for (const [timeouts, expected] of cases) {
    test(`${JSON.stringify(timeouts)} is ${expected}`, () => {
      const rule = { backendRefs: [serviceRef("s")], ...(timeouts !== undefined && { timeouts }) };
      assert.equal(splitOf(ruleOf(rule, { services: [service("s")] }).route)?.timeout, expected);
    });
  }
  test("what is no duration is refused", () => {
    const { result } = ruleOf({ timeouts: { request: "soon" }, backendRefs: [serviceRef("s")] });
    assert.match(result?.unsupported?.message ?? "", /soon is not a duration/);
  });
});

describe("gateways", () => {
  test("a Gateway of another class is nobody's business of ours", () => {
    const other = { ...gateway("gw"), spec: { gatewayClassName: "theirs", listeners: [http] } };
    const planned = plan(snapshot({ gateways: [other], routes: [route("r", [{}])] }));
    assert.equal(planned.gateways.length + planned.routes.length + planned.envoy.listeners.size, 0);
  });
  test("a port is bound where the surroundings say", () => {
    const planned = plan(snapshot());
    assert.match(JSON.stringify(planned.envoy.listeners.get(config)?.resource), /"port_value":20080/);
  });
  test("requests are logged only where that is asked for", () => {
    const text = (accessLog?: string): string =>
      JSON.stringify(plan(snapshot(), { accessLog }).envoy.listeners.get(config)?.resource);
    assert.doesNotMatch(text(), /access_log/);
    assert.match(text("/tmp/access.log"), /"access_log":.*"path":"\/tmp\/access.log"/);
  });
  test("the client's own endpoint header goes before anything else", () => {
    const text = JSON.stringify(plan(snapshot()).envoy.listeners.get(config)?.resource);
    assert.match(
      text,
      /early_header_mutation_extensions.*"mutations":\[\{"remove":"x-gateway-destination-endpoint"\}\]/,
    );
  });
});
