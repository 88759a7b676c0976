import { resolveConfig } from "../../../../stacks/config/resolve";
import type { RawConfig } from "../../../../stacks/config/parse";
import type { ServiceConfig } from "../../../../stacks/plan/service-config";
import { cloud } from "../../cases";
import { names, type Knobs } from "./events";

/*
 * The config that knobs make. Reading a config costs more than planning with it, and histories differ mostly in what
 * validation hardly reads: weights, waivers and times. So configs are read once for all that differ in these alone.
 */

export function rawOf(knobs: Knobs): RawConfig {
  const { mode, headroom, rollbackReserve, replicas, ...rest } = knobs;
  return {
    ...rest,
    model: "Qwen/Qwen3-8B",
    capacity: { mode, headroom, rollbackReserve },
    pools: Object.fromEntries(names.map((name) => [name, { accelerator: "nvidia-l4", replicas }])),
  };
}

/** The config as the program gets it; undefined where validation refuses it. */
export function readConfig(knobs: Knobs): ServiceConfig | undefined {
  const { config } = resolveConfig(rawOf(knobs), cloud);
  return config === undefined || config.role === "platform" ? undefined : config.service;
}

const known = new Map<string, { config: ServiceConfig | undefined }>();

/** The same as {@link readConfig}, at once where a config like it was read before. A test holds the two together. */
export function configOf(knobs: Knobs): ServiceConfig | undefined {
  const plain = plainOf(knobs);
  const key = JSON.stringify(plain);
  const found = known.get(key) ?? { config: readConfig(plain) };
  known.set(key, found);
  const { config } = found;
  if (config === undefined) return undefined;
  const { weight, allow, freeze, rolledBack, resumed } = knobs;
  return {
    ...config,
    weight: config.candidate === undefined ? 0 : weight,
    allow,
    waivers: allow,
    freeze,
    ...(rolledBack === undefined ? {} : { rolledBack }),
    ...(resumed === undefined ? {} : { resumed }),
  };
}

const [early, middle, late] = [
  "2026-01-01T00:00:00Z",
  "2026-01-02T00:00:00Z",
  "2026-01-03T00:00:00Z",
] as const;

/** Knobs that validation judges in the same way: of times it reads whether the resumption is the later one. */
function plainOf({ rolledBack, resumed, ...knobs }: Knobs): Knobs {
  const isLater = (resumed?.time ?? "") > (rolledBack?.time ?? "");
  return {
    ...knobs,
    weight: Math.min(knobs.weight, 1),
    allow: [],
    freeze: [],
    ...(rolledBack === undefined ? {} : { rolledBack: { ...rolledBack, time: middle } }),
    ...(resumed === undefined ? {} : { resumed: { ...resumed, time: isLater ? late : early } }),
  };
}
