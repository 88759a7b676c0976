import { fix } from "../../../stacks/plan/config-edits";
import { fixText } from "../../../stacks/messages/edits";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { adapterCase, baseModelCase, v2 } from "../adapter-cases";
import { after, serviceConfig } from "../cases";
import { deployed, planned, rulesOf } from "./worlds";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

const serving = adapterCase({});
const split = (weight: number, rest: RawConfig = {}): RawConfig =>
  adapterCase({ candidate: v2, weight }, rest);
const finished = adapterCase(v2);

describe("the rollout of an adapter", () => {
  it("goes through its ladder and back, and is told as what it is", () => {
    deployed(serving, split(0), split(10), split(50), split(100), split(0), split(100), finished);
    assert.equal(planned(split(10), deployed(serving, split(0))).kind, "adapter");
    assert.equal(planned(serving).kind, undefined);
    assert.deepEqual(rulesOf({ ...split(10), rollout: "adapter" }, deployed(split(0))), []);
    assert.deepEqual(rulesOf({ ...split(10), rollout: "node-update" }, deployed(split(0))), ["not-the-kind"]);
  });

  it("unloads no version that requests are rewritten to", () => {
    for (const weight of [1, 10, 99]) {
      const world = deployed(serving, split(0), split(weight));
      assert.ok(rulesOf(serving, world).includes("adapter-version-has-traffic"), `given up at ${weight}`);
      assert.ok(rulesOf(finished, world).includes("adapter-version-has-traffic"), `finished at ${weight}`);
    }
    assert.deepEqual(rulesOf(serving, deployed(serving, split(0), split(100), split(0))), []);
  });

  it("believes the live rules, also after an update that failed", () => {
    const before = deployed(serving, split(0));
    const config = serviceConfig(split(30));
    const world = after(config, planned(split(30), before), before, false);
    assert.deepEqual(rulesOf(serving, world), ["adapter-version-has-traffic"]);
    // And the record, where the live rules were put back by hand.
    const record = deployed(serving, split(0), split(30));
    const { rewrites } = before;
    assert.ok(rewrites !== undefined);
    assert.deepEqual(rulesOf(serving, { ...record, rewrites }), ["adapter-version-has-traffic"]);
  });

  it("replaces no version that serves without a candidate", () => {
    const world = deployed(serving);
    const found = planned(finished, world).refusals;
    assert.deepEqual(
      found.map(({ rule }) => rule),
      ["adapter-version-has-traffic", "unproven-adapter"],
    );
    assert.match(fixText(found[0]!.fix), /set --path 'adapters\[0\]\.version' v1 .*candidate\.version' v2/);
  });

  it("lets the two versions not change places on the way", () => {
    const swapped = adapterCase({
      ...v2,
      candidate: { version: "v1", source: "acme/food-review-v1" },
      weight: 10,
    });
    assert.deepEqual(rulesOf(swapped, deployed(serving, split(0), split(40))), ["unproven-adapter"]);
  });

  it("in a freeze goes back and nowhere else", () => {
    const world = deployed(serving, split(0), split(30));
    const frozen = (raw: RawConfig): string[] => rulesOf({ ...raw, freeze: [{ reason: "sale" }] }, world);
    assert.deepEqual(frozen(split(30)), []);
    assert.deepEqual(frozen(split(0)), []);
    assert.deepEqual(frozen(split(60)), ["frozen"]);
    assert.ok(frozen(adapterCase({ candidate: { ...v2, version: "v3" }, weight: 0 })).includes("frozen"));
  });

  it("gives a version another source only under another name", () => {
    assert.deepEqual(rulesOf(adapterCase({ source: "acme/retrained" }), deployed(serving)), [
      "adapter-edited-in-place",
    ]);
  });

  it("names the commands that lead out", () => {
    const [refusal] = planned(serving, deployed(serving, split(0), split(30))).refusals;
    assert.equal(
      fixText(refusal?.fix ?? fix``),
      "pulumi config set --path 'adapters[0].candidate.version' v2 && pulumi config set --path 'adapters[0].candidate.source' acme/food-review-v2 && pulumi config set --path 'adapters[0].weight' 0 && pulumi up; then pulumi config rm --path 'adapters[0].candidate' && pulumi up",
    );
  });
});

describe("an adapter and a pool", () => {
  const atWeight = (weight: number, rest: RawConfig = {}): RawConfig => ({
    ...baseModelCase,
    weight,
    ...rest,
  });

  it("go through a base-model rollout together, and clients keep their names", () => {
    const config = { ...baseModelCase, aliases: ["chat", "Qwen/Qwen3-8B"] };
    const before = { ...config, candidate: "", weight: 0 };
    const promoted = { ...config, stable: "llm-pool-version-2", candidate: "", weight: 0 };
    deployed(
      before,
      { ...config, weight: 0 },
      { ...config, weight: 10 },
      { ...config, weight: 100 },
      promoted,
    );
    assert.equal(planned(atWeight(10)).kind, "base-model");
  });

  it("refuses a base model that an adapter was not trained for, before anything is built", () => {
    const adapters = [{ name: "sql", source: "acme/sql", bases: ["Qwen/Qwen3-8B"] }];
    const found = planned(atWeight(0, { adapters })).refusals;
    assert.deepEqual(
      found.map(({ rule }) => rule),
      ["adapter-not-for-base"],
    );
    assert.match(
      found[0]!.found,
      /llm-pool-version-2 serves Qwen\/Qwen3-14B.*sql was trained for Qwen\/Qwen3-8B/,
    );
  });

  it("does not drop the old model's name at promotion without being told so", () => {
    const world = deployed(atWeight(0), atWeight(100));
    const promoted = atWeight(0, { stable: "llm-pool-version-2", candidate: "" });
    const [refusal] = planned(promoted, world).refusals;
    assert.equal(refusal?.rule, "name-dropped");
    assert.equal(
      fixText(refusal.fix).split(" keeps")[0],
      "pulumi config set --path 'aliases[1]' Qwen/Qwen3-8B",
    );
    assert.deepEqual(rulesOf({ ...promoted, aliases: ["chat", "Qwen/Qwen3-8B"] }, world), []);
    assert.deepEqual(rulesOf({ ...promoted, allow: ["drop-names"] }, world), []);
  });

  it("does not drop an adapter's or an alias's name either", () => {
    const world = deployed(serving);
    assert.deepEqual(rulesOf({ ...serving, adapters: [] }, world), ["name-dropped"]);
    assert.deepEqual(rulesOf({ ...serving, adapters: [], allow: ["drop-names"] }, world), []);
  });

  it("changes no adapter while a pool is rolled out, but may move its weight", () => {
    const node = { candidate: "llm-new", weight: 50 };
    const world = deployed(split(0), split(0, { ...node, weight: 0 }), split(0, node));
    assert.deepEqual(rulesOf(split(10, node), world), []);
    assert.ok(rulesOf(adapterCase({}, node), world).includes("adapters-under-way"));
    const third = adapterCase({ candidate: { version: "v3", source: "acme/food-review-v3" } }, node);
    assert.deepEqual(rulesOf(third, world), ["adapters-under-way"]);
  });

  it("moves one weight at a time, and takes both back at once", () => {
    const node = (weight: number): RawConfig => ({ candidate: "llm-new", weight });
    const world = deployed(split(0), split(0, node(0)), split(0, node(50)), split(10, node(50)));
    assert.deepEqual(rulesOf(split(50, node(60)), world), ["one-weight-at-a-time"]);
    assert.deepEqual(rulesOf(split(0, node(60)), world), ["one-weight-at-a-time"]);
    assert.deepEqual(rulesOf(split(50, node(0)), world), ["one-weight-at-a-time"]);
    assert.deepEqual(rulesOf(split(0, node(0)), world), []);
  });

  it("refuses a new base model while a version of an adapter is under way, at whatever weight", () => {
    const adapters = baseModelCase.adapters.map((adapter) => ({ ...adapter, candidate: v2 }));
    assert.deepEqual(rulesOf(atWeight(0, { adapters })), ["both-at-once", "both-at-once"]);
  });

  it("lets a pool that was made without adapters be replaced by one that has them", () => {
    const plain = { ...serving, adapters: [] };
    const world = deployed(plain);
    assert.deepEqual(rulesOf(serving, world), ["pool-without-adapters"]);
    assert.deepEqual(rulesOf({ ...serving, candidate: "llm-new" }, world), []);
    const pools = { llm: { accelerator: "nvidia-l4", replicas: 2, adapters: true } };
    assert.deepEqual(rulesOf({ ...plain, pools }, world), ["edited-in-place"]);
  });

  it("keeps a pool able to load adapters when the last one goes", () => {
    const world = deployed(serving);
    const result = planned({ ...serving, adapters: [], allow: ["drop-names"] }, world);
    assert.deepEqual(result.refusals, []);
    assert.ok(result.pools.every(({ pool }) => pool.adapters));
  });

  it("splits nothing on a pool that somebody else made", () => {
    const pools = {
      llm: { existing: true },
      "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    const world: Observed = {
      ...nothingDeployed,
      pools: [{ name: "llm", namespace: "default", owned: false }],
    };
    const raw = split(0, { pools, candidate: "llm-new" });
    assert.ok(rulesOf(raw, world).includes("split-on-existing-pool"));
    assert.deepEqual(rulesOf(adapterCase({}, { pools, candidate: "llm-new" }), world), []);
  });
});
