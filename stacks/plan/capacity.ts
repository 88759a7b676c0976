import type { ServiceConfig, Plan } from "./model";
import { sizeAt } from "./sizing";

/** What one stage of a rollout needs of the hardware. */
export interface CapacityStage {
  weight: number;
  /** Replicas by pool, once the stage is reached and what it freed is gone. */
  replicas: Readonly<Record<string, number>>;
  /** Accelerators by type, over both pools. */
  accelerators: Readonly<Record<string, number>>;
  /** The most that is needed on the way from the stage before: pools grow first and shrink last. */
  onTheWay: Readonly<Record<string, number>>;
}

/** What every stage of the ladder needs, from weight 0 on, for the pools that this stack makes. */
export function capacityStages(config: ServiceConfig, plan: Pick<Plan, "pools">): CapacityStage[] {
  const weights =
    config.candidate === undefined ? [0] : [...new Set([0, ...config.ladder])].sort((a, b) => a - b);
  const sizes = (weight: number): Record<string, number> =>
    Object.fromEntries(
      plan.pools.map(({ pool }) => [
        pool.name,
        sizeAt(pool.name === config.stable ? "stable" : "candidate", pool.replicas, weight, config.capacity),
      ]),
    );
  return weights.map((weight, i) => {
    const replicas = sizes(weight);
    const before = sizes(weights[i - 1] ?? weight);
    const most = Object.fromEntries(
      Object.entries(replicas).map(([name, count]) => [name, Math.max(count, before[name] ?? 0)]),
    );
    return {
      weight,
      replicas,
      accelerators: acceleratorsOf(plan, replicas),
      onTheWay: acceleratorsOf(plan, most),
    };
  });
}

/** Accelerators by type that so many replicas use. */
export function acceleratorsOf(
  { pools }: Pick<Plan, "pools">,
  replicas: Readonly<Record<string, number>>,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { pool } of pools) {
    const { accelerator, acceleratorsPerReplica } = pool.hardware;
    counts[accelerator] = (counts[accelerator] ?? 0) + (replicas[pool.name] ?? 0) * acceleratorsPerReplica;
  }
  return counts;
}
