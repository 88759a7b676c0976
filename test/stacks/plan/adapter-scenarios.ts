import { nothingDeployed } from "../../../stacks/plan/model";
import type { RawConfig } from "../../../stacks/config/parse";
import { adapterCase, baseModelCase, v2 } from "../adapter-cases";
import { type Scenario, deployed } from "./worlds";

/* The situations of docs/refusals.md in which adapters and model names are refused. */

const alone = adapterCase({});
const split = (weight: number, rest: RawConfig = {}): RawConfig =>
  adapterCase({ candidate: v2, weight }, rest);
const underWay = (weight: number): RawConfig => ({ candidate: "llm-new", weight });

export const adapterScenarios: readonly Scenario[] = [
  { rule: "adapter-version-has-traffic", config: alone, world: () => deployed(alone, split(0), split(30)) },
  { rule: "unproven-adapter", config: adapterCase(v2), world: () => deployed(alone) },
  {
    rule: "adapter-not-for-base",
    config: {
      ...baseModelCase,
      weight: 0,
      adapters: [{ name: "sql", source: "acme/sql", bases: ["Qwen/Qwen3-8B"] }],
    },
    world: () => nothingDeployed,
  },
  { rule: "pool-without-adapters", config: alone, world: () => deployed({ ...alone, adapters: [] }) },
  {
    rule: "both-at-once",
    config: {
      ...baseModelCase,
      weight: 0,
      adapters: [{ ...baseModelCase.adapters[0], candidate: v2 }],
    },
    world: () => nothingDeployed,
  },
  {
    rule: "one-weight-at-a-time",
    config: split(50, underWay(60)),
    world: () => deployed(split(0), split(0, underWay(0)), split(0, underWay(50)), split(10, underWay(50))),
  },
  {
    rule: "adapters-under-way",
    config: adapterCase({ candidate: { version: "v3", source: "acme/food-review-v3" } }, underWay(50)),
    world: () => deployed(split(0), split(0, underWay(0)), split(0, underWay(50))),
  },
  {
    rule: "adapter-edited-in-place",
    config: adapterCase({ source: "acme/retrained" }),
    world: () => deployed(alone),
  },
  {
    rule: "split-on-existing-pool",
    config: split(0, {
      pools: {
        llm: { existing: true },
        "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 2 },
      },
      candidate: "llm-new",
    }),
    world: () => ({ ...nothingDeployed, pools: [{ name: "llm", namespace: "default", owned: false }] }),
  },
  {
    rule: "name-dropped",
    config: { ...baseModelCase, stable: "llm-pool-version-2", candidate: "", weight: 0 },
    world: () => deployed({ ...baseModelCase, weight: 0 }, { ...baseModelCase, weight: 100 }),
  },
];
