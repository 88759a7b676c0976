import assert from "node:assert/strict";
import * as http from "node:http";
import * as net from "node:net";
import { after, before, describe, it } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { freePort } from "../processes/addresses";
import { check, portNumber } from "./probe-check";

const host = "127.0.0.1";

describe("check", () => {
  let server: http.Server;
  let port = 0;
  let closed = 0;
  before(async () => {
    server = http.createServer((request, response) => {
      if (request.url === "/slow") return;
      const { pathname } = new URL(request.url ?? "/", "http://x");
      response.writeHead(Number(pathname.slice(1)), { "x-got": String(request.headers["x-sent"]) }).end();
      if (pathname === "/299") assert.equal(request.headers["x-sent"], "yes");
    });
    port = await freePort(host);
    closed = await freePort(host);
    await new Promise<void>((resolve) => server.listen({ host, port }, resolve));
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  const get = (path: string, extra: object = {}): ReturnType<typeof check> =>
    check(
      { httpGet: { path, port: "web", ...extra } },
      { host, ports: [{ name: "web", containerPort: port }] },
      300,
    );

  it("takes 200 to 399 for success", async () => {
    assert.deepEqual(await get("/200"), { ok: true, message: "" });
    assert.equal((await get("/302")).ok, true);
    assert.equal((await get("/299", { httpHeaders: [{ name: "x-sent", value: "yes" }] })).ok, true);
    assert.deepEqual(await get("/503"), { ok: false, message: "HTTP probe failed with statuscode: 503" });
  });

  it("fails where nobody answers, or not in time", async () => {
    assert.match((await get("/slow")).message, /context deadline exceeded/);
    const refused = await check({ httpGet: { path: "/", port: closed } }, { host, ports: [] }, 300);
    assert.match(refused.message, /ECONNREFUSED/);
    assert.match(
      (await check({ tcpSocket: { port: closed } }, { host, ports: [] }, 300)).message,
      /ECONNREFUSED/,
    );
    assert.equal((await check({ tcpSocket: { port } }, { host, ports: [] }, 300)).ok, true);
    const exec = await check({ exec: { command: ["true"] } }, { host, ports: [] }, 300);
    assert.match(exec.message, /cannot run a probe of kind exec/);
  });

  it("asks gRPC health", async () => {
    const health = new grpc.Server();
    const bytes = (value: Buffer): Buffer => value;
    const method = {
      ...{ path: "/grpc.health.v1.Health/Check", requestStream: false, responseStream: false },
      ...{
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    };
    health.addService(
      { check: method },
      {
        check: ((call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) => {
          // SERVING for "readiness", NOT_SERVING for everything else.
          answer(null, Buffer.from([0x08, call.request.toString().includes("readiness") ? 1 : 2]));
        }) as grpc.UntypedHandleCall,
      },
    );
    const bound = await new Promise<number>((resolve, reject) => {
      health.bindAsync(`${host}:0`, grpc.ServerCredentials.createInsecure(), (error, at) =>
        error === null ? resolve(at) : reject(error),
      );
    });
    const ask = (service?: string): ReturnType<typeof check> =>
      check(
        { grpc: { port: bound, ...(service === undefined ? {} : { service }) } },
        { host, ports: [] },
        1000,
      );
    assert.deepEqual(await ask("readiness"), { ok: true, message: "" });
    assert.deepEqual(await ask(), { ok: false, message: 'service unhealthy (responded with "NOT_SERVING")' });
    health.forceShutdown();
    assert.equal((await ask("readiness")).ok, false);
  });
});

it("finds a port by its name", () => {
  assert.equal(portNumber("http", [{ name: "http", containerPort: 8000 }]), 8000);
  assert.equal(portNumber("8001", []), 8001);
  assert.throws(() => portNumber("http", []), /couldn't find port: http/);
});

it("closes what it opened", async () => {
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket
      .resume()
      .on("error", () => undefined)
      .once("close", () => open.delete(socket));
  });
  const port = await freePort(host);
  await new Promise<void>((resolve) => server.listen({ host, port }, resolve));
  await check({ httpGet: { port } }, { host, ports: [] }, 50);
  await new Promise((resolve) => setTimeout(resolve, 20));
  server.close();
  assert.equal(open.size, 0);
});
