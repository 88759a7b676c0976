import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { requestFor } from "../../../stacks/answers/endpoints";
import { passReadiness, StableUnready } from "../../../stacks/gates/gate";
import { commandText } from "../../../stacks/messages/edits";
import { waiverEdit } from "../../../stacks/plan/waivers";
import { answers, faults } from "../answers/bodies";
import { says, TwoPools } from "../state/two-pools";

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

const how = { waive: commandText(waiverEdit("unready-stable", { named: [], used: [] })) };

describe("the readiness of a stable pool that gets traffic back", () => {
  it("passes at once where it is ready, with two requests", async () => {
    const { reader, asked } = cluster({ ready: 6 });
    await passReadiness(reader, rising, { timeoutSeconds: 10 }, how);
    assert.equal(asked(), 1);
  });

  it("waits until as many are ready as it needs, and says meanwhile how not to wait", async () => {
    const { reader, asked } = cluster({ ready: 4 }, { ready: 5 }, { ready: 6 });
    const told: string[] = [];
    await passReadiness(
      reader,
      rising,
      {
        timeoutSeconds: 10,
        everyMs: 1,
        report: (text) => told.push(text),
      },
      how,
    );
    assert.equal(asked(), 3);
    assert.match(
      told[0] ?? "",
      /^4 of 6 model servers of llm are ready \(to move the traffic without waiting: pulumi config set --path 'allow\[0\]' unready-stable/,
    );
  });

  it("fails with the message that the documentation has", async () => {
    const { reader } = cluster({ ready: 4 });
    const error = await passReadiness(reader, rising, { timeoutSeconds: 0 }, how).catch(
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof StableUnready);
    const page = fs.readFileSync(path.join(__dirname, "..", "..", "..", "docs", "refusals.md"), "utf8");
    assert.ok(page.includes(error.message.replace("after 0 s", "after 600 s")), error.message);
  });

  for (const [what, look, text] of [
    ["pods of an older template", { ready: 6, generation: 2 }, /0 of 6 model servers/],
    [
      "a pool that somebody scaled down",
      { ready: 2, replicas: 2 },
      /has only 2 replicas; to fix it: pulumi up --refresh/,
    ],
    ["a pool that is gone", { pool: false }, /there is no InferencePool llm in namespace default/],
  ] as const) {
    it(`does not count ${what}`, async () => {
      const { reader } = cluster(look);
      await assert.rejects(passReadiness(reader, rising, { timeoutSeconds: 0 }, how), text);
    });
  }

  it("wants somebody to be ready in a pool whose size nobody knows", async () => {
    const pass = (...pods: LiveObject[]): Promise<void> => {
      const { reader } = cluster({});
      const list = (url: string): Promise<LiveObject[]> => Promise.resolve(url.endsWith("/pods") ? pods : []);
      const unknown = { pool: "llm", namespace: "default", share: 100 };
      return passReadiness({ ...reader, list }, unknown, { timeoutSeconds: 0 }, how);
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

describe("what a candidate has to answer", () => {
  const pools = new TwoPools();
  before(() => pools.start());
  after(() => pools.stop());
  beforeEach(() => {
    pools.candidate = { names: ["Qwen/Qwen3-8B"], adapters: [] };
  });
  const model = ["Qwen/Qwen3-8B"];

  it("is every name that the config knows", async () => {
    await pools.pass({ models: model });
    await assert.rejects(
      pools.pass({ models: ["chat"] }),
      says("llm-new answered 404 for model chat: The model `chat` does not exist."),
    );
  });

  it("is what it is said to have loaded, by its own list", async () => {
    await pools.pass({ serves: model });
    await assert.rejects(
      pools.pass({ serves: [...model, "food-v1"] }),
      says("llm-new does not list food-v1 as loaded"),
    );
    pools.candidate.list = { status: 200, body: "<html><title>Sign in</title></html>" };
    await assert.rejects(
      pools.pass({ serves: model }),
      says("llm-new answered 200 for its list of models: an HTML page (Sign in)"),
    );
  });

  for (const { what, endpoint, status = 200, body, fault } of faults) {
    it(`is not ${what} (${endpoint})`, async () => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      // A status without a body cannot be sent with one.
      pools.candidate.answer = () => ({ status, body: text });
      const error = await pools.pass({ models: model, api: endpoint }).then(
        () => assert.fail("the gate opened"),
        (thrown: unknown) => thrown as Error,
      );
      assert.match(error.message, /The route was not changed[^]*llm-new answered \d+ for model/);
      assert.match(error.message, new RegExp(`answered ${status} `));
      assert.ok(fault !== undefined);
    });
  }

  for (const { what, endpoint, body } of answers) {
    it(`is ${what} (${endpoint})`, async () => {
      pools.candidate.answer = (path) =>
        path === requestFor(endpoint, { model: "", prompt: "", maxTokens: 1 }).path
          ? { status: 200, body: JSON.stringify(body) }
          : { status: 404, body: "{}" };
      await pools.pass({ models: model, api: endpoint });
    });
  }

  it("is asked by the API that the model serves, which the message names where it serves none", async () => {
    const message = "The model does not support Completions API";
    const vector = { data: [{ index: 0, object: "embedding", embedding: [0.1, 0.2] }] };
    pools.candidate.answer = (path) =>
      path === "/v1/embeddings"
        ? { status: 200, body: JSON.stringify(vector) }
        : { status: 400, body: JSON.stringify({ error: { message, code: 400 } }) };
    await assert.rejects(
      pools.pass({ models: model }),
      says(message, "pulumi config set --path 'gate.endpoint' embeddings"),
    );
    await pools.pass({ models: model, api: "embeddings" });
  });

  it("is asked with the key, which no message shows", async () => {
    pools.candidate.key = "sk-right";
    await assert.rejects(
      pools.pass({ models: model, serves: model }),
      says(
        "llm-new answered 401 for model",
        "pulumi config set --secret --path 'gate.apiKey' (prompts for the key)",
      ),
    );
    const error = await pools
      .pass({ models: model, apiKey: "sk-wrong" })
      .catch((thrown: unknown) => thrown as Error);
    assert.match(error?.message ?? "", /Unauthorized: Bearer \(a secret\)[^]*reject the key in gate\.apiKey/);
    assert.ok(!(error?.message ?? "").includes("sk-wrong"));
    await pools.pass({ models: model, serves: model, apiKey: "sk-right" });
  });
});
