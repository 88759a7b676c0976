import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gke } from "../../../components/gateways/gke";
import type { GatewayConfig } from "../../../components/gateways/gateway";
import { fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import {
  droppedGatewayNotes,
  droppedGatewayRefusals,
  gatewayRefusals,
  type LiveGateway,
} from "../../../stacks/plan/gateway-change";
import { cloud } from "../cases";
import { known, poolRef, type RouteFields } from "./route-fixtures";

/* A Gateway whose routes have clients: whatever they reach it by stays. */

function wanted(gateway: object): GatewayConfig {
  const { config, mistakes } = resolveConfig({ role: "platform", gateway }, cloud);
  assert.deepEqual(mistakes, []);
  assert.ok(config !== undefined && config.role === "platform");
  return config.platform.gateway;
}

/** As the program makes it of this config. */
function liveOf(gateway: object): LiveGateway {
  const { exposure, port, address, hostname, tlsSecret, certificate, routesFrom } = wanted(gateway);
  const protocol = tlsSecret === undefined && certificate === undefined ? "HTTP" : "HTTPS";
  const name = protocol.toLowerCase();
  return {
    className: gke.classes[exposure],
    addresses: address === undefined ? [] : [address],
    ip: "10.0.0.5",
    listeners: [
      { name, port, protocol, admits: routesFrom, ...(hostname === undefined ? {} : { hostname }) },
    ],
  };
}

const route = (fields: RouteFields = {}): ReturnType<typeof known> =>
  known("routes-to-chat", [{ backendRefs: [poolRef("chat")] }], fields);

const tls = { tlsSecret: "cert", hostname: "*.example.com" };
const external = { ...tls, exposure: "external" };

const cases: readonly { name: string; before: object; after: object; route?: RouteFields; fix?: string }[] = [
  { name: "stays", before: {}, after: {} },
  { name: "takes more names", before: { hostname: "llm.example.com" }, after: { hostname: "*.example.com" } },
  { name: "takes any name", before: { hostname: "llm.example.com" }, after: {} },
  {
    name: "takes fewer names, and every route keeps its own",
    before: {},
    after: { hostname: "*.example.com" },
    route: { hostnames: ["chat.example.com"] },
  },
  {
    name: "takes other names",
    before: { hostname: "*.example.com" },
    after: { hostname: "*.example.org" },
    route: { hostnames: ["chat.example.com"] },
    fix: "pulumi config set --path 'gateway.hostname' '*.example.com'",
  },
  {
    name: "takes one name, and a route had any",
    before: {},
    after: { hostname: "llm.example.com" },
    fix: "pulumi config rm --path 'gateway.hostname'",
  },
  {
    name: "gets another load balancer",
    before: external,
    after: { ...external, exposure: "internal" },
    fix: "pulumi config set --path 'gateway.exposure' external (to change it, create another Gateway, and move the clients first)",
  },
  {
    name: "gets another port",
    before: { port: 8080 },
    after: {},
    fix: "pulumi config set --path 'gateway.port' 8080",
  },
  {
    name: "gets TLS",
    before: { hostname: "*.example.com" },
    after: tls,
    fix: "pulumi config rm --path 'gateway.tlsSecret'",
  },
  {
    name: "loses TLS",
    before: tls,
    after: { hostname: "*.example.com" },
    fix: "restore gateway.tlsSecret or gateway.certificate",
  },
  {
    name: "gets another address",
    before: { address: "llm-address" },
    after: {},
    fix: "pulumi config set --path 'gateway.address' llm-address",
  },
  {
    name: "lets a namespace in no more",
    before: { routesFrom: ["chat"] },
    after: { routesFrom: ["search"] },
    route: { namespace: "chat" },
    fix: "pulumi config rm --path 'gateway.routesFrom' && pulumi config set --path 'gateway.routesFrom[0]' search && pulumi config set --path 'gateway.routesFrom[1]' chat",
  },
  {
    name: "had no address of its own, and gets one",
    before: {},
    after: { address: "llm-address" },
    fix: "pulumi config rm --path 'gateway.address' (if llm-address is that IP address, reserved since, use the waiver)",
  },
  {
    name: "has a route in a namespace that it never let in",
    before: {},
    after: { port: 8080 },
    route: { namespace: "stray" },
  },
];

describe("a Gateway that this stack created", () => {
  for (const { name, before, after, route: fields, fix } of cases) {
    it(`${fix === undefined ? "may" : "may not while it has routes"}: ${name}`, () => {
      const use = { live: liveOf(before), routes: [route(fields)] };
      const found = gatewayRefusals(wanted(after), use).map((refusal) => fixText(refusal.fix));
      assert.deepEqual(found, fix === undefined ? [] : [fix]);
      assert.deepEqual(gatewayRefusals(wanted(after), { ...use, routes: [] }), [], "nobody uses it");
    });
  }

  it("names what is lost, and who uses it", () => {
    const refusals = gatewayRefusals(wanted({}), { live: liveOf({ port: 8080 }), routes: [route()] });
    assert.deepEqual(
      refusals.map(({ rule, waiver, found }) => [rule, waiver, found]),
      [
        [
          ...["address-dropped", "address-dropped"],
          "clients reach the Gateway by HTTP on port 8080, but the config says HTTP on port 80; routes on Gateway default/my-inference-gateway: HTTPRoute default/routes-to-chat",
        ],
      ],
    );
  });

  it("keeps the listeners of others, whatever it says of its own", () => {
    const live = liveOf({});
    const theirs = { name: "admin", port: 9443, protocol: "HTTPS" };
    const https = { name: "https", port: 443, protocol: "HTTPS" };
    const use = { live: { ...live, listeners: [theirs, https, ...live.listeners] }, routes: [route()] };
    assert.deepEqual(gatewayRefusals(wanted({}), use), []);
  });

  it("leaves the hostname of this stack's own route to the plan", () => {
    const own = { ...route(), service: "llm" };
    const use = { live: liveOf({}), routes: [own], own: "llm" };
    assert.deepEqual(gatewayRefusals(wanted({ hostname: "llm.example.com" }), use), []);
  });
});

describe("a Gateway that this stack created and the config no longer has", () => {
  const dropped = (service?: string): Parameters<typeof droppedGatewayRefusals>[1] => [
    {
      ...{ namespace: "default", name: "my-inference-gateway", urn: "urn:pulumi:g" },
      routes: [{ ...route(), ...(service === undefined ? {} : { service }) }],
    },
  ];
  const fixes = (gateway: object | undefined, service?: string, own?: string): string[] =>
    droppedGatewayRefusals(gateway === undefined ? undefined : wanted(gateway), dropped(service), own).map(
      ({ fix }) => fixText(fix),
    );

  it("stays while a route is attached to it, whoever it is said to be made by", () => {
    assert.deepEqual(fixes({ existing: true }), ["pulumi config rm --path 'gateway.existing'"]);
    assert.deepEqual(fixes({ existing: true }, "llm", "llm"), ["pulumi config rm --path 'gateway.existing'"]);
    const back =
      "pulumi config set --path 'gateway.name' my-inference-gateway && pulumi config set --path 'gateway.namespace' default";
    assert.deepEqual(fixes({ name: "other" }), [back]);
    assert.deepEqual(fixes({ namespace: "gateways" }), [back]);
    assert.deepEqual(fixes({ name: "other", existing: true }), [
      `pulumi config rm --path 'gateway.existing' && ${back}`,
    ]);
    assert.deepEqual(fixes(undefined, undefined, "llm"), [`pulumi config set role all && ${back}`]);
  });

  it("may go with nobody on it, and leaves the move of this stack's own route to the plan", () => {
    assert.deepEqual(droppedGatewayRefusals(wanted({ existing: true }), []), []);
    const unused = dropped().map((gateway) => ({ ...gateway, routes: [] }));
    assert.deepEqual(droppedGatewayRefusals(wanted({ existing: true }), unused), []);
    assert.deepEqual(fixes({ name: "other" }, "llm", "llm"), []);
  });

  it("says what is lost, and can be waived", () => {
    const [refusal] = droppedGatewayRefusals(wanted({ existing: true }), dropped());
    assert.equal(refusal?.waiver, "address-dropped");
    assert.match(
      refusal.found,
      /created Gateway default\/my-inference-gateway.*HTTPRoute default\/routes-to-chat/,
    );
    assert.match(droppedGatewayNotes(dropped())[0] ?? "", /pulumi state unprotect 'urn:pulumi:g'/);
  });
});
