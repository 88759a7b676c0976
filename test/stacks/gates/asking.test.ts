import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answersFor, listOf } from "../../../stacks/gates/asking";

it("asks for many names a few at a time, and tells of each in its place", async () => {
  let [now, most] = [0, 0];
  const server = http.createServer((request, response) => {
    most = Math.max(most, ++now);
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const { model } = JSON.parse(Buffer.concat(pieces).toString()) as { model: string };
      const known = !model.endsWith("7");
      const body = known
        ? { choices: [{ text: "yes", index: 0, finish_reason: "stop" }] }
        : { error: { message: "no such model" } };
      void sleep(2).then(() => {
        now--;
        response.writeHead(known ? 200 : 404, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const names = Array.from({ length: 200 }, (_, i) => `adapter-${i}`);
    const way = {
      who: "llm-new",
      address: "127.0.0.1",
      endpoint: { port, tls: false },
      api: "completions" as const,
    };
    const answers = await answersFor(way, names);
    assert.equal(answers.length, names.length);
    for (const [i, answer] of answers.entries())
      assert.equal(answer === undefined, i % 10 !== 7, `${names[i] ?? ""}: ${answer ?? "answered"}`);
    assert.ok(most <= 8, `${most} at once`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it("tells a server that gives no answer from a gateway that cannot be reached", async () => {
  const server = http.createServer((request, response) => {
    request.resume();
    if (request.url === "/v1/models") {
      response.writeHead(200, { "content-length": 100 });
      response.write("{", () => response.destroy());
    } else response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const way = {
    ...{ who: "llm-new", address: "127.0.0.1", api: "completions" as const },
    endpoint: { port, tls: false },
  };
  const refused = async (): Promise<string> => String((await answersFor(way, ["chat"]))[0]);
  try {
    assert.match(await refused(), /^llm-new did not answer for model chat: /);
    assert.match(JSON.stringify(await listOf(way)), /^"llm-new did not answer for its list of models: /);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  assert.match(await refused(), /^could not connect to the gateway at 127\.0\.0\.1:\d+ \(.*ECONNREFUSED/);
});
