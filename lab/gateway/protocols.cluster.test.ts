import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { ask, complete, count, isGood } from "./fixture/client";
import { TestPool } from "./fixture/pool";
import { GatewayUnderTest } from "./fixture/gateway-under-test";
import type { Condition, Gateway } from "./objects/types";

const gateways = "/apis/gateway.networking.k8s.io/v1/gateways";

/** Names two pods for each request, and writes into the answer which endpoint it was told served. */
const twoEndpoints = `
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: destination-endpoint-served-verifier
- type: random-picker
  parameters:
    maxNumOfEndpoints: 2
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: random-picker
`;
const chosen = "x-gateway-destination-endpoint";
const servedHeader = "x-conformance-test-served-endpoint";

/** What the endpoint picker protocol and Gateway API ask of a gateway beyond routing, with the real parts. */
describe("protocols of the gateway", () => {
  let underTest: GatewayUnderTest;
  let pair: TestPool;

  before(async () => {
    underTest = await GatewayUnderTest.start();
    pair = await TestPool.make(underTest, {
      name: "pair",
      index: 0,
      pods: 3,
      secure: true,
      config: twoEndpoints,
    });
  });
  after(() => underTest.stop());

  test("a picker that names two endpoints: the first serves, and the picker is told which it was", async () => {
    const url = await underTest.plainGateway("pair");
    await underTest.putRoute("pair", "pair", [{ backendRefs: [pair.ref()] }]);
    await underTest.eventually("the picker", async () => (isGood(await complete(url)) ? true : undefined));
    const seen = new Set<string>();
    for (let i = 0; i < 30; i++) {
      const stream = i % 3 === 0;
      const answer = await complete(url, { stream });
      assert.ok(isGood(answer, stream), JSON.stringify(answer));
      const name = String(answer.headers["x-served-by"]);
      const server = pair.servers.find((one) => one.name === name);
      const [first, second] = String(server?.lastHeaders[chosen]).split(",");
      assert.ok(first !== undefined && second !== undefined && first !== second, "the picker named one only");
      assert.equal(first, `${pair.address(Number(name.split("-")[1]) + 1)}:8000`);
      assert.equal(answer.headers[servedHeader], first);
      assert.equal(answer.headers["x-gateway-destination-endpoint-served"], undefined);
      seen.add(first);
    }
    assert.ok(seen.size >= 2, `the picker chose only ${[...seen].join()}`);
  });

  test("nobody is told to have served what no endpoint answered", async () => {
    const url = await underTest.plainGateway("dead");
    await underTest.putRoute("dead", "dead", [{ backendRefs: [pair.ref()] }]);
    for (const server of pair.servers) server.close();
    try {
      const answer = await underTest.eventually("the end of the servers", async () => {
        const one = await complete(url);
        return one.status === 503 ? one : undefined;
      });
      assert.match(String(answer.headers[servedHeader]), /^fail: missing/);
    } finally {
      for (const [i, server] of pair.servers.entries()) await server.listen(pair.address(i + 1), 8000);
    }
    assert.ok(isGood(await complete(url)));
  });

  test("a client's own metadata headers move no request and reach no client", async () => {
    const url = await underTest.plainGateway("forged");
    await underTest.putRoute("forged", "forged", [{ backendRefs: [pair.ref()] }]);
    const headers = { [chosen]: "127.0.0.9:1", "x-gateway-destination-endpoint-served": "127.0.0.9:1" };
    assert.deepEqual(await count(10, () => complete(url, { headers })), { pair: 10 });
    const answer = await complete(url, { headers });
    assert.match(String(answer.headers[servedHeader]), /:8000$/);
  });

  test("a WebSocket to a Service; to a pool it is refused and holds nothing up", async () => {
    const url = await underTest.plainGateway("sockets");
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) =>
      socket.on("message", (data: Buffer, binary) => socket.send(data, { binary })),
    );
    const address = `127.${underTest.lab.range.n}.40.1`;
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    try {
      const { port } = server.address() as AddressInfo;
      await underTest.node.pod({ name: "talk", namespace: "default", labels: { app: "talk" }, address });
      await underTest.apply({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "talk", namespace: "default" },
        spec: {
          selector: { app: "talk" },
          ports: [{ port: 80, targetPort: port, appProtocol: "kubernetes.io/ws" }],
        },
      });
      const at = (path: string): object => ({ path: { type: "PathPrefix", value: path } });
      await underTest.putRoute("sockets", "sockets", [
        { matches: [at("/talk")], backendRefs: [{ name: "talk", port: 80 }] },
        { matches: [at("/pool")], backendRefs: [pair.ref()] },
      ]);
      await underTest.programmed("sockets");
      assert.equal(await underTest.eventually("the pod", () => conversation(`${url}/talk`)), "hello");
      const began = performance.now();
      const refused = await ask(`${url}/pool`, {
        headers: { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
      });
      assert.equal(refused.status, 403);
      assert.ok(performance.now() - began < 1000);
      assert.deepEqual(await count(5, () => complete(`${url}/pool`)), { pair: 5 });
    } finally {
      for (const client of sockets.clients) client.terminate();
      server.close();
    }
  });

  test("spec.addresses: an address of the lab is given, others are refused as Gateway API says", async () => {
    const [free, foreign] = [underTest.lab.range.gateway(99), "203.0.113.7"];
    const brief = (conditions: readonly Condition[] = []): Record<string, string> =>
      Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
    const after = async (addresses: readonly object[]) => {
      await underTest.apply({
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { name: "placed", namespace: "default" },
        spec: {
          gatewayClassName: "gke-l7-rilb",
          addresses,
          listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
        },
      });
      return underTest.eventually("the Gateway's status", async () => {
        const { metadata, status } = await underTest.object<Gateway>(gateways, "placed", "default");
        const conditions = status?.conditions ?? [];
        const fresh =
          conditions.length > 0 &&
          conditions.every(({ observedGeneration }) => observedGeneration === metadata.generation);
        return fresh
          ? { ...brief(conditions), at: (status?.addresses ?? []).map(({ value }) => value) }
          : undefined;
      });
    };
    assert.deepEqual(await after([{ type: "example.org/none", value: "x" }, { value: free }]), {
      Accepted: "False UnsupportedAddress",
      Programmed: "False Invalid",
      at: [],
    });
    assert.deepEqual(await after([{ value: foreign }]), {
      Accepted: "True Accepted",
      Programmed: "False AddressNotUsable",
      at: [],
    });
    const good = { Accepted: "True Accepted", Programmed: "True Programmed" };
    assert.deepEqual(await after([{ value: free }]), { ...good, at: [free] });
    assert.equal((await ask(`http://${free}:8080`)).status, 404);
    // What GKE calls a reserved address: the Gateway stays where it is.
    assert.deepEqual(await after([{ type: "NamedAddress", value: "my-ip" }]), { ...good, at: [free] });
    const [other] = (await after([{ value: underTest.lab.range.gateway(98) }])).at;
    assert.equal((await ask(`http://${other ?? ""}:8080`)).status, 404);
    await underTest.eventually("the end of the old address", async () =>
      (await ask(`http://${free}:8080`)).status === 0 ? true : undefined,
    );
  });
});

/** What comes back for "hello"; undefined where there is no conversation. */
function conversation(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url.replace("http:", "ws:"));
    socket.once("error", () => resolve(undefined));
    socket.once("open", () => socket.send("hello"));
    socket.once("message", (data: Buffer) => {
      socket.close();
      resolve(data.toString());
    });
  });
}
