import { fixText } from "../../../stacks/messages/edits";
import { withoutTheList } from "../../../stacks/plan/rising";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { asksFor, keepCommand, type StableTask } from "../../../stacks/gates/stable-names";
import { says, TwoPools } from "../state/two-pools";

const model = "Qwen/Qwen3-8B";

describe("names that the stable pool serves", () => {
  const pools = new TwoPools();
  before(() => pools.start());
  after(() => pools.stop());
  beforeEach(() => {
    pools.candidate = { names: [model], adapters: [] };
    pools.stable = { names: [model], adapters: [] };
    pools.stableServers = 1;
    pools.rewrites = [];
    pools.asked = [];
  });
  const pass = (models: string[] = [model], task: Partial<StableTask> = {}): Promise<void> =>
    pools.pass({ models, stable: { ...pools.stableTask, ...task } });

  it("are asked of the stable pool itself, not of the service, which the candidate may answer", async () => {
    await pass();
    const asked = new Set(pools.asked);
    assert.deepEqual([...asked].sort(), ["candidate /v1/completions", "stable /v1/models"]);
    assert.ok(pools.asked.filter((what) => what.startsWith("stable")).length >= 4);
  });

  it("are all the candidate's too, also those that nobody declared", async () => {
    pools.stable.names.push("chat");
    await assert.rejects(
      pass(),
      says(
        "llm-new answered 404 for model chat",
        "llm serves chat, and clients may use it: to make llm-new answer for it with its base model: " +
          "pulumi config set --path 'aliases[0]' chat && pulumi up; to drop it: WITHOUT",
      ),
    );
    pools.candidate.names.push("chat");
    await pass();
  });

  it("are missed with the message that the documentation has", async () => {
    pools.stable.names.push("chat");
    const without = fixText(withoutTheList({ named: [], used: [] }));
    const error = await pass([model], { without }).catch((thrown: unknown) => thrown as Error);
    const page = fs.readFileSync(path.join(__dirname, "..", "..", "..", "docs", "refusals.md"), "utf8");
    const message = (error?.message ?? "").replace("after 0 s", "after 600 s");
    assert.ok(page.includes(`\`\`\`\n${message}\n\`\`\``), message);
  });

  it("are missed where nothing answers for them, with the way to do without", async () => {
    pools.stable.names.push("chat");
    pools.candidate.names.push("chat");
    let requests = 0;
    const answer = (path: string): { status: number; body: string } | undefined =>
      path === "/v1/completions" && requests++ > 0
        ? { status: 504, body: "upstream request timeout" }
        : undefined;
    pools.candidate.answer = answer;
    await assert.rejects(
      pass(),
      says(
        "llm-new answered 504 for model chat",
        "llm serves chat, and clients may use it",
        "to drop it: WITHOUT",
      ),
    );
  });

  it("are named all at once, each with a place of its own", async () => {
    pools.stable.names.push("chat", "gpt");
    await assert.rejects(
      pass([model], { remedy: { by: "aliases", next: 2, model: true } }),
      says(
        "pulumi config set --path 'aliases[2]' chat && pulumi config set --path 'aliases[3]' gpt && pulumi up",
      ),
    );
  });

  it("of a candidate whose model the config does not know need that first", async () => {
    pools.stable.names.push("chat");
    await assert.rejects(
      pass([], { remedy: { by: "aliases", next: 0, model: false } }),
      says(
        "pulumi config set --path 'pools.llm-new.model' Qwen/Qwen3-8B && pulumi config set --path 'aliases[0]' chat",
      ),
    );
  });

  it("include adapters that were loaded while it ran, which an alias would answer with the base model", async () => {
    pools.stable.adapters.push("sql");
    const load = "load the adapter sql in every server of llm-new, as in llm; to drop it: WITHOUT";
    await assert.rejects(pass(), says("llm-new answered 404 for model sql", load));
    // SGLang answers every name.
    pools.candidate.any = true;
    await assert.rejects(pass(), says("llm-new does not list sql as loaded", load));
    pools.candidate.adapters.push("sql");
    await pass();
  });

  it("include what somebody else's picker rewrites, and not what this stack's does", async () => {
    const rewrite = (name: string, labels: Record<string, string>): (typeof pools.rewrites)[number] => ({
      metadata: { name, labels },
      spec: { poolRef: { name: "llm" }, rules: [{ matches: [{ model: { value: name } }], targets: [] }] },
    });
    pools.rewrites = [rewrite("own", { "app.kubernetes.io/managed-by": "gke-inference-rollout" })];
    await pass();
    pools.rewrites.push(rewrite("theirs", {}));
    await assert.rejects(pass(), says("llm-new answered 404 for model theirs"));
  });

  it("do not include versions of adapters, which no client asks for", async () => {
    pools.stable.adapters.push("food-review-v1");
    await pass([model], { versions: ["food-review-v1"] });
  });

  for (const [what, change, text] of [
    [
      "is not there",
      { stableServers: undefined },
      "there is no InferencePool llm in namespace default: cannot read the model names that llm serves",
    ],
    [
      "has no server",
      { stableServers: 0 },
      "no model server of llm is ready: cannot read the model names that llm serves",
    ],
    [
      "has no list",
      { list: { status: 404, body: '{"detail":"Not Found"}' } },
      "llm answered 404 for its list of models: Not Found",
    ],
    [
      "is broken",
      { list: { status: 503, body: "no healthy upstream" } },
      "llm answered 503 for its list of models: no healthy upstream",
    ],
    [
      "answers with a page",
      { list: { status: 200, body: "<html></html>" } },
      "llm answered 200 for its list of models: an HTML page",
    ],
    [
      "answers with an error",
      { list: { status: 200, body: '{"error":{"message":"boom"}}' } },
      "llm answered 200 for its list of models: an error: boom",
    ],
  ] as const) {
    it(`close the gate where the stable pool ${what}, with the reason and the way on`, async () => {
      if ("list" in change) pools.stable.list = change.list;
      else pools.stableServers = change.stableServers;
      await assert.rejects(pass(), says(`${text}; to continue without this check: WITHOUT`));
      // Whoever waives it asks only for what the config declares.
      await pools.pass({ models: [model] });
    });
  }

  it("are to be said where it lists none and the config knows none", async () => {
    pools.stable.names = [];
    const fix = "set the model that it serves: pulumi config set --path 'pools.llm.model' MODEL";
    await assert.rejects(pass([]), says(`llm lists no models; ${fix}`));
    await pass();
  });

  it("need the key too", async () => {
    pools.stable.key = "sk-1";
    pools.candidate.key = "sk-1";
    await assert.rejects(
      pass(),
      says("llm answered 401 for its list of models", "--secret --path 'gate.apiKey'"),
    );
    await pools.pass({ models: [model], apiKey: "sk-1", stable: pools.stableTask });
  });
});

describe("asking a pool for its names", () => {
  it("is repeated, so that one server's own name is found, and bounded", () => {
    assert.deepEqual([0, 1, 2, 6, 20, 1000].map(asksFor), [4, 4, 6, 18, 60, 60]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (servers) => {
        // That a server of this pool is never picked.
        assert.ok((1 - 1 / servers) ** asksFor(servers) < 0.051);
      }),
    );
  });
});

describe("keeping names", () => {
  it("is for whoever made the candidate, where this stack did not", () => {
    assert.equal(
      keepCommand("llm-new", ["chat"], { by: "theirs" }, undefined),
      "restart the servers of llm-new with these names in --served-model-name too",
    );
  });
});
