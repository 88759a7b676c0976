import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { secretsInside, withoutSecure, keysInFile } from "../../../stacks/config/config-file";
import { asWritten } from "../../../rollout/steps/values";
import { resolveValues } from "../../../rollout/steps/resolve-values";
import { fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import { cloud, sourceCase } from "../cases";

const file = `encryptionsalt: v1:abc
config:
  gcp:project: acme-ml
  inference-rollout:weight: "30"
  inference-rollout:pools:
    llm:
      accelerator: nvidia-l4
      replicas: 6
      server:
        args:
          - --api-key
          - secure: v1:x:y
`;

const written = async (): Promise<Readonly<Record<string, unknown>>> =>
  (await keysInFile(file, "inference-rollout")) ?? {};
/** As the engine passes them to the program: decrypted. */
const pools = { llm: { accelerator: "nvidia-l4", replicas: 6, server: { args: ["--api-key", "sk-1"] } } };

describe("a stack's config file", () => {
  it("tells where a secret is", async () => {
    assert.deepEqual(secretsInside("pools", pools, (await written())["pools"]), ["pools.llm.server.args[1]"]);
  });

  it("counts for nothing where it says something else than the engine", async () => {
    const inFile = (await written())["pools"];
    for (const other of [
      { ...pools, more: {} },
      { llm: { ...pools.llm, replicas: 7 } },
      { llm: { ...pools.llm, server: { args: ["--api-key"] } } },
      "text",
    ]) {
      assert.equal(secretsInside("pools", other, inFile), undefined);
    }
    assert.equal(await keysInFile("config: [", "inference-rollout"), undefined);
    assert.equal(await keysInFile("", "inference-rollout"), undefined);
  });

  it("is found again in what it was made of, with the secrets at their places", () => {
    const key = fc.stringMatching(/^[a-z]{1,4}$/);
    const tree = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: "small" },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.record({ secure: fc.string({ minLength: 1 }) }),
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(key, tie("node"), { maxKeys: 3 }),
      ),
    })).node;
    fc.assert(
      fc.property(tree, (node) => {
        const { value, secrets } = withoutSecure("k", node, "decrypted");
        assert.deepEqual(secretsInside("k", value, node), secrets);
      }),
    );
  });
});

describe("the rollout command's view of a config with a secret inside", () => {
  const printed = {
    "gcp:project": { secret: false, value: "acme-ml" },
    "gcp:region": { secret: false, value: "us-central1" },
    "inference-rollout:model": { secret: false, value: "Qwen/Qwen3-8B" },
    "inference-rollout:stable": { secret: false, value: "llm" },
    "inference-rollout:pools": { secret: true },
  } as const;

  it("knows the pools, and not the secret", async () => {
    const values = asWritten(printed, await written());
    const resolved = resolveValues(values);
    assert.ok(resolved.outcome === "resolved", JSON.stringify(resolved));
    const pool = resolved.config.service.pools["llm"];
    assert.ok(pool !== undefined && !pool.existing);
    assert.deepEqual(pool.server.args, ["--api-key", "(a secret)"]);
    assert.deepEqual(pool.server.secretArgs, [1]);
  });

  it("says so where the file does not tell", () => {
    const resolved = resolveValues(printed);
    assert.deepEqual(resolved, {
      outcome: "mistakes",
      mistakes: ["pools is a secret, so its value cannot be compared"],
    });
  });
});

describe("a time of a freeze", () => {
  const mistakes = (from: string): string[] =>
    resolveConfig({ ...sourceCase, freeze: [{ from, reason: "x" }] }, cloud).mistakes.map(
      ({ key, fix }) => `${key}: ${fixText(fix)}`,
    );

  /** What a person writes, how Pulumi hands it over where it has no quotes (tried), and whether it has a zone. */
  const times: readonly [text: string, asRead: string, zoned: boolean][] = [
    ["2026-11-27T18:00:00+01:00", "2026-11-27 18:00:00 +0100 +0100", true],
    ["2026-11-27T18:00:00-05:30", "2026-11-27 18:00:00 -0530 -0530", true],
    ["2026-11-27T18:00:00", "2026-11-27 18:00:00 +0000 UTC", false],
    ["2026-11-27 18:00:00", "2026-11-27 18:00:00 +0000 UTC", false],
    ["2026-11-27", "2026-11-27 00:00:00 +0000 UTC", false],
  ];
  for (const [text, asRead, zoned] of times) {
    it(`${text} is ${zoned ? "taken" : "refused"}, in quotes and without`, () => {
      const hour = text.length > 10 ? "18" : "00";
      const fix = `freeze[0].from: pulumi config set --path 'freeze[0].from' 2026-11-27T${hour}:00:00Z`;
      for (const given of [text, asRead]) assert.deepEqual(mistakes(given), zoned ? [] : [fix], given);
    });
  }

  it("in UTC is taken in quotes, and refused without: there it looks like one that had no zone", () => {
    assert.deepEqual(mistakes("2026-11-27T18:00:00Z"), []);
    assert.deepEqual(mistakes("2026-11-27 18:00:00 +0000 UTC").length, 1);
  });
});
