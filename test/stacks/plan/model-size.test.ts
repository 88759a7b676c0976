import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { RawConfig } from "../../../stacks/config/parse";
import { modelSizeNotes, sizeWarnings, weightsGb } from "../../../stacks/plan/model-size";
import { after, ownedPool, serviceConfig } from "../cases";
import { planned } from "./worlds";

const config = (model: string, pool: object): RawConfig => ({
  model,
  stable: "llm",
  pools: { llm: { replicas: 1, ...pool } },
});
const warnings = (model: string, pool: object): string =>
  sizeWarnings(ownedPool(serviceConfig(config(model, pool)), "llm")).join("\n");

const l4 = { accelerator: "nvidia-l4" };
const large = "meta-llama/Llama-3.3-70B-Instruct";

describe("the size of a model by its name", () => {
  const cases: [string, number | undefined][] = [
    ["Qwen/Qwen3-8B", 16],
    ["meta-llama/Llama-3.3-70B-Instruct", 140],
    ["mistralai/Mixtral-8x7B-Instruct-v0.1", 112],
    ["Qwen/Qwen3-235B-A22B", 470],
    ["Qwen/Qwen3-32B-FP8", 33.6],
    ["Qwen/Qwen2.5-72B-Instruct-AWQ", 43.2],
    ["openai/gpt-oss-120b", 72],
    ["Qwen/Qwen2.5-0.5B", 1],
    ["moonshotai/Kimi-1T", 2000],
    ["deepseek-ai/DeepSeek-V3", undefined],
    ["google/gemma-3-27b-it", 54],
    ["acme/4bits-of-nothing", undefined],
    ["llm", undefined],
  ];
  for (const [model, size] of cases) {
    it(`${model}: ${size ?? "not said"}`, () => {
      const found = weightsGb(model);
      assert.equal(found === undefined ? undefined : Math.round(found * 10) / 10, size);
    });
  }
});

describe("a model that does not fit", () => {
  it("is a warning for accelerator memory, with what a replica has", () => {
    assert.match(warnings(large, l4), /about 140 GB.* 24 GB of accelerator memory/);
    const memory = /accelerator memory/;
    assert.doesNotMatch(warnings(large, { ...l4, acceleratorsPerReplica: 8 }), memory);
    const quantized = { ...l4, server: { args: ["--quantization", "fp8"] } };
    assert.doesNotMatch(warnings(large, quantized), memory);
    assert.match(
      warnings("Qwen/Qwen3-32B", { accelerator: "nvidia-rtx-pro-6000", machineType: "g4-standard-24" }),
      /48 GB of accelerator memory/,
    );
  });

  it("is a warning for the boot disk, with a size that would do", () => {
    const eight = { ...l4, acceleratorsPerReplica: 8 };
    assert.match(warnings(large, eight), /boot disk of 100 GB.*set pools.llm.diskGb to 200 or more/);
    assert.equal(warnings(large, { ...eight, diskGb: 200 }), "");
    const bucket = { from: "gcs", bucket: "acme-models", path: "llama" };
    assert.equal(warnings(large, { ...eight, weights: bucket }), "");
    assert.equal(warnings(large, { accelerator: "nvidia-h100-80gb", acceleratorsPerReplica: 8 }), "");
    // Each replica of a node downloads its own.
    const shared = { ...l4, machineType: "g2-standard-96", replicas: 8 };
    assert.match(warnings("Qwen/Qwen3-8B", shared), /8 replicas share a node.*diskGb to 200/);
    assert.equal(warnings("Qwen/Qwen3-8B", l4), "");
  });

  it("is said of the pools that an update creates, and of no others", () => {
    const raw = config(large, l4);
    const plan = planned(raw);
    assert.match(plan.notes.join(), /accelerator memory/);
    const world = after(serviceConfig(raw), plan);
    assert.deepEqual(modelSizeNotes(world, plan.pools), []);
    assert.equal(modelSizeNotes(nothingDeployed, plan.pools).length, 2);
    assert.deepEqual(planned(raw, world).refusals, []);
  });
});
