import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { paceOf, sizeOf } from "./speed";

describe("sizeOf", () => {
  const sizes: [string, number, number, number][] = [
    ["Qwen/Qwen3-8B", 8, 8, 2],
    ["meta-llama/Llama-3.1-70B-Instruct", 70, 70, 2],
    ["Qwen/Qwen3-30B-A3B", 30, 3, 2],
    ["mistralai/Mixtral-8x7B-v0.1", 56, 14, 2],
    ["google/gemma-2-2b-it", 2, 2, 2],
    ["Qwen/Qwen3-0.6B", 0.6, 0.6, 2],
    ["nvidia/Llama-3.3-70B-Instruct-FP8", 70, 70, 1],
    ["TheBloke/Llama-2-13B-AWQ", 13, 13, 0.5],
    ["my-model", 8, 8, 2],
  ];
  for (const [name, total, active, bytes] of sizes) {
    it(name, () => assert.deepEqual(sizeOf(name), { total, active, bytes }));
  }
});

describe("paceOf", () => {
  it("is faster on better accelerators, on more of them, and with smaller models", () => {
    const token = (model: string, accelerator: string, count = 1): number =>
      paceOf(model, accelerator, count).token;
    assert.ok(token("Qwen3-8B", "nvidia-h100-80gb") * 5 < token("Qwen3-8B", "nvidia-l4"));
    assert.ok(token("Qwen3-8B", "nvidia-l4", 2) < token("Qwen3-8B", "nvidia-l4"));
    assert.ok(token("Qwen3-32B", "nvidia-h100-80gb") > token("Qwen3-8B", "nvidia-h100-80gb"));
  });

  it("is what one sees: some 11 tokens a second of an 8B model on an L4, 125 on an H100", () => {
    assert.ok(Math.abs(1000 / paceOf("Qwen3-8B", "nvidia-l4", 1).token - 11) < 1);
    assert.ok(Math.abs(1000 / paceOf("Qwen3-8B", "nvidia-h100-80gb", 1).token - 125) < 2);
  });
});
