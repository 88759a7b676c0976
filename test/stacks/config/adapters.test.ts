import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fixText } from "../../../stacks/messages/edits";
import type { Mistake } from "../../../stacks/messages/mistakes";
import { resolveConfig } from "../../../stacks/config/resolve";
import type { RawConfig } from "../../../stacks/config/parse";
import { adapterCase, baseModelCase, v2 } from "../adapter-cases";
import { cloud, serviceConfig, sourceCase } from "../cases";

const mistakesOf = (raw: RawConfig): Mistake[] => resolveConfig(raw, cloud).mistakes;
const keysOf = (raw: RawConfig): string[] => mistakesOf(raw).map(({ key }) => key);

describe("adapters in a stack's config", () => {
  it("carry their version in the name they are loaded under", () => {
    const [adapter] = serviceConfig(adapterCase({ candidate: v2, weight: "30" })).adapters;
    assert.deepEqual(adapter, {
      name: "food-review",
      index: 0,
      bases: ["Qwen/Qwen3-8B"],
      stable: { version: "v1", source: "acme/food-review-v1", served: "food-review-v1" },
      candidate: { version: "v2", source: "acme/food-review-v2", served: "food-review-v2" },
      weight: 30,
    });
  });

  it("are loaded by every pool that does not say otherwise, and by none without them", () => {
    const pool = (raw: RawConfig, name: string): unknown => {
      const found = serviceConfig(raw).pools[name]!;
      return found.existing ? undefined : found.adapters;
    };
    assert.equal(pool(adapterCase({}), "llm"), true);
    assert.equal(pool(sourceCase, "llm"), false);
    const pools = { llm: { accelerator: "nvidia-l4", replicas: 2, adapters: "false" } };
    assert.equal(pool(adapterCase({}, { pools }), "llm"), false);
  });

  for (const [why, adapter, key] of [
    ["a weight without a candidate", { weight: 10 }, "adapters[0].weight"],
    ["a weight above 100", { candidate: v2, weight: 101 }, "adapters[0].weight"],
    [
      "a candidate of the same version",
      { candidate: { ...v2, version: "v1" } },
      "adapters[0].candidate.version",
    ],
    ["a candidate without a source", { candidate: { version: "v2" } }, "adapters[0].candidate.source"],
    ["a source on this machine", { source: "/home/me/adapter" }, "adapters[0].source"],
    ["a name with a space", { name: "food review" }, "adapters[0].name"],
    [
      "a name with a comma, which the picker's metrics could not tell apart",
      { name: "a,b" },
      "adapters[0].name",
    ],
    ["a key that there is not", { wieght: 10 }, "adapters[0].wieght"],
    ["a name that is the model's", { name: "Qwen/Qwen3-8B" }, "adapters[0].name"],
  ] as const) {
    it(`refuse ${why}`, () => {
      const mistakes = mistakesOf(adapterCase(adapter));
      assert.deepEqual(
        mistakes.map((mistake) => mistake.key),
        [key],
      );
      assert.match(fixText(mistakes[0]!.fix), /^pulumi config (set|rm) --path 'adapters\[0\]/);
    });
  }

  it("need to know what they were trained for", () => {
    assert.deepEqual(keysOf({ ...baseModelCase, adapters: [{ name: "sql", source: "acme/sql" }] }), [
      "adapters[0].bases",
    ]);
  });

  it("have names that mean one thing only", () => {
    const twice = [
      { name: "sql", source: "acme/a" },
      { name: "sql", source: "acme/b" },
    ];
    assert.deepEqual(keysOf({ ...sourceCase, adapters: twice }), ["adapters[1].name", "adapters[1].version"]);
    const served = [
      { name: "sql", source: "acme/a" },
      { name: "sql-v1", source: "acme/b" },
    ];
    assert.deepEqual(keysOf({ ...sourceCase, adapters: served }), ["adapters[0].version"]);
    assert.deepEqual(keysOf(adapterCase({ name: "chat" }, { aliases: ["chat"] })), ["adapters[0].name"]);
    assert.deepEqual(keysOf({ ...sourceCase, aliases: ["chat", "chat"] }), ["aliases[1]"]);
    assert.deepEqual(keysOf({ ...sourceCase, aliases: ["Qwen/Qwen3-8B"] }), []);
  });

  it("are refused on SGLang, where it is not proven that a pod has them all, unless the pool does without", () => {
    const sglang = { accelerator: "nvidia-l4", replicas: 2, server: { engine: "sglang" } };
    assert.deepEqual(keysOf(adapterCase({}, { pools: { llm: sglang } })), ["pools.llm.server.engine"]);
    assert.deepEqual(keysOf(adapterCase({}, { pools: { llm: { ...sglang, adapters: false } } })), []);
  });

  it("leave a pod that was taken over from somebody else as it is", () => {
    const pools = {
      llm: { existing: true },
      "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    const raw = adapterCase({}, { pools, candidate: "llm-new" });
    const made = serviceConfig(raw).pools["llm-new"]!;
    assert.equal(!made.existing && made.adapters, false);
    const insisting = { ...pools, "llm-new": { ...pools["llm-new"], adapters: true } };
    assert.deepEqual(keysOf({ ...raw, pools: insisting }), ["pools.llm-new.adapters"]);
  });
});
