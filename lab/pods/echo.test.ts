import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { describe, it } from "node:test";
import { WebSocket } from "ws";
import { freePort } from "../processes/addresses";
import { described, echoSettings, startEcho, wantedHeaders } from "./echo";
import type { RunningProgram } from "./program";

const host = "127.0.0.1";

async function echo<T>(ask: (ports: { http: number; h2c: number }) => Promise<T>): Promise<T> {
  const ports = { http: await freePort(host), h2c: await freePort(host) };
  const program: RunningProgram = await startEcho({ host, pod: "p", namespace: "n", ...ports });
  try {
    return await ask(ports);
  } finally {
    program.terminate();
    assert.deepEqual(await program.ended, { code: 0, message: "" });
  }
}

describe("the echo server", () => {
  it("describes a request as Go's server would, and answers with the headers that are asked for", async () => {
    const [response, body] = await echo(async (ports) => {
      const headers = { "x-test-header": "1", "X-Echo-Set-Header": "X-A: b, X-A:c" };
      const answer = await fetch(`http://${host}:${ports.http}/a?b=c`, { headers });
      return [answer, (await answer.json()) as Record<string, unknown>] as const;
    });
    assert.equal(response.headers.get("x-a"), "b,c");
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.deepEqual(
      [body["path"], body["method"], body["proto"], body["pod"], body["namespace"]],
      ["/a?b=c", "GET", "HTTP/1.1", "p", "n"],
    );
    assert.deepEqual((body["headers"] as Record<string, string[]>)["X-Test-Header"], ["1"]);
    assert.match(String(body["host"]), /^127\.0\.0\.1:\d+$/);
  });

  it("goes on after a request for headers that there cannot be", async () => {
    await echo(async (ports) => {
      for (const value of ["", ":x", "X-A:b\u00e9\u0001"]) {
        await fetch(`http://${host}:${ports.http}/`, { headers: { "X-Echo-Set-Header": value } }).catch(
          () => 0,
        );
      }
      assert.equal((await fetch(`http://${host}:${ports.http}/`)).status, 200);
    });
  });

  it("answers with a status, and after a delay, that is asked for", async () => {
    await echo(async (ports) => {
      assert.equal((await fetch(`http://${host}:${ports.http}/status/503`)).status, 503);
      const began = performance.now();
      await fetch(`http://${host}:${ports.http}/x?delay=0.2s`);
      assert.ok(performance.now() - began >= 195);
    });
  });

  it("speaks HTTP/2 in clear text on its other port", async () => {
    const body = await echo(
      (ports) =>
        new Promise<Record<string, unknown>>((resolve, reject) => {
          const session = http2.connect(`http://${host}:${ports.h2c}`);
          session.once("error", reject);
          let text = "";
          const stream = session.request({ ":path": "/h2" });
          stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          stream.once("end", () => {
            session.close();
            resolve(JSON.parse(text) as Record<string, unknown>);
          });
        }),
    );
    assert.deepEqual([body["proto"], body["path"]], ["HTTP/2.0", "/h2"]);
    assert.match(String(body["host"]), /^127\.0\.0\.1:\d+$/);
  });

  it("sends back what a WebSocket sends, text as text and bytes as bytes", async () => {
    const frames = await echo(
      (ports) =>
        new Promise<[string, boolean][]>((resolve, reject) => {
          const socket = new WebSocket(`ws://${host}:${ports.http}/ws`);
          const received: [string, boolean][] = [];
          socket.once("error", reject);
          socket.once("open", () => {
            socket.send("text");
            socket.send(Buffer.from([1, 2]));
          });
          socket.on("message", (data: Buffer, binary) => {
            received.push([data.toString("latin1"), binary]);
            if (received.length === 2) {
              socket.close();
              resolve(received);
            }
          });
        }),
    );
    assert.deepEqual(frames, [
      ["text", false],
      ["\u0001\u0002", true],
    ]);
  });

  it("a port that is taken is an error, and leaves nothing listening", async () => {
    await echo(async ({ h2c }) => {
      const other = await freePort(host);
      await assert.rejects(startEcho({ host, pod: "", namespace: "", http: other, h2c }), /EADDRINUSE/);
      await assert.rejects(fetch(`http://${host}:${other}/`));
    });
  });

  it("has the image's ports unless its environment says others", () => {
    assert.deepEqual(echoSettings("1.2.3.4", { POD_NAME: "p", NAMESPACE: "n" }), {
      host: "1.2.3.4",
      pod: "p",
      namespace: "n",
      http: 3000,
      h2c: 3001,
    });
    assert.equal(echoSettings("", { HTTP_PORT: "3002" }).http, 3002);
  });

  it("keeps every value of a header, and the host apart", () => {
    assert.deepEqual(described(["Host", "a.org", "accept", "x", "Accept", "y", "x-a1-b", "z"]), {
      host: "a.org",
      headers: { Accept: ["x", "y"], "X-A1-B": ["z"] },
    });
    assert.deepEqual([...wantedHeaders(["", " , :x, a b:c"])], []);
    assert.deepEqual(
      [...wantedHeaders(["A:1,B:x:y", "A: 2"])],
      [
        ["A", "1,2"],
        ["B", "x:y"],
      ],
    );
  });
});
