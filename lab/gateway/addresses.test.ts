import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gateway, http, plan, route, serviceRef, snapshot } from "./fixture/objects";
import type { Condition, Gateway, GatewaySpec } from "./objects/types";
import { Placement, type Placed } from "./placement";
import { gatewayStatus } from "./status/gateway-status";
import { routeParents } from "./status/route-status";
import { requestedAddress } from "./translate/addresses";

type Addresses = NonNullable<GatewaySpec["addresses"]>;

function asking(addresses: Addresses, name = "gw", created = "2026-01-01T00:00:00Z"): Gateway {
  const made = gateway(name);
  return {
    metadata: { ...made.metadata, creationTimestamp: created },
    spec: { ...made.spec, addresses },
  };
}

async function placed(gateways: readonly Gateway[], placement = new Placement("127.9.1", free)) {
  await placement.place(gateways);
  return gateways.map((one) => placement.placeOf(one));
}

function free(): Promise<boolean> {
  return Promise.resolve(true);
}

describe("spec.addresses", () => {
  const cases: [string, Addresses, ReturnType<typeof requestedAddress>["kind"], RegExp?][] = [
    ["nothing", [], "any"],
    ["an address of any value", [{ type: "IPAddress" }], "any"],
    ["IPAddress is the default of type", [{ value: "127.9.1.7" }], "certain"],
    ["an address of this lab", [{ type: "IPAddress", value: "127.9.1.254" }], "certain"],
    ["GKE's reserved address", [{ type: "NamedAddress", value: "my-ip" }], "any"],
    ["a name without a value", [{ type: "NamedAddress" }], "unusable", /needs a value/],
    [
      "another network",
      [{ value: "203.0.113.7" }],
      "unusable",
      /203\.0\.113\.7 is not an address of this lab/,
    ],
    ["another lab", [{ value: "127.9.11.7" }], "unusable", /127\.9\.1\.1 to 127\.9\.1\.254/],
    ["the network itself", [{ value: "127.9.1.0" }], "unusable"],
    ["beyond the range", [{ value: "127.9.1.255" }], "unusable"],
    ["no number", [{ value: "127.9.1.x" }], "unusable"],
    ["IPv6", [{ value: "::1" }], "unusable"],
    ["a hostname", [{ type: "Hostname", value: "a.org" }], "unsupported", /not Hostname/],
    ["somebody's own type", [{ type: "example.org/x", value: "y" }], "unsupported", /not example\.org\/x/],
    [
      "one that is not there and one of a type that does not exist: the type counts",
      [{ value: "203.0.113.7" }, { type: "example.org/x", value: "y" }],
      "unsupported",
    ],
    ["several", [{ value: "127.9.1.7" }, { value: "127.9.1.8" }], "unsupported", /one address/],
    ["several, one not usable", [{ value: "127.9.1.7" }, { value: "203.0.113.7" }], "unusable"],
  ];
  for (const [name, addresses, kind, message = /(?:)/] of cases) {
    test(`${name}: ${kind}`, () => {
      const desired = requestedAddress(asking(addresses), "127.9.1");
      assert.equal(desired.kind, kind);
      if ("message" in desired) assert.match(desired.message, message);
    });
  }
});

describe("placement by spec.addresses", () => {
  test("a Gateway gets the address it asks for, and others do not get it", async () => {
    const younger = asking([], "b", "2026-01-02T00:00:00Z");
    assert.deepEqual(await placed([younger, asking([{ value: "127.9.1.1" }], "a")]), [
      { address: "127.9.1.2" },
      { address: "127.9.1.1" },
    ]);
  });

  test("of two that ask for one address the older has it, and the younger when it is free", async () => {
    const placement = new Placement("127.9.1", free);
    const older = asking([{ value: "127.9.1.9" }], "a");
    const younger = asking([{ value: "127.9.1.9" }], "b", "2026-01-02T00:00:00Z");
    const [first, second] = await placed([older, younger], placement);
    assert.deepEqual(first, { address: "127.9.1.9" });
    assert.match(JSON.stringify(second), /"unusable".*another Gateway has 127\.9\.1\.9/);
    assert.deepEqual(await placed([younger], placement), [{ address: "127.9.1.9" }]);
  });

  test("a Gateway whose request changes moves, and one that asks for nothing more stays", async () => {
    const placement = new Placement("127.9.1", free);
    assert.deepEqual(await placed([asking([])], placement), [{ address: "127.9.1.1" }]);
    assert.deepEqual(await placed([asking([{ value: "127.9.1.5" }])], placement), [{ address: "127.9.1.5" }]);
    assert.deepEqual(await placed([asking([])], placement), [{ address: "127.9.1.5" }]);
  });

  test("ports are bound on the new address, whatever was bound on the old one", async () => {
    const placement = new Placement("127.9.1", (address) => Promise.resolve(address !== "127.9.1.1"));
    await placed([asking([])], placement);
    assert.equal(placement.boundPort(asking([]), 80), 20080);
    const moved = asking([{ value: "127.9.1.5" }]);
    await placed([moved], placement);
    assert.equal(placement.boundPort(moved, 80), 80);
  });
});

describe("a Gateway without an address", () => {
  const now = "2026-11-26T12:00:00Z";
  const fine = { routes: new Map(), listeners: new Map() };
  const brief = (conditions: readonly Condition[] | undefined): Record<string, string> =>
    Object.fromEntries((conditions ?? []).map((one) => [one.type, `${one.status} ${one.reason}`]));

  function underTest(place: Placed, spec: Partial<GatewaySpec> = {}) {
    const made = gateway("gw");
    const what = snapshot({
      gateways: [{ ...made, spec: { ...made.spec, ...spec } }],
      routes: [route("r", [{ backendRefs: [serviceRef("x")] }])],
    });
    const planned = plan(what, { placeOf: () => place });
    const status = gatewayStatus(planned.gateways[0]!, planned.routes, fine, undefined, now);
    const [parent] = routeParents(what.routes[0]!, planned.routes[0], fine, "c/c", now);
    return { planned, status, parent };
  }

  for (const [kind, accepted, programmed] of [
    ["unsupported", "False UnsupportedAddress", "False Invalid"],
    ["unusable", "True Accepted", "False AddressNotUsable"],
  ] as const) {
    test(`${kind}: the status says why, Envoy listens nowhere, and its routes are not served`, () => {
      const { planned, status, parent } = underTest({ problem: { kind, message: "the reason" } });
      assert.deepEqual(brief(status.conditions), { Accepted: accepted, Programmed: programmed });
      assert.ok(status.conditions?.some(({ message }) => message.includes("the reason")));
      assert.deepEqual(status.addresses, []);
      assert.equal(brief(status.listeners?.[0]?.conditions)["Accepted"], "True Accepted");
      assert.equal(brief(status.listeners?.[0]?.conditions)["Programmed"], "False Invalid");
      assert.equal(planned.envoy.listeners.size, 0);
      assert.equal(planned.envoy.routes.size, 0);
      const reconciled = parent?.conditions?.find(({ type }) => type === "Reconciled");
      assert.deepEqual([reconciled?.status, reconciled?.message], ["False", "the reason"]);
    });
  }

  test("parameters that nobody would read are refused", () => {
    const infrastructure = { parametersRef: { group: "", kind: "ConfigMap", name: "x" } };
    const { status } = underTest({ address: "127.9.1.1" }, { infrastructure });
    assert.equal(brief(status.conditions)["Accepted"], "False InvalidParameters");
    assert.equal(brief(status.conditions)["Programmed"], "False Invalid");
  });

  test("a check of clients' certificates that nobody would make is refused; plain listeners have none", () => {
    const https = { ...http, name: "https", port: 443, protocol: "HTTPS" };
    const { status } = underTest(
      { address: "127.9.1.1" },
      { listeners: [http, https], tls: { frontend: { default: {} } } },
    );
    const [plain, secure] = status.listeners ?? [];
    assert.equal(brief(plain?.conditions)["Accepted"], "True Accepted");
    assert.equal(brief(secure?.conditions)["Accepted"], "False UnsupportedValue");
  });
});
