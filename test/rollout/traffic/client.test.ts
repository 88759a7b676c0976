import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { InferenceClient, type Asking } from "../../../rollout/traffic/client";
import { sendLoad } from "../../../rollout/traffic/measure";
import type { Outcome } from "../../../rollout/traffic/outcome";
import { judge } from "../../../rollout/traffic/verdict";
import { answers, faults } from "../../stacks/answers/bodies";
import { brokenStreams, streamText, wholeStreams } from "../../stacks/answers/streams";

/** What the service answers next, in pieces. */
interface Reply {
  status: number;
  pieces: readonly (string | Buffer)[];
  /** Whether the connection is cut after them. */
  cut?: boolean;
}

describe("a client of the service", () => {
  let reply: Reply;
  let seen: { path: string; authorization: string | undefined; body: Record<string, unknown> }[] = [];
  const server = http.createServer((request, response) => {
    let text = "";
    request.on("data", (piece: Buffer) => (text += piece.toString()));
    request.on("end", () => {
      const { authorization } = request.headers;
      seen.push({
        path: request.url ?? "",
        authorization,
        body: JSON.parse(text) as Record<string, unknown>,
      });
      response.writeHead(reply.status, { "x-served-by-pool": "llm" });
      const [...pieces] = reply.pieces;
      const next = (): void => {
        const piece = pieces.shift();
        if (piece !== undefined) response.write(piece, () => setImmediate(next));
        else if (reply.cut === true) response.destroy();
        else response.end();
      };
      next();
    });
  });
  before(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(() => {
    seen = [];
  });
  const target = (): { host: string; port: number } => ({
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
  });
  const ask = async (kind: Outcome["kind"], asking: Asking = {}): Promise<Outcome> => {
    const client = new InferenceClient(target(), asking);
    try {
      return await client.complete({ kind, model: "Qwen/Qwen3-8B", maxTokens: 64 });
    } finally {
      client.close();
    }
  };

  it("judges a whole answer as the gate does", async () => {
    for (const { what, endpoint, status = 200, body, fault } of [...answers, ...faults]) {
      reply = { status, pieces: [typeof body === "string" ? body : JSON.stringify(body)] };
      const { failure, fault: kind } = await ask("plain", { endpoint });
      assert.equal(kind, fault?.[0], what);
      if (fault === undefined) assert.equal(failure, undefined, what);
      else if (status === 200) assert.match(failure ?? "", fault[1], what);
      else assert.ok(failure?.startsWith(`HTTP ${status}: `), what);
    }
  });

  it("judges a stream by its end, not by its events", async () => {
    for (const stream of [...wholeStreams, ...brokenStreams]) {
      const bytes = Buffer.from(streamText(stream));
      // Cut in the middle of whatever is there.
      reply = {
        status: 200,
        pieces: [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)],
      };
      const { failure } = await ask("stream", { endpoint: stream.endpoint });
      if (stream.fault === undefined) assert.equal(failure, undefined, stream.what);
      else assert.match(failure ?? "", stream.fault[1], stream.what);
    }
  });

  it("tells a connection that was cut from a stream that ended", async () => {
    reply = { status: 200, pieces: [streamText(wholeStreams[0]!).slice(0, 400)], cut: true };
    assert.match((await ask("stream")).failure ?? "", /^cut off/);
  });

  it("sends its key, and shows it to nobody", async () => {
    reply = { status: 401, pieces: ['{"error": "Incorrect API key provided: sk-1"}'] };
    const { failure, fault } = await ask("plain", { apiKey: "sk-1" });
    assert.equal(seen[0]?.authorization, "Bearer sk-1");
    assert.equal(fault, "key");
    assert.equal(failure, "HTTP 401: Incorrect API key provided: (a secret)");
  });

  it("asks by the API that is named, without streams where it has none", async () => {
    const embedding = { data: [{ embedding: [0.1] }] };
    reply = { status: 200, pieces: [JSON.stringify(embedding)] };
    const load = {
      requests: 10,
      seconds: 10,
      concurrency: 2,
      streams: 0.5,
      models: ["m"],
      tokens: { plain: 4, stream: 64 },
    };
    const outcomes = await sendLoad(target(), { ...load, endpoint: "embeddings" });
    const verdict = judge(outcomes, { expected: 0 });
    assert.deepEqual([verdict.requests, verdict.streams, verdict.failed, verdict.faults], [10, 0, 0, []]);
    assert.ok(seen.every(({ path, body }) => path === "/v1/embeddings" && body["stream"] === undefined));
  });

  it("counts what is broken, and names the kinds that the config can do something about", async () => {
    reply = { status: 200, pieces: ['{"error": {"message": "The model does not support Completions API"}}'] };
    const load = {
      requests: 4,
      seconds: 10,
      concurrency: 1,
      streams: 0,
      models: ["m"],
      tokens: { plain: 4, stream: 64 },
    };
    const verdict = judge(await sendLoad(target(), load), { expected: 0 });
    assert.deepEqual([verdict.failed, verdict.faults, verdict.ok], [4, ["endpoint"], false]);
  });

  it("asks for every name by requests and by streams", async () => {
    reply = { status: 200, pieces: ["{}"] };
    seen = [];
    const models = Array.from({ length: 5 }, (_, i) => `m${i}`);
    await sendLoad(target(), {
      ...{ models, requests: 50, seconds: 10, streams: 0.2, concurrency: 4 },
      tokens: { plain: 4, stream: 64 },
    });
    for (const stream of [true, false]) {
      const names = seen
        .filter(({ body }) => (body["stream"] === true) === stream)
        .map(({ body }) => body["model"]);
      assert.deepEqual([...new Set(names)].sort(), models, `stream: ${stream}`);
    }
  });
});
