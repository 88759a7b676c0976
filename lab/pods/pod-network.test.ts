import { Deadline } from "./termination";
import { Forwarder, HeldAddresses } from "./pod-network";
import assert from "node:assert/strict";
import * as net from "node:net";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accepts, AddressRange, freePort, FreePorts } from "../processes/addresses";

it("forwards when somebody listens behind it, and not before", async () => {
  const range = await AddressRange.lease();
  const host = `127.${range.n}.200.1`;
  const port = await freePort(host);
  const target = await new FreePorts().take();
  const fail = (error: Error): void => assert.fail(error);
  const forwarder = new Forwarder(host, port, target, fail);
  await sleep(120);
  assert.equal(await accepts(host, port), false);
  const server = net.createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(target, "127.0.0.1", resolve));
  while (!(await accepts(host, port))) await sleep(20);
  const answer = await new Promise<string>((resolve, reject) => {
    let text = "";
    const client = net.connect({ host, port }, () => client.end("there and back"));
    client.on("data", (chunk) => (text += chunk.toString()));
    client.once("end", () => resolve(text));
    client.once("error", reject);
  });
  assert.equal(answer, "there and back");
  await forwarder.close();
  assert.equal(await accepts(host, port), false);
  server.close();
  range.release();
});

it("gives an address to the next when the last has gone", async () => {
  const addresses = new HeldAddresses();
  const order: string[] = [];
  const free = await addresses.claim("127.1.1.1");
  const next = addresses.claim("127.1.1.1").then((release) => {
    order.push("next");
    release();
  });
  (await addresses.claim("127.1.1.2"))();
  order.push("first");
  free();
  await next;
  assert.deepEqual(order, ["first", "next"]);
  (await addresses.claim("127.1.1.1"))();
});

it("a deadline only comes nearer", async () => {
  const deadline = new Deadline(10_000);
  deadline.shorten(60_000);
  assert.ok(deadline.leftMs <= 10_000);
  deadline.shorten(10);
  await deadline.over;
  assert.ok(deadline.leftMs < 5);
});
