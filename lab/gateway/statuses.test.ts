import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  controllerName,
  gateway,
  http,
  plan,
  poolRef,
  route,
  snapshot,
  wholePool,
  type RouteFields,
} from "./fixture/objects";
import type { Outcome } from "./envoy/apply";
import type { Snapshot } from "./objects/snapshot";
import type { Condition, GatewayStatus, Listener, ParentStatus } from "./objects/types";
import { gatewayStatus } from "./status/gateway-status";
import { poolParents } from "./status/pool-status";
import { routeParents } from "./status/route-status";

const fine: Outcome = { routes: new Map(), listeners: new Map() };
const now = "2026-11-22T12:00:00Z";
const a = wholePool("a", 10);

function parentsOf(underTest: Snapshot, outcome = fine): ParentStatus[] {
  const planned = plan(underTest);
  return routeParents(underTest.routes[0]!, planned.routes[0], outcome, controllerName, now);
}

/** `type: status reason` of conditions, the form in which people read them. */
function brief(conditions: readonly Condition[] | undefined): Record<string, string> {
  return Object.fromEntries((conditions ?? []).map((one) => [one.type, `${one.status} ${one.reason}`]));
}

describe("route status", () => {
  const refs = [{ backendRefs: [poolRef("a")] }];
  const sameNamespace = { ...http };
  const cases: [string, Listener[], RouteFields, string][] = [
    ["accepted", [sameNamespace], {}, "True Accepted"],
    [
      "no such listener",
      [http],
      { parentRefs: [{ name: "gw", sectionName: "x" }] },
      "False NoMatchingParent",
    ],
    ["no such port", [http], { parentRefs: [{ name: "gw", port: 81 }] }, "False NoMatchingParent"],
    ["another namespace", [http], { namespace: "other" }, "False NotAllowedByListeners"],
    [
      "another namespace, all allowed",
      [{ ...http, allowedRoutes: { namespaces: { from: "All" } } }],
      { namespace: "other" },
      "True Accepted",
    ],
    [
      "namespace selected by label",
      [
        {
          ...http,
          allowedRoutes: { namespaces: { from: "Selector", selector: { matchLabels: { team: "a" } } } },
        },
      ],
      { namespace: "other" },
      "True Accepted",
    ],
    [
      "namespace not selected",
      [
        {
          ...http,
          allowedRoutes: {
            namespaces: {
              from: "Selector",
              selector: { matchExpressions: [{ key: "team", operator: "NotIn", values: ["a"] }] },
            },
          },
        },
      ],
      { namespace: "other" },
      "False NotAllowedByListeners",
    ],
    [
      "no hostname in common",
      [{ ...http, hostname: "*.a.org" }],
      { hostnames: ["b.org"] },
      "False NoMatchingListenerHostname",
    ],
  ];
  for (const [name, listeners, fields, expected] of cases) {
    test(name, () => {
      const namespaces = [{ metadata: { name: "other", labels: { team: "a" } }, spec: {} }];
      const underTest = snapshot(a, {
        namespaces,
        gateways: [gateway("gw", listeners)],
        routes: [route("r", refs, fields)],
      });
      const { Accepted, Reconciled } = brief(parentsOf(underTest)[0]?.conditions);
      assert.equal(Accepted, expected);
      assert.equal(
        Reconciled,
        expected.startsWith("True") ? "True ReconciliationSucceeded" : "False ReconciliationFailed",
      );
    });
  }

  test("conditions are about the present generation, and name parent and controller", () => {
    const [parent] = parentsOf(snapshot(a, { routes: [route("r", refs, { generation: 7 })] }));
    assert.deepEqual(
      parent?.conditions?.map(({ observedGeneration }) => observedGeneration),
      [7, 7, 7],
    );
    assert.equal(parent.controllerName, controllerName);
    assert.deepEqual(parent.parentRef, { name: "gw", namespace: "default" });
  });

  test("what Envoy does not serve is not reconciled, with Envoy's reason", () => {
    const outcome: Outcome = {
      ...fine,
      routes: new Map([["default/gw/80", { message: "bad regex", refused: true }]]),
    };
    const [parent] = parentsOf(snapshot(a, { routes: [route("r", refs)] }), outcome);
    const found = parent?.conditions?.find(({ type }) => type === "Reconciled");
    assert.equal(`${found?.status} ${found?.message}`, "False Envoy: bad regex");
  });

  test("the time of a condition changes only with its status", () => {
    const first = parentsOf(snapshot(a, { routes: [route("r", refs)] }));
    const old = first.map((one) => ({
      ...one,
      conditions:
        one.conditions?.map((two) => ({ ...two, lastTransitionTime: "2020-01-01T00:00:00Z" })) ?? [],
    }));
    const before = { ...route("r", [{ backendRefs: [poolRef("none")] }]), status: { parents: old } };
    const times = Object.fromEntries(
      parentsOf(snapshot(a, { routes: [before] }))[0]?.conditions?.map((one) => [
        one.type,
        one.lastTransitionTime,
      ]) ?? [],
    );
    assert.deepEqual(times, {
      Accepted: "2020-01-01T00:00:00Z",
      ResolvedRefs: now,
      Reconciled: "2020-01-01T00:00:00Z",
    });
  });

  test("entries of other controllers stay, our own for a parent that is no longer named goes", () => {
    const theirs = { parentRef: { name: "other" }, controllerName: "example.org/other", conditions: [] };
    const stale = { parentRef: { name: "gone" }, controllerName, conditions: [] };
    const before = { ...route("r", refs), status: { parents: [theirs, stale] } };
    const names = parentsOf(snapshot(a, { routes: [before] })).map(({ parentRef }) => parentRef.name);
    assert.deepEqual(names, ["other", "gw"]);
  });
});

describe("gateway status", () => {
  function statusOf(
    listeners: readonly Listener[],
    underTest: Partial<Snapshot> = {},
    outcome = fine,
  ): GatewayStatus {
    const planned = plan(snapshot({ gateways: [gateway("gw", listeners)], ...underTest }));
    return gatewayStatus(planned.gateways[0]!, planned.routes, outcome, undefined, now);
  }
  const https = { ...http, name: "https", port: 443, protocol: "HTTPS" };

  test("a good one, with the routes it has", () => {
    const refused = route("x", [{}], {
      hostnames: ["a.org"],
      parentRefs: [{ name: "gw", sectionName: "no" }],
    });
    const status = statusOf([http], { routes: [route("r", []), route("s", []), refused] });
    assert.deepEqual(brief(status.conditions), { Accepted: "True Accepted", Programmed: "True Programmed" });
    assert.deepEqual(status.addresses, [{ type: "IPAddress", value: "127.0.1.1" }]);
    assert.equal(status.listeners?.[0]?.attachedRoutes, 2);
    assert.deepEqual(brief(status.listeners[0].conditions), {
      Accepted: "True Accepted",
      Programmed: "True Programmed",
      ResolvedRefs: "True ResolvedRefs",
      Conflicted: "False NoConflicts",
    });
    const generations = [...(status.conditions ?? []), ...status.listeners[0].conditions];
    assert.ok(generations.every(({ observedGeneration }) => observedGeneration === 3));
  });

  const bad: [string, Listener[], string, string][] = [
    ["a protocol we do not serve", [{ ...http, protocol: "TCP" }], "Accepted", "False UnsupportedProtocol"],
    ["no certificate", [https], "ResolvedRefs", "False InvalidCertificateRef"],
    [
      "a certificate that is not there",
      [{ ...https, tls: { certificateRefs: [{ name: "c" }] } }],
      "ResolvedRefs",
      "False InvalidCertificateRef",
    ],
    [
      "a certificate of another namespace",
      [{ ...https, tls: { certificateRefs: [{ name: "c", namespace: "other" }] } }],
      "ResolvedRefs",
      "False RefNotPermitted",
    ],
    ["two protocols on one port", [http, { ...https, port: 80 }], "Conflicted", "True ProtocolConflict"],
    ["one hostname twice", [http, { ...http, name: "b" }], "Conflicted", "True HostnameConflict"],
  ];
  for (const [name, listeners, type, expected] of bad) {
    test(`${name}: told on the listener; a Gateway without a valid one is not accepted`, () => {
      const status = statusOf(listeners);
      const listener = brief(status.listeners?.[0]?.conditions);
      assert.equal(listener[type], expected);
      assert.equal(listener["Programmed"], "False Invalid");
      assert.equal(brief(status.conditions)["Accepted"], "False ListenersNotValid");
    });
  }

  test("one bad listener beside a good one", () => {
    const status = statusOf([http, https]);
    assert.deepEqual(brief(status.conditions), {
      Accepted: "True ListenersNotValid",
      Programmed: "True Programmed",
    });
  });

  test("kinds we do not serve are told, those we do are served", () => {
    const kinds = [{ kind: "HTTPRoute" }, { kind: "GRPCRoute" }];
    const status = statusOf([{ ...http, allowedRoutes: { kinds } }], { routes: [route("r", [])] });
    const listener = status.listeners?.[0];
    assert.equal(brief(listener?.conditions)["ResolvedRefs"], "False InvalidRouteKinds");
    assert.deepEqual(
      listener?.supportedKinds.map(({ kind }) => kind),
      ["HTTPRoute"],
    );
    assert.equal(listener.attachedRoutes, 1);
  });

  test("a listener that Envoy cannot bind is not programmed, nor is its Gateway", () => {
    const outcome: Outcome = { ...fine, listeners: new Map([["default/gw/80", "Address already in use"]]) };
    const status = statusOf([http], {}, outcome);
    assert.equal(brief(status.conditions)["Programmed"], "False Invalid");
    assert.match(status.listeners?.[0]?.conditions[1]?.message ?? "", /Address already in use/);
  });
});

describe("pool status", () => {
  const entry = { parentRef: { name: "gw", namespace: "default" }, controllerName, conditions: [] };
  function parents(routes: Snapshot["routes"], underTest: Partial<Snapshot> = a): ParentStatus[] {
    const planned = plan(snapshot(underTest, { routes }));
    const pool = { ...underTest.pools![0]!, status: { parents: [entry] } };
    return poolParents(pool, planned.pools[0], planned.routes, controllerName, now);
  }
  test("a parent for the Gateway through which a route names it", () => {
    const [parent, ...others] = parents([route("r", [{ backendRefs: [poolRef("a", 0)] }])]);
    assert.equal(others.length, 0);
    assert.deepEqual(parent?.parentRef, {
      group: "gateway.networking.k8s.io",
      kind: "Gateway",
      namespace: "default",
      name: "gw",
    });
    assert.deepEqual(brief(parent.conditions), {
      Accepted: "True Accepted",
      ResolvedRefs: "True ResolvedRefs",
    });
    assert.ok(parent.conditions?.every(({ observedGeneration }) => observedGeneration === 2));
  });
  test("no parent when no route names it", () => assert.deepEqual(parents([]), []));
  test("a picker that cannot be found", () => {
    const [parent] = parents([route("r", [{ backendRefs: [poolRef("a")] }])], { ...a, services: [] });
    assert.equal(brief(parent?.conditions)["ResolvedRefs"], "False InvalidExtensionRef");
  });
  test("named by a route that is not accepted only", () => {
    const bad = route("r", [{ filters: [{ type: "URLRewrite" }], backendRefs: [poolRef("a")] }]);
    assert.equal(brief(parents([bad])[0]?.conditions)["Accepted"], "False HTTPRouteNotAccepted");
    const good = route("s", [{ backendRefs: [poolRef("a")] }]);
    assert.equal(brief(parents([bad, good])[0]?.conditions)["Accepted"], "True Accepted");
  });
});
