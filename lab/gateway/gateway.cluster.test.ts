import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, complete, count, Load } from "./fixture/client";
import type { TestPool } from "./fixture/pool";
import { grantOther, makePools } from "./fixture/pools";
import { GatewayUnderTest } from "./fixture/gateway-under-test";
import type { Gateway, GatewayClass } from "./objects/types";

const gateways = "/apis/gateway.networking.k8s.io/v1/gateways";
const classes = "/apis/gateway.networking.k8s.io/v1/gatewayclasses";

/** Real API server, real Envoy, real endpoint pickers; only model servers and kubelet are stand-ins. */
describe("gateway", () => {
  let underTest: GatewayUnderTest;
  let a: TestPool, b: TestPool, far: TestPool;

  before(async () => {
    underTest = await GatewayUnderTest.start();
    ({ a, b, far } = await makePools(underTest));
  });
  after(() => underTest.stop());

  test("classes are accepted, and each Gateway has an address of its own and tells its ports", async () => {
    const found = await underTest.object<GatewayClass>(classes, "gke-l7-regional-external-managed");
    assert.equal(found.status?.conditions?.[0]?.status, "True");
    assert.equal(found.status.conditions[0].observedGeneration, found.metadata.generation);
    const [first, second] = [await underTest.plainGateway("one"), await underTest.plainGateway("two")];
    assert.notEqual(new URL(first).hostname, new URL(second).hostname);
    const status = (await underTest.object<Gateway>(gateways, "one", "default")).status;
    assert.equal(status?.addresses?.[0]?.value, new URL(first).hostname);
    assert.ok(status.conditions?.every((one) => one.status === "True" && one.observedGeneration === 1));
    assert.equal((await ask(first)).status, 404);
  });

  test("a port below 1024 is bound somewhere, and /state tells where", async () => {
    await underTest.apply({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "low", namespace: "default" },
      spec: { gatewayClassName: "gke-l7-rilb", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
    });
    const url = await underTest.url("low", 80);
    assert.ok(["80", "", "20080"].includes(new URL(url).port));
    assert.equal((await ask(url)).status, 404);
  });

  test("70/30 over 400 requests, each share decided by its own picker", async () => {
    const url = await underTest.plainGateway("split");
    const conditions = await underTest.putRoute("split", "split", [{ backendRefs: [a.ref(70), b.ref(30)] }]);
    assert.deepEqual(
      Object.values(conditions).map(({ status }) => status),
      ["True", "True", "True"],
    );
    const before = [await a.picked(), await b.picked()] as const;
    const counts = await count(400, () => complete(url));
    const picked = [(await a.picked()) - before[0], (await b.picked()) - before[1]];
    console.log(`70/30: ${JSON.stringify(counts)}, decided by the pickers: ${picked.join("/")}`);
    assert.equal((counts["a"] ?? 0) + (counts["b"] ?? 0), 400);
    // Four sigma of 400 at 30 %.
    assert.ok(Math.abs((counts["b"] ?? 0) - 120) <= 37, JSON.stringify(counts));
    assert.deepEqual(picked, [counts["a"], counts["b"]]);
  });

  test("weights: 0 is none, absent is 1, all 0 is 500", async () => {
    const url = await underTest.plainGateway("weights");
    const at = (path: string): object => ({ path: { type: "PathPrefix", value: path } });
    await underTest.putRoute("weights", "weights", [
      { matches: [at("/none")], backendRefs: [a.ref(0), b.ref(5)] },
      { matches: [at("/half")], backendRefs: [a.ref(), b.ref()] },
      { matches: [at("/zero")], backendRefs: [a.ref(0), b.ref(0)] },
    ]);
    assert.deepEqual(await count(40, () => complete(`${url}/none`)), { b: 40 });
    const half = await count(100, () => complete(`${url}/half`));
    assert.ok(Math.abs((half["a"] ?? 0) - 50) <= 20, JSON.stringify(half));
    assert.deepEqual(await count(5, () => complete(`${url}/zero`)), { "500": 5 });
  });

  test("a client cannot choose its endpoint", async () => {
    const url = await underTest.plainGateway("choose");
    await underTest.putRoute("choose", "choose", [{ backendRefs: [a.ref()] }]);
    const headers = { "x-gateway-destination-endpoint": `${b.address(1)}:8000` };
    assert.deepEqual(await count(20, () => complete(url, { headers })), { a: 20 });
    assert.deepEqual(await count(20, () => ask(url, { headers })), { a: 20 });
  });

  test("a preview header, two routes, hostnames and redirects", async () => {
    const url = await underTest.plainGateway("rules");
    await underTest.putRoute("customers", "rules", [{ backendRefs: [a.ref()] }]);
    await underTest.putRoute("preview", "rules", [
      { matches: [{ headers: [{ name: "X-Preview", value: "secret" }] }], backendRefs: [b.ref()] },
    ]);
    const filter = { type: "RequestRedirect", requestRedirect: { hostname: "new.org", statusCode: 301 } };
    await underTest.putRoute("moved", "rules", [{ filters: [filter] }], { hostnames: ["old.org"] });
    const change = {
      type: "RequestHeaderModifier",
      requestHeaderModifier: { set: [{ name: "x-seen", value: "100%" }] },
    };
    await underTest.putRoute("changed", "rules", [
      {
        matches: [{ path: { type: "PathPrefix", value: "/changed" } }],
        filters: [change],
        backendRefs: [a.ref()],
      },
    ]);
    assert.deepEqual(await count(20, () => complete(url)), { a: 20 });
    assert.deepEqual(await count(20, () => complete(url, { headers: { "x-preview": "secret" } })), { b: 20 });
    assert.deepEqual(await count(5, () => complete(url, { headers: { "x-preview": "guess" } })), { a: 5 });
    const moved = await ask(`${url}/x?y=1`, { headers: { host: "old.org" } });
    assert.deepEqual([moved.status, moved.headers.location], [301, "http://new.org:8080/x?y=1"]);
    await complete(`${url}/changed`);
    assert.ok(a.servers.some(({ lastHeaders }) => lastHeaders["x-seen"] === "100%"));
  });

  test("another namespace needs a ReferenceGrant; the share without one gets 500, the rest is served", async () => {
    const url = await underTest.plainGateway("grants");
    const refused = await underTest.putRoute("grants", "grants", [{ backendRefs: [a.ref(), far.ref()] }]);
    assert.equal(refused["ResolvedRefs"]?.reason, "RefNotPermitted");
    assert.equal(refused["Reconciled"]?.status, "True");
    const without = await count(60, () => complete(url));
    assert.deepEqual(Object.keys(without).sort(), ["500", "a"]);
    await grantOther(underTest);
    await underTest.eventually("the grant", async () =>
      (await underTest.routeConditions("grants"))["ResolvedRefs"]?.status === "True" ? true : undefined,
    );
    assert.deepEqual(Object.keys(await count(60, () => complete(url))).sort(), ["a", "far"]);
  });

  test("a backend that is not there: told, its share fails, and it is found when it comes", async () => {
    const url = await underTest.plainGateway("missing");
    const service = (name: string): object => ({ name, port: 80, weight: 1 });
    const conditions = await underTest.putRoute("missing", "missing", [
      { backendRefs: [service("late"), { ...service("never"), weight: 0 }] },
    ]);
    assert.equal(conditions["ResolvedRefs"]?.reason, "BackendNotFound");
    assert.equal(conditions["ResolvedRefs"].observedGeneration, 1);
    assert.deepEqual(await count(5, () => ask(url)), { "500": 5 });
    await underTest.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "late", namespace: "default" },
      spec: { selector: { app: "a" }, ports: [{ port: 80, targetPort: 8000 }] },
    });
    await underTest.eventually("the Service", async () =>
      (await ask(url)).status === 200 ? true : undefined,
    );
    assert.deepEqual(await count(20, () => ask(url)), { a: 20 });
  });

  test("bad routes beside a good one, under load: the good one loses nothing", async (t) => {
    const url = await underTest.plainGateway("bad");
    await underTest.putRoute("good", "bad", [{ backendRefs: [a.ref()] }]);
    const load = new Load(t, url, 50, 0);
    const regex = {
      matches: [{ path: { type: "RegularExpression", value: "/(?!x)" } }],
      backendRefs: [b.ref()],
    };
    const byEnvoy = await underTest.putRoute("bad-regex", "bad", [regex]);
    const rewrite = { type: "URLRewrite", urlRewrite: { hostname: "x.org" } };
    const byUs = await underTest.putRoute("bad-filter", "bad", [
      { filters: [rewrite], backendRefs: [b.ref()] },
    ]);
    // A change of the good route must still get through.
    await underTest.putRoute("good", "bad", [{ backendRefs: [a.ref(), b.ref()] }]);
    await underTest.programmed("good");
    const fixed = await underTest.putRoute("bad-regex", "bad", [
      { matches: [{ path: { type: "RegularExpression", value: "/x.*" } }], backendRefs: [b.ref()] },
    ]);
    await load.stop();
    assert.deepEqual(
      [byEnvoy["Accepted"]?.status, byEnvoy["Accepted"]?.reason, byEnvoy["Reconciled"]?.status],
      ["False", "UnsupportedValue", "False"],
    );
    assert.match(byEnvoy["Accepted"]?.message ?? "", /Envoy: .*\(\?!/);
    assert.match(byUs["Accepted"]?.message ?? "", /filter URLRewrite/);
    assert.equal(fixed["Reconciled"]?.status, "True");
    assert.deepEqual(await count(5, () => complete(`${url}/x`)), { b: 5 });
    assert.deepEqual(load.failures, []);
    console.log(`bad routes: ${load.answers.length} requests of the good one, 0 failed`);
  });

  test("weight moves under streams at 100 requests a second lose nothing", async (t) => {
    const url = await underTest.plainGateway("moves");
    for (const server of [...a.servers, ...b.servers]) server.stream = { chunks: 20, pauseMs: 100 };
    const split = (weight: number) =>
      underTest.putRoute("moves", "moves", [{ backendRefs: [a.ref(100 - weight), b.ref(weight)] }]);
    await split(0);
    const load = new Load(t, url, 100, 0.2);
    const times: string[] = [];
    const settled: { weight: number; from: number; to: number }[] = [];
    await sleep(500);
    for (const weight of [10, 30, 60, 100, 0, 100]) {
      const began = performance.now();
      await split(weight);
      times.push(`${weight}: ${Math.round(performance.now() - began)} ms`);
      const from = performance.now() + 50;
      await sleep(1200);
      settled.push({ weight, from, to: performance.now() });
    }
    // The old pool leaves the route altogether while its streams run.
    await underTest.putRoute("moves", "moves", [{ backendRefs: [b.ref()] }]);
    await sleep(500);
    await load.stop();
    assert.deepEqual(load.failures, []);
    for (const { weight, from, to } of settled) {
      const during = load.answers.filter(({ at }) => at >= from && at < to);
      const toB = during.filter(({ answer }) =>
        String(answer.headers["x-served-by"]).startsWith("b-"),
      ).length;
      if (weight === 0 || weight === 100) assert.equal(toB, weight === 0 ? 0 : during.length, `at ${weight}`);
      const share = toB / during.length;
      const sigma = Math.sqrt((weight * (100 - weight)) / 10_000 / during.length);
      assert.ok(Math.abs(share - weight / 100) <= 5 * sigma, `${toB} of ${during.length} at ${weight}`);
    }
    console.log(
      `moves: ${load.answers.length} requests, ${load.streams} streams, 0 failed; ${times.join(", ")}`,
    );
  });

  test("HTTPS with a certificate from a Secret, and without it", async () => {
    const name = "secure";
    const listener = {
      name,
      port: 8443,
      protocol: "HTTPS",
      tls: { certificateRefs: [{ name: "certificate" }] },
    };
    await underTest.apply({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name, namespace: "default" },
      spec: { gatewayClassName: "gke-l7-rilb", listeners: [listener] },
    });
    await underTest.putRoute(name, name, [{ backendRefs: [b.ref()] }]);
    const status = async () => (await underTest.object<Gateway>(gateways, name, "default")).status;
    const refs = (await status())?.listeners?.[0]?.conditions.find(({ type }) => type === "ResolvedRefs");
    assert.equal(refs?.reason, "InvalidCertificateRef");
    // The API server's own certificate is as good as any.
    const folder = path.join(underTest.lab.folder, "cluster", "certificates");
    const pem = (file: string): string => fs.readFileSync(path.join(folder, file)).toString("base64");
    await underTest.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "certificate", namespace: "default" },
      type: "kubernetes.io/tls",
      data: { "tls.crt": pem("apiserver.crt"), "tls.key": pem("apiserver.key") },
    });
    await underTest.eventually("the certificate", async () =>
      (await status())?.conditions?.every((one) => one.status === "True") === true ? true : undefined,
    );
    const url = await underTest.url(name, 8443, "https");
    assert.deepEqual(await count(10, () => complete(url)), { b: 10 });
  });
});
