import type { RawConfig } from "../../stacks/config/parse";

/** The source's second case: the same adapters on an old and a new base model. */
export const baseModelCase = {
  stable: "llm-pool",
  candidate: "llm-pool-version-2",
  weight: 10,
  aliases: ["chat"],
  adapters: [
    {
      name: "food-review",
      source: "acme/food-review-v1",
      bases: ["Qwen/Qwen3-8B", "Qwen/Qwen3-14B"],
    },
    { name: "sql", source: "gs://acme-adapters/sql", bases: ["Qwen/Qwen3-8B", "Qwen/Qwen3-14B"] },
  ],
  pools: {
    "llm-pool": { accelerator: "nvidia-l4", replicas: 3, model: "Qwen/Qwen3-8B" },
    "llm-pool-version-2": { accelerator: "nvidia-h100-80gb", replicas: 2, model: "Qwen/Qwen3-14B" },
  },
};

/** One pool, one adapter, and what is said of it beside its name and base. */
export function adapterCase(adapter: object, rest: RawConfig = {}): RawConfig {
  return {
    model: "Qwen/Qwen3-8B",
    stable: "llm",
    adapters: [{ name: "food-review", source: "acme/food-review-v1", ...adapter }],
    pools: {
      llm: { accelerator: "nvidia-l4", replicas: 2 },
      "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 2 },
    },
    ...rest,
  };
}

export const v2 = { version: "v2", source: "acme/food-review-v2" };
