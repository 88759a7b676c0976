import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as net from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "../processes/identity";
import { ask, complete, count, isGood, Load } from "./fixture/client";
import { TestPool } from "./fixture/pool";
import { grantOther, makePools } from "./fixture/pools";
import { GatewayUnderTest } from "./fixture/gateway-under-test";
import type { Condition, Gateway, InferencePool } from "./objects/types";

const gateways = "/apis/gateway.networking.k8s.io/v1/gateways";
const routes = "/apis/gateway.networking.k8s.io/v1/httproutes";
const pools = "/apis/inference.networking.k8s.io/v1/inferencepools";

/** What goes wrong around a gateway that serves: pickers, pods, ports and processes that come and go. */
describe("gateway in trouble", () => {
  let underTest: GatewayUnderTest;
  let a: TestPool, b: TestPool, far: TestPool;

  before(async () => {
    underTest = await GatewayUnderTest.start();
    ({ a, b, far } = await makePools(underTest));
  });
  after(() => underTest.stop());

  test("a picker that gets another pod breaks no stream, and what is left behind is cleaned up", async () => {
    const url = await underTest.plainGateway("replaced");
    await underTest.putRoute("replaced", "replaced", [{ backendRefs: [a.ref()] }]);
    for (const server of a.servers) server.stream = { chunks: 100, pauseMs: 100 };
    const stream = complete(url, { stream: true });
    await sleep(200);
    const pickers = async (): Promise<string[]> => {
      const { admin } = (await underTest.state()).envoy;
      const dump = await (await fetch(`${admin}/config_dump?resource=dynamic_active_clusters`)).text();
      return [...new Set(dump.match(/picker\/default\/a\/[0-9a-f]+/g))];
    };
    const earlier = await pickers();
    await underTest.node.pod({
      name: "a-epp-2",
      namespace: "default",
      labels: { app: a.pickerName },
      address: a.address(251),
      args: ["--secure-serving=false"],
    });
    await underTest.eventually("the second picker", async () =>
      (await pickers()).length === 2 ? true : undefined,
    );
    const answer = await stream;
    assert.ok(isGood(answer, true), `${answer.status} ${answer.body.slice(-50)}`);
    const left = await underTest.eventually("the old cluster to go", async () => {
      const now = await pickers();
      return now.length === 1 ? now : undefined;
    });
    assert.notDeepEqual(left, earlier);
    await underTest.delete("/api/v1/pods", "a-epp-2", "default");
  });

  test("a picker that dies: FailOpen goes on without it, FailClose answers 503, both come back", async () => {
    await grantOther(underTest);
    const url = await underTest.plainGateway("dead");
    await underTest.putRoute("open", "dead", [{ backendRefs: [a.ref()] }], { hostnames: ["open.org"] });
    await underTest.putRoute("closed", "dead", [{ backendRefs: [far.ref()] }], { hostnames: ["closed.org"] });
    const to = (host: string) => () => complete(url, { headers: { host } });
    await underTest.eventually("the pickers", async () =>
      isGood(await to("open.org")()) ? true : undefined,
    );
    for (const pool of [a, far]) pool.picker?.signal("SIGKILL");
    const died = performance.now();
    await underTest.eventually("FailOpen", async () => (isGood(await to("open.org")()) ? true : undefined));
    const back = Math.round(performance.now() - died);
    assert.ok(back < 1000, `FailOpen took ${back} ms`);
    assert.deepEqual(await count(40, to("open.org")), { a: 40 });
    assert.deepEqual(await count(10, to("closed.org")), { "503": 10 });
    await underTest.eventually("both to be told", async () => {
      const modes = Object.fromEntries((await underTest.state()).pools.map(({ name, mode }) => [name, mode]));
      return modes["a"] === "direct" && modes["far"] === "closed" ? true : undefined;
    });
    console.log(`a dead picker: FailOpen served again after ${back} ms`);
    await Promise.all([a.startPicker(), far.startPicker()]);
    await underTest.eventually("the pickers", async () => {
      const { pools } = await underTest.state();
      const both = pools.filter(({ name }) => name === "a" || name === "far");
      return both.every(({ mode }) => mode === "picker") ? true : undefined;
    });
    for (const host of ["open.org", "closed.org"]) {
      await underTest.eventually(host, async () => (isGood(await to(host)()) ? true : undefined));
    }
    assert.ok((await a.picked()) > 0);
  });

  test("a picker that is stopped kindly under FailOpen: no request fails", async (t) => {
    const url = await underTest.plainGateway("kindly");
    await underTest.putRoute("kindly", "kindly", [{ backendRefs: [a.ref()] }]);
    for (const server of a.servers) server.stream = { chunks: 10, pauseMs: 100 };
    await underTest.node.ready(a.pickerName, "default", false);
    await underTest.eventually("FailOpen", async () =>
      (await underTest.state()).pools.some(({ name, mode }) => name === "a" && mode === "direct")
        ? true
        : undefined,
    );
    await underTest.node.ready(a.pickerName, "default", true);
    await underTest.eventually("the picker", async () =>
      (await underTest.state()).pools.some(({ name, mode }) => name === "a" && mode === "picker")
        ? true
        : undefined,
    );
    const load = new Load(t, url, 50, 0.2);
    await sleep(700);
    await underTest.node.ready(a.pickerName, "default", false);
    await sleep(300);
    await a.picker?.stop();
    await sleep(700);
    await a.startPicker();
    await sleep(1500);
    await underTest.node.ready(a.pickerName, "default", true);
    await sleep(700);
    await load.stop();
    assert.deepEqual(load.failures, []);
    console.log(`picker restarted: ${load.answers.length} requests, ${load.streams} streams, 0 failed`);
  });

  test("an empty pool fails its own share only, and its status goes when no route names it", async () => {
    const empty = await TestPool.make(underTest, { name: "empty", index: 3, pods: 0 });
    const url = await underTest.plainGateway("empty");
    const conditions = await underTest.putRoute("empty", "empty", [{ backendRefs: [b.ref(), empty.ref()] }]);
    assert.equal(conditions["ResolvedRefs"]?.status, "True");
    const counts = await count(60, () => complete(url));
    assert.deepEqual(Object.keys(counts).sort(), ["503", "b"]);
    const parents = async () =>
      (await underTest.object<InferencePool>(pools, "empty", "default")).status?.parents ?? [];
    const [parent] = await parents();
    assert.ok(parent?.conditions?.every((one) => one.status === "True" && one.observedGeneration === 1));
    await underTest.delete(routes, "empty", "default");
    await underTest.eventually("no parents", async () => ((await parents()).length === 0 ? true : undefined));
    empty.close();
  });

  test("a pod whose deletion has begun gets no new request, and what runs on it goes on", async () => {
    const url = await underTest.plainGateway("leaving");
    await underTest.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "plain", namespace: "default" },
      spec: { selector: { app: "a" }, ports: [{ port: 80, targetPort: 8000 }] },
    });
    await underTest.putRoute("leaving", "leaving", [{ backendRefs: [{ name: "plain", port: 80 }] }]);
    for (const server of a.servers) server.stream = { chunks: 30, pauseMs: 100 };
    const streams = [0, 1, 2, 3].map(() => complete(url, { stream: true }));
    await sleep(300);
    const leaving = a.podName(1);
    await underTest.delete("/api/v1/pods", leaving, "default", 60);
    await sleep(500);
    const answered = a.servers[1]?.answered;
    assert.deepEqual(await count(40, () => ask(url)), { a: 40 });
    assert.equal(a.servers[1]?.answered, answered);
    const answers = await Promise.all(streams);
    assert.ok(answers.every((answer) => isGood(answer, true)));
    assert.ok(answers.some(({ headers }) => headers["x-served-by"] === leaving));
    await underTest.delete("/api/v1/pods", leaving, "default");
  });

  test("a listener whose port is taken is told, and served when the port is free", async () => {
    const url = await underTest.plainGateway("taken");
    const { hostname } = new URL(url);
    const squatter = net.createServer();
    await new Promise<void>((resolve) => squatter.listen(50_001, hostname, resolve));
    const listeners = [8080, 50_001].map((port) => ({ name: `p${port}`, port, protocol: "HTTP" }));
    await underTest.apply({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "taken", namespace: "default" },
      spec: { gatewayClassName: "gke-l7-rilb", listeners },
    });
    const programmed = async (status: string) => {
      const { metadata, status: found } = await underTest.object<Gateway>(gateways, "taken", "default");
      const of = (conditions?: readonly Condition[]) => conditions?.find(({ type }) => type === "Programmed");
      const mine = of(found?.conditions);
      return mine?.observedGeneration === metadata.generation && mine?.status === status
        ? found?.listeners?.map(({ conditions }) => of(conditions))
        : undefined;
    };
    const [good, bad] = await underTest.eventually("the refusal", () => programmed("False"));
    assert.equal(good?.status, "True");
    assert.equal(bad?.status, "False");
    assert.match(bad.message, /Address already in use/);
    assert.equal((await ask(url)).status, 404);
    await new Promise((resolve) => squatter.close(resolve));
    await underTest.eventually("the listener", () => programmed("True"));
    assert.equal((await ask(`http://${hostname}:50001`)).status, 404);
  });

  test("Envoy does not outlive the program, and the program does not outlive Envoy", async () => {
    const { pid } = (await underTest.state()).envoy;
    process.kill(pid, "SIGKILL");
    const how = await underTest.gateway.ended;
    assert.match(how, /status 1/);
    assert.match(
      fs.readFileSync(underTest.gateway.log, "utf8"),
      /envoy was ended by SIGKILL. The end of its log/,
    );
    const again = await underTest.startGateway();
    const envoy = (await underTest.state()).envoy.pid;
    again.signal("SIGKILL");
    await again.ended;
    await underTest.eventually(
      "Envoy to end",
      () => Promise.resolve(isAlive(envoy) ? undefined : true),
      5000,
    );
    const last = await underTest.startGateway();
    const lastEnvoy = (await underTest.state()).envoy.pid;
    await last.stop();
    assert.equal(isAlive(lastEnvoy), false);
  });
});
