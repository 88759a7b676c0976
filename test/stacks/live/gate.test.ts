import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import type { ClusterReader, LiveObject } from "../../../stacks/live/cluster-reader";
import { passGate, passReadiness, StableUnready, type GateTask } from "../../../stacks/live/gate";

const rising = { pool: "llm", namespace: "default", share: 100, needs: 6 };

/** A cluster with one pool and its Deployment, which changes with every look. */
function cluster(...looks: { ready?: number; replicas?: number; generation?: number; pool?: boolean }[]): {
  reader: ClusterReader;
  asked: () => number;
} {
  let asked = 0;
  const look = (): (typeof looks)[number] => looks[Math.min(asked, looks.length - 1)] ?? {};
  const pool: LiveObject = {
    metadata: { name: "llm" },
    spec: { selector: { matchLabels: { run: "theirs" } } },
  };
  return {
    asked: () => asked,
    reader: {
      get: (url) =>
        Promise.resolve(url.endsWith("/inferencepools/llm") && look().pool !== false ? pool : undefined),
      list: () => {
        const { ready = 0, replicas = 6, generation = 1 } = look();
        asked++;
        const deployment: LiveObject = {
          metadata: { name: "anything", generation },
          spec: { replicas, template: { metadata: { labels: { run: "theirs", more: "labels" } } } },
          status: { observedGeneration: 1, readyReplicas: ready, updatedReplicas: ready },
        };
        return Promise.resolve([deployment]);
      },
    },
  };
}

describe("the readiness of a stable pool that gets traffic back", () => {
  it("passes at once where it is ready, with two requests", async () => {
    const { reader, asked } = cluster({ ready: 6 });
    const began = Date.now();
    await passReadiness(reader, rising, { timeoutSeconds: 10 });
    assert.equal(asked(), 1);
    assert.ok(Date.now() - began < 200);
  });

  it("waits until as many are ready as it needs, and says meanwhile how not to wait", async () => {
    const { reader, asked } = cluster({ ready: 4 }, { ready: 5 }, { ready: 6 });
    const told: string[] = [];
    await passReadiness(reader, rising, {
      timeoutSeconds: 10,
      everyMs: 1,
      report: (text) => told.push(text),
    });
    assert.equal(asked(), 3);
    assert.match(
      told[0] ?? "",
      /^4 of 6 model servers of llm are ready \(pulumi config set --path 'allow\[0\]' unready-stable/,
    );
  });

  it("fails with the message that the documentation has", async () => {
    const { reader } = cluster({ ready: 4 });
    const error = await passReadiness(reader, rising, { timeoutSeconds: 0 }).catch(
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof StableUnready);
    const page = fs.readFileSync(path.join(__dirname, "..", "..", "..", "docs", "refusals.md"), "utf8");
    assert.ok(page.includes(error.message.replace("after 0 s", "after 600 s")), error.message);
  });

  for (const [what, look, text] of [
    ["pods of an older template", { ready: 6, generation: 2 }, /0 of 6 model servers/],
    ["a pool that somebody scaled down", { ready: 2, replicas: 2 }, /asks for 2 only: pulumi up --refresh/],
    ["a pool that is gone", { pool: false }, /there is no InferencePool llm in namespace default/],
  ] as const) {
    it(`does not count ${what}`, async () => {
      const { reader } = cluster(look);
      await assert.rejects(passReadiness(reader, rising, { timeoutSeconds: 0 }), text);
    });
  }

  it("wants somebody to be ready in a pool whose size nobody knows", async () => {
    const pass = (...pods: LiveObject[]): Promise<void> => {
      const { reader } = cluster({});
      const list = (url: string): Promise<LiveObject[]> => Promise.resolve(url.endsWith("/pods") ? pods : []);
      const unknown = { pool: "llm", namespace: "default", share: 100 };
      return passReadiness({ ...reader, list }, unknown, { timeoutSeconds: 0 });
    };
    const pod = (run: string, ready: string): LiveObject => ({
      metadata: { name: "a", labels: { run } },
      status: { conditions: [{ type: "Ready", status: ready }] },
    });
    await pass(pod("theirs", "False"), pod("theirs", "True"));
    const nobody = /no model server of llm is ready/;
    await assert.rejects(pass(), nobody);
    await assert.rejects(pass(pod("theirs", "False"), pod("other", "True")), nobody);
  });
});

const header = { name: "x-inference-preview", value: "secret" };

describe("what a candidate has to answer", () => {
  /** Behind the gateway: what each pool has loaded. A server may answer for names that it does not list. */
  const loaded = { candidate: ["Qwen/Qwen3-8B"], service: ["Qwen/Qwen3-8B"] };
  let lists = 200;
  const server = http.createServer((request, response) => {
    const who = request.headers[header.name] === header.value ? "candidate" : "service";
    if (request.url === "/v1/models") {
      const text = JSON.stringify({ data: loaded[who].map((id) => ({ id })) });
      response.writeHead(lists).end(lists === 200 ? text : "no such page");
      return;
    }
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { model } = JSON.parse(body) as { model: string };
      response.writeHead(loaded[who].includes(model) ? 200 : 404).end("{}");
    });
  });
  before(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  after(() => server.close());

  const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({ type, status: "True" }));
  const reader: ClusterReader = {
    get: (url) =>
      Promise.resolve({
        metadata: { name: "x", namespace: "default" },
        status: url.includes("/gateways/")
          ? { addresses: [{ value: "127.0.0.1" }] }
          : { parents: [{ parentRef: { name: "gateway" }, conditions }] },
      }),
    list: () => Promise.resolve([]),
  };
  const pass = (task: Partial<GateTask>): Promise<void> => {
    const { port } = server.address() as AddressInfo;
    return passGate(
      reader,
      {
        via: "gateway",
        pool: { name: "llm-new", namespace: "default" },
        models: [],
        previewRoute: { name: "preview", namespace: "default" },
        gateway: { name: "gateway", namespace: "default" },
        endpoint: { port, tls: false },
        header,
        ...task,
      },
      { timeoutSeconds: 0 },
    );
  };
  const says = (text: string): ((error: Error) => boolean) => {
    return ({ message }) => message.includes(text) && message.includes("The route was not changed");
  };

  it("is every name that the config knows", async () => {
    await pass({ models: ["Qwen/Qwen3-8B"] });
    await assert.rejects(pass({ models: ["chat"] }), says("llm-new answered 404 for model chat"));
  });

  it("is what it is said to have loaded, by its own list", async () => {
    await pass({ serves: ["Qwen/Qwen3-8B"] });
    await assert.rejects(
      pass({ serves: ["Qwen/Qwen3-8B", "food-v1"] }),
      says("llm-new does not list food-v1 as loaded"),
    );
  });

  it("is what the service lists where nobody has said what it serves", async () => {
    await pass({ unnamedStable: "llm" });
    loaded.service = ["Qwen/Qwen3-8B", "food-review"];
    await assert.rejects(pass({ unnamedStable: "llm" }), says("llm-new answered 404 for model food-review"));
    const mend = "say what llm serves: pulumi config set --path 'pools.llm.model' MODEL";
    loaded.service = [];
    await assert.rejects(pass({ unnamedStable: "llm" }), says(`the service lists no model; ${mend}`));
    lists = 404;
    await assert.rejects(
      pass({ unnamedStable: "llm" }),
      says(`the service answered 404 for its list of models: no such page; ${mend}`),
    );
  });
});
