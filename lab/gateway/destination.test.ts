import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { firstValidEndpoint } from "./envoy/destination";
import { routeFor } from "./fixture/envoy-model";
import { plan, poolRef, route, service, serviceRef, snapshot, wholePool } from "./fixture/objects";
import type { BackendRef } from "./objects/types";

/** Envoy's RE2 and JavaScript agree about what the pattern uses. */
function chosen(list: string): string | undefined {
  return new RegExp(firstValidEndpoint).exec(list)?.[1];
}

describe("the endpoint that a picker's list names", () => {
  const cases: [string, string | undefined][] = [
    ["10.0.0.1:8000", "10.0.0.1:8000"],
    ["10.0.0.1:8000,10.0.0.2:8000", "10.0.0.1:8000"],
    ["10.0.0.1:8000, 10.0.0.2:8000 ,10.0.0.3:8000", "10.0.0.1:8000"],
    [" 10.0.0.1:8000 ", "10.0.0.1:8000"],
    ["nonsense,10.0.0.2:8000,10.0.0.3:8000", "10.0.0.2:8000"],
    [",10.0.0.2:8000", "10.0.0.2:8000"],
    ["10.0.0.1,10.0.0.2:8000", "10.0.0.2:8000"],
    ["host:8000,10.0.0.2:8000", "10.0.0.2:8000"],
    ["10.0.0.1:8000,", "10.0.0.1:8000"],
    ["[2001:db8::1]:8000,10.0.0.2:8000", "[2001:db8::1]:8000"],
    ["2001:db8::1,10.0.0.2:8000", "10.0.0.2:8000"],
    ["10.0.0.1:8000x", undefined],
    ["nonsense", undefined],
    ["", undefined],
  ];
  for (const [list, expected] of cases) {
    test(`"${list}" is ${expected ?? "none"}`, () => assert.equal(chosen(list), expected));
  }
});

describe("what Envoy is told about it", () => {
  const a = wholePool("a", 10);
  const planned = plan(snapshot(a, { routes: [route("r", [{ backendRefs: [poolRef("a")] }])] }));
  const text = (value: unknown): string => JSON.stringify(value);
  const cluster = planned.envoy.clusters.get("pool/default/a");

  test("a pool's cluster takes the endpoint from metadata: no header of a client can reach it", () => {
    assert.deepEqual(cluster?.["original_dst_lb_config"], {
      metadata_key: { key: "envoy.lb", path: [{ key: "x-gateway-destination-endpoint" }] },
    });
  });

  test("the picker hears who served: written by the pool's cluster, read before the picker's filter", () => {
    assert.match(text(cluster), /x-gateway-destination-endpoint-served","value":"%UPSTREAM_REMOTE_ADDRESS%"/);
    const listener = text(planned.envoy.listeners.get("default/gw/80")?.resource);
    assert.match(listener, /"metadata_options":\{"forwarding_namespaces":\{"untyped":\["envoy\.lb"\]/);
    const [picker, metadata, router] = ["ext_proc", "header_to_metadata", "router"].map((name) =>
      listener.indexOf(`"envoy.filters.http.${name}"`),
    );
    // Answers pass the filters from the last to the first.
    assert.ok(picker! > 0 && picker! < metadata! && metadata! < router!);
  });

  test("clusters without a picker report nothing", () => {
    const away = plan(snapshot(a, { routes: [route("r", [{ backendRefs: [poolRef("a")] }])] }), {
      answers: () => false,
    });
    assert.ok([...away.envoy.clusters.keys()].every((name) => name.startsWith("pods/")));
    assert.doesNotMatch(text([...away.envoy.clusters.values()]), /endpoint-served/);
  });
});

describe("WebSocket", () => {
  const a = wholePool("a", 10);
  const upgrades = (refs: readonly BackendRef[], answers = true): unknown => {
    const underTest = snapshot(a, {
      services: [service("s")],
      routes: [route("r", [{ backendRefs: refs }])],
    });
    const found = routeFor(plan(underTest, { answers: () => answers }), "default/gw/80", {});
    return (found?.["route"] as { upgrade_configs?: unknown } | undefined)?.upgrade_configs;
  };
  const allowed = [{ upgrade_type: "websocket", enabled: true }];
  const cases: [string, BackendRef[], boolean][] = [
    ["a Service", [serviceRef("s")], true],
    ["a pool: its picker would wait for the end of the request", [poolRef("a")], false],
    ["a pool beside a Service", [serviceRef("s", 9), poolRef("a", 1)], false],
    ["a pool at weight 0: its weight may rise", [serviceRef("s", 1), poolRef("a", 0)], false],
  ];
  for (const [name, refs, expected] of cases) {
    test(`${name}: ${expected ? "yes" : "no"}`, () => {
      assert.deepEqual(upgrades(refs), expected ? allowed : undefined);
      assert.deepEqual(upgrades(refs, false), expected ? allowed : undefined);
    });
  }

  test("what a rule does not switch on is off", () => {
    const listener = plan(snapshot({})).envoy.listeners.get("default/gw/80");
    assert.match(
      JSON.stringify(listener),
      /"upgrade_configs":\[\{"upgrade_type":"websocket","enabled":false/,
    );
  });
});
