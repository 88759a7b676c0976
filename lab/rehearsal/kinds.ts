import type { RolloutKind } from "../../stacks/plan/service-config";
import type { Asking } from "../../rollout/traffic/client";
import { prefixed } from "./config-file";
import { adapterLadder, ladderOf, type Measure, type Step } from "./ladder";
import { versionOf, type Expectation, type Series } from "./series";

/** What is rehearsed: a config before the rollout, its steps, what is asked meanwhile and how it is judged. */
export interface Rehearsal {
  kind: RolloutKind;
  /** Keys of the stack's config that differ from its file; undefined: removed. */
  changes: Readonly<Record<string, unknown>>;
  stable: string;
  candidate: string;
  /** What the split is between, in words. */
  between: { stable: string; candidate: string };
  steps: readonly Step[];
  measure: Measure;
  expectation: Expectation;
  /** Names in the order in which they are asked for, again and again. */
  asked: readonly string[];
  /** By which API, and with which key. Default: completions, without one. */
  asking?: Asking;
  objectives: readonly string[];
  /** The object whose change moves the requests. */
  moved: { kind: "route" | "names"; namespace: string; name: string };
  /** Adapters that every pod of the stable pool has in the end; absent: nothing is checked. */
  loadedInTheEnd?: readonly string[];
}

export const kinds = [
  "node-update",
  "base-model",
  "model-server",
  "adapter",
  "picker",
] as const satisfies RolloutKind[];

/** Kinds with a config of their own, for who has none: see own-case.ts for a stack's own. */
export function rehearsalOf(kind: Exclude<RolloutKind, "node-update">): Rehearsal {
  switch (kind) {
    case "base-model":
      return poolRollout(kind, {
        stable: "llm-pool",
        candidate: "llm-pool-version-2",
        pools: {
          "llm-pool": { accelerator: "nvidia-l4", replicas: 4, model: "Qwen/Qwen3-8B" },
          "llm-pool-version-2": { accelerator: "nvidia-h100-80gb", replicas: 2, model: "Qwen/Qwen3-14B" },
        },
        // The old model's name stays a name of the service: that is what its clients ask for.
        aliases: ["chat", "Qwen/Qwen3-8B"],
        objectives: [
          { name: "interactive", priority: 10 },
          { name: "batch", priority: -10 },
        ],
      });
    case "model-server":
      return poolRollout(kind, {
        stable: "llm",
        candidate: "llm-new-server",
        model: "Qwen/Qwen3-8B",
        pools: {
          llm: { accelerator: "nvidia-l4", replicas: 4, server: { version: "v0.20.0" } },
          "llm-new-server": { accelerator: "nvidia-l4", replicas: 4, server: { version: "v0.21.0" } },
        },
        aliases: ["chat"],
      });
    case "picker":
      return poolRollout(kind, {
        stable: "llm",
        candidate: "llm-new-picker",
        model: "Qwen/Qwen3-8B",
        pools: {
          llm: { accelerator: "nvidia-l4", replicas: 4 },
          "llm-new-picker": {
            like: "llm",
            picker: {
              // Two of them, of which one stands by; with queues of its own and another choice of pods.
              replicas: 2,
              config: { queue: 2, "kv-cache-utilization": 2, "prefix-cache": 3, "lora-affinity": 1 },
              featureGates: ["flowControl"],
            },
          },
        },
        aliases: ["chat"],
      });
    case "adapter":
      return adapterRollout();
  }
}

const bases = ["Qwen/Qwen3-8B", "Qwen/Qwen3-14B"];
const adapters = [
  { name: "food-review", source: "acme/food-review-v1", bases },
  { name: "sql", source: "acme/sql", bases },
];

interface PoolCase {
  stable: string;
  candidate: string;
  model?: string;
  pools: Record<string, { model?: string; [key: string]: unknown }>;
  aliases: readonly string[];
  objectives?: readonly { name: string; priority: number }[];
}

/** A new base model, server or picker: the same names, answered by either pool, each by its own model. */
function poolRollout(kind: "base-model" | "model-server" | "picker", given: PoolCase): Rehearsal {
  const { stable, candidate, pools, aliases } = given;
  const base = (pool: string): string => pools[pool]?.model ?? given.model ?? "";
  const baseNames = [...new Set([...aliases, base(stable)])];
  const names = [
    ...baseNames.map((name) => ({ name, versions: [] })),
    ...adapters.map(({ name }) => ({ name, versions: [`${name}-v1`] })),
  ];
  return {
    kind,
    changes: prefixed({ model: undefined, ...given, adapters, weight: 0, rollout: kind }),
    stable,
    candidate,
    between: { stable, candidate },
    steps: ladderOf(candidate),
    measure: byPool(
      candidate,
      names.map(({ name }) => name),
    ),
    expectation: { names, bases: { [stable]: base(stable), [candidate]: base(candidate) } },
    asked: names.map(({ name }) => name),
    // A priority below 0 may be shed at any time, which here would be a failed request; priorities.long.test.ts has it.
    objectives: (given.objectives ?? []).filter(({ priority }) => priority >= 0).map(({ name }) => name),
    moved: { kind: "route", namespace: "default", name: "routes-to-llm" },
  };
}

/** A version of an adapter, split within each of two pools that serve the same model. */
function adapterRollout(): Rehearsal {
  const [stable, candidate, model] = ["llm", "llm-new", "Qwen/Qwen3-8B"];
  const [v1, v2] = ["food-review-v1", "food-review-v2"];
  const names = [
    { name: "food-review", versions: [v1, v2] },
    { name: "sql", versions: ["sql-v1"] },
    { name: "chat", versions: [] },
    { name: model, versions: [] },
  ];
  const split = (step: Step, pool?: string): Series => ({
    name: pool === undefined ? "food-review" : `food-review on ${pool}`,
    expected: step.weight / 100,
    counts: (outcome) => outcome.model === "food-review" && (pool === undefined || outcome.pool === pool),
    isCandidates: (outcome) => versionOf(outcome) === v2,
  });
  return {
    kind: "adapter",
    changes: prefixed({
      model,
      stable,
      candidate: "",
      weight: 0,
      aliases: ["chat"],
      adapters,
      pools: {
        [stable]: { accelerator: "nvidia-l4", replicas: 3 },
        [candidate]: { accelerator: "nvidia-h100-80gb", replicas: 2 },
      },
    }),
    stable,
    candidate,
    between: { stable: v1, candidate: v2 },
    steps: adapterLadder("v2", "acme/food-review-v2", candidate),
    measure: (step) => {
      const whole = split(step);
      if (step.poolWeight === undefined) return [whole];
      const pools = [stable, candidate].filter((pool) => pool === stable || step.poolWeight !== 0);
      const share: Series = {
        name: candidate,
        expected: step.poolWeight / 100,
        counts: () => true,
        isCandidates: ({ pool }) => pool === candidate,
      };
      return [whole, ...pools.map((pool) => split(step, pool)), share];
    },
    expectation: { names, bases: { [stable]: model, [candidate]: model } },
    // The name whose requests are split is asked for most: each pool's split is judged by itself.
    asked: ["food-review", "food-review", "sql", "food-review", "chat", "food-review", model],
    objectives: [],
    moved: { kind: "names", namespace: "default", name: "llm-names" },
    loadedInTheEnd: [v2, "sql-v1"],
  };
}

/** The candidate pool's share of all requests, and of those for each name. */
export function byPool(candidate: string, names: readonly string[]): Measure {
  return (step) => {
    const series = (name: string, counts: Series["counts"]): Series => ({
      name,
      expected: step.weight / 100,
      counts,
      isCandidates: ({ pool }) => pool === candidate,
    });
    return [series("all", () => true), ...names.map((name) => series(name, ({ model }) => model === name))];
  };
}
