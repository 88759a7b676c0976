import * as pulumi from "@pulumi/pulumi";

export interface RolloutPlanArgs {
  /** Name of the pool that serves the customers. */
  stable: string;
  /** Name of the pool that is rolled out. Default: no rollout is under way. */
  candidate?: string;
  /** The candidate's share of the traffic, in percent. */
  weight: number;
  /** Its share before the last change, in percent. */
  previousWeight: number;
  /** Pools that the last change removed, with the share that each had then, in percent. */
  removed: readonly { pool: string; share: number }[];
}

/**
 * The rollout itself, as a resource without anything in a cloud. A policy sees the inputs of one update and nothing
 * of the one before, so what an update changes has to stand in an input: here. See policy/.
 */
export class RolloutPlan extends pulumi.ComponentResource {
  constructor(name: string, args: RolloutPlanArgs, opts?: pulumi.ComponentResourceOptions) {
    super(rolloutPlanType, name, { ...args }, opts);
    this.registerOutputs();
  }
}

export const rolloutPlanType = "inference-rollout:index:RolloutPlan";
