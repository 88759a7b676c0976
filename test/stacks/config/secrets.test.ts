import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeMistakes, type Mistake } from "../../../stacks/messages/mistakes";
import { fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import { keepsSecrets, leavesOf } from "../../../stacks/config/secrets";
import type { RawConfig } from "../../../stacks/config/parse";
import { cloud, sourceCase } from "../cases";
import { everyKey, markIn, schemaKeyOf, schemaKeys } from "./schema-keys";

const leaves = Object.entries(everyKey).flatMap(([key, value]) => leavesOf(key, value));
const mistakesOf = (raw: RawConfig, ...secrets: string[]): Mistake[] =>
  resolveConfig(raw, cloud, new Set(secrets)).mistakes;
const holds = (text: string, mark: string): boolean => new RegExp(`${mark}(?!\\d)`).test(text);

describe("a secret in a config", () => {
  it("is planted at every key of the schema by these tests", () => {
    assert.deepEqual(new Set(leaves.map(([key]) => schemaKeyOf(key))), new Set(schemaKeys()));
    const marks = leaves.flatMap(([, value]) => markIn(value) ?? []);
    assert.equal(new Set(marks).size, marks.length, "each mark once");
  });

  for (const [key, value] of leaves) {
    const mark = markIn(value);
    it(`at ${key} ${keepsSecrets(key) ? "is kept" : "is refused"}, and in no message`, () => {
      const mistakes = mistakesOf(everyKey, key);
      if (mark !== undefined) assert.ok(!holds(describeMistakes(mistakes), mark));
      const own = mistakes.filter((mistake) => mistake.key === key && mistake.allowed.includes("not secret"));
      if (keepsSecrets(key)) {
        assert.deepEqual(own, []);
        return;
      }
      const flag = /[.[]/.test(key) ? `--path '${key}'` : key;
      // A value that is wrong in another way has its own mistake; one is enough.
      const other = mistakes.find((mistake) => mistake.key === key);
      assert.equal(other?.found, "(a secret)", JSON.stringify(mistakes));
      if (own[0] !== undefined)
        assert.equal(fixText(own[0].fix), `pulumi config set --plaintext ${flag} VALUE`);
    });

    it(`at ${key} is in no message where it is known only that ${key.split(/[.[]/)[0] ?? ""} holds one`, () => {
      const top = key.split(/[.[]/)[0] ?? key;
      const text = describeMistakes(mistakesOf(everyKey, top));
      // With a place where a secret can be kept, that is where it is.
      const kept = leaves.some(([leaf]) => leaf.startsWith(top) && keepsSecrets(leaf));
      if (mark !== undefined && (!kept || keepsSecrets(key))) assert.ok(!holds(text, mark), text);
    });
  }

  it("refuses all at once that cannot be kept", () => {
    const secrets = leaves.map(([key]) => key);
    const mistakes = mistakesOf(everyKey, ...secrets);
    const refused = new Set(mistakes.map(({ key }) => key));
    for (const key of secrets) assert.ok(keepsSecrets(key) || refused.has(key), key);
    assert.doesNotMatch(describeMistakes(mistakes), /marked-/);
  });

  it("is not repeated by a message about another key, or about a key that nobody knows", () => {
    const raw = {
      ...sourceCase,
      gate: { adress: "hunter2-secret" },
      freeze: [{ to: "hunter3-secret" }],
      pools: {
        ...sourceCase.pools,
        llm: { accelerator: "nvidia-l4", replicas: 6, server: ["hunter4-secret"] },
      },
    };
    const text = describeMistakes(mistakesOf(raw, "gate.adress", "freeze[0].to", "pools.llm.server[0]"));
    assert.doesNotMatch(text, /hunter/);
    assert.match(text, /gate\.adress/);
  });

  it("does not hide what stands beside it, where its place is known", () => {
    const server = { args: ["--api-key", "hunter2-secret"] };
    const pools = { ...sourceCase.pools, llm: { accelerator: "nvidia-l5", replicas: 6, server } };
    const exact = mistakesOf({ ...sourceCase, pools }, "pools.llm.server.args[1]");
    assert.deepEqual(
      exact.map(({ key, found }) => [key, found]),
      [["pools.llm.accelerator", "nvidia-l5"]],
    );
    const somewhere = mistakesOf({ ...sourceCase, pools }, "pools");
    assert.deepEqual(
      somewhere.map(({ found }) => found),
      ["(a secret)"],
    );
  });

  it("marks the arguments of the server by their places, also where another pool or the stack names them", () => {
    const args = [
      "--api-key",
      "hunter2-secret",
      "--served-model-name",
      "chat",
      "qwen",
      "--max-model-len",
      "8192",
    ];
    const places = (raw: RawConfig, ...secrets: string[]): unknown[] => {
      const { config, mistakes } = resolveConfig({ ...sourceCase, ...raw }, cloud, new Set(secrets));
      assert.deepEqual(mistakes, []);
      assert.ok(config?.role === "all");
      return Object.values(config.service.pools).map((pool) => !pool.existing && pool.server.secretArgs);
    };
    const l4 = { accelerator: "nvidia-l4", replicas: 6 };
    const pools = { llm: { ...l4, server: { args } }, "llm-new": { like: "llm" } };
    assert.deepEqual(places({ pools }, "pools.llm.server.args[1]"), [[1], [1]]);
    assert.deepEqual(places({ server: { args } }, "server.args[1]"), [[1], [1]]);
    const own = { ...pools, "llm-new": { like: "llm", server: { args: ["--x"] } } };
    assert.deepEqual(places({ pools: own }, "pools.llm.server.args[1]"), [[1], undefined]);
    assert.deepEqual(places({ pools }), [undefined, undefined]);
    // Somewhere: every word but flags and the names that clients use.
    assert.deepEqual(places({ pools }, "pools"), [
      [1, 6],
      [1, 6],
    ]);
  });

  it("says so where a whole key is secret in which nothing can be", () => {
    const [mistake, ...others] = mistakesOf({ ...sourceCase, aliases: ["marked-1"] }, "aliases");
    assert.deepEqual([mistake?.key, mistake?.found, others], ["aliases", "(a secret)", []]);
    const scalar = mistakesOf({ ...sourceCase, model: "marked-1/model" }, "model");
    assert.deepEqual(
      scalar.map(({ key, fix }) => [key, fixText(fix)]),
      [["model", "pulumi config set --plaintext model VALUE"]],
    );
    assert.deepEqual(mistakesOf({ ...sourceCase, huggingFaceToken: "hf_x" }, "huggingFaceToken"), []);
  });

  it("leaves the names of keys in a fix, also where a secret looks like one", () => {
    const raw = { ...sourceCase, huggingFaceToken: "candidate", candidat: "llm-new" };
    const found = mistakesOf(raw, "huggingFaceToken").find(({ key }) => key === "candidat");
    assert.equal(
      found && fixText(found.fix),
      "pulumi config rm candidat && pulumi config set candidate llm-new",
    );
  });
});
