import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { it, mock } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answersFor, listOf, wordsOf, type Way } from "../../../stacks/gates/asking";

const manyNames = Array.from({ length: 200 }, (_, i) => `adapter-${i}`);
const yes = JSON.stringify({ choices: [{ text: "yes", index: 0, finish_reason: "stop" }] });

/** Asks a server that is there for as long as this takes. @returns how to ask where it was. */
async function asking(listener: http.RequestListener, ask: (way: Way) => Promise<void>): Promise<Way> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = { port, tls: false };
  const way: Way = { who: "llm-new", address: "127.0.0.1", endpoint, api: "completions" };
  try {
    await ask(way);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return way;
}

it("asks for many names a few at a time, and tells of each in its place", async () => {
  let [now, most] = [0, 0];
  const listener: http.RequestListener = (request, response) => {
    most = Math.max(most, ++now);
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const { model } = JSON.parse(Buffer.concat(pieces).toString()) as { model: string };
      const known = !model.endsWith("7");
      void sleep(2).then(() => {
        now--;
        response.writeHead(known ? 200 : 404, { "content-type": "application/json" });
        response.end(known ? yes : JSON.stringify({ error: { message: "no such model" } }));
      });
    });
  };
  await asking(listener, async (way) => {
    const { faults, ...others } = await answersFor(way, manyNames);
    assert.deepEqual(others, { silent: false, unasked: 0 });
    assert.equal(faults.length, manyNames.length);
    for (const [i, fault] of faults.entries())
      assert.equal(fault === undefined, i % 10 !== 7, `${manyNames[i] ?? ""}: ${fault ?? "answered"}`);
    assert.ok(most <= 8, `${most} at once`);
  });
});

it("tells a server that gives no answer from a gateway that cannot be reached", async () => {
  const listener: http.RequestListener = (request, response) => {
    request.resume();
    if (request.url === "/v1/models") {
      response.writeHead(200, { "content-length": 100 });
      response.write("{", () => response.destroy());
    } else response.destroy();
  };
  const refused = async (way: Way): Promise<string> => String((await answersFor(way, ["chat"])).faults[0]);
  const gone = await asking(listener, async (way) => {
    assert.match(await refused(way), /^llm-new did not answer for model chat: /);
    assert.match(JSON.stringify(await listOf(way)), /^"llm-new did not answer for its list of models: /);
  });
  assert.match(await refused(gone), /^could not connect to the gateway at 127\.0\.0\.1:\d+ \(.*ECONNREFUSED/);
});

it("asks for no more names where no answer comes, and says how many it left out", async () => {
  let requests = 0;
  const listener: http.RequestListener = (request, response) => {
    requests++;
    request.resume();
    response.destroy();
  };
  const gone = await asking(listener, async (way) => {
    const answers = await answersFor(way, manyNames);
    assert.equal(requests, 8);
    assert.deepEqual([answers.silent, answers.unasked], [true, 192]);
    const words = wordsOf(way, answers);
    assert.match(words[0] ?? "", /^llm-new did not answer for model adapter-0: /);
    assert.equal(words.at(-1), "llm-new was not asked for 192 more model names meanwhile");
  });
  // The same words for each name are said once.
  const words = wordsOf(gone, await answersFor(gone, manyNames));
  assert.equal(words.length, 2, words.join("\n"));
  assert.match(words[0] ?? "", /^could not connect to the gateway/);
});

it("says every ten seconds how many names it has answers for", async () => {
  const held: http.ServerResponse[] = [];
  let requests = 0;
  const listener: http.RequestListener = (request, response) => {
    request.resume();
    if (requests++ === 0) response.end(yes);
    else held.push(response);
  };
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    await asking(listener, async (way) => {
      const reports: string[] = [];
      const answers = answersFor(way, ["a", "b", "c"], (text) => reports.push(text));
      const wanted = "llm-new has answered for 1 of 3 model names";
      for (let i = 0; i < 500 && reports.at(-1) !== wanted; i++) {
        await sleep(10);
        mock.timers.tick(10_000);
      }
      assert.equal(reports.at(-1), wanted);
      while (held.length < 2) await sleep(10);
      for (const response of held) response.end(yes);
      assert.deepEqual(wordsOf(way, await answers), []);
      const before = reports.length;
      mock.timers.tick(60_000);
      assert.equal(reports.length, before);
    });
  } finally {
    mock.timers.reset();
  }
});
