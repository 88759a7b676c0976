import * as pulumi from "@pulumi/pulumi";
import type { ServiceConfig } from "./config/resolved";
import { recordOfAdapter } from "./plan/adapter-record";
import { clientNames } from "./plan/model-names";
import type { DeploymentRecord } from "./plan/observed";
import { sharesOf } from "./plan/observed";
import type { Plan } from "./plan/plan";

/** Output under which an update leaves its record for the next one. */
export const recordOutput = "deployed";

/** What the last successful update of this stack recorded; undefined before the first. */
export async function lastRecord(): Promise<DeploymentRecord | undefined> {
  const own = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const details = await new pulumi.StackReference("last-update", { name: own }).getOutputDetails(
    recordOutput,
  );
  return details.value as DeploymentRecord | undefined;
}

/** What this update leaves behind, once it is done. */
export function recordOf(config: ServiceConfig, plan: Plan): DeploymentRecord {
  return {
    stable: plan.stable.name,
    ...(plan.candidate === undefined ? {} : { candidate: plan.candidate.name }),
    weights: Object.fromEntries(sharesOf(plan.backends)),
    pools: Object.fromEntries(plan.pools.map(({ pool, namespace }) => [pool.name, namespace])),
    objectives: Object.fromEntries(config.objectives.map(({ name, priority }) => [name, priority])),
    adapters: Object.fromEntries(config.adapters.map((adapter) => [adapter.name, recordOfAdapter(adapter)])),
    names: clientNames(config),
    waived: plan.waived,
    move: plan.move,
    sizes: Object.fromEntries(plan.pools.map(({ pool, replicas }) => [pool.name, replicas])),
    latches: plan.latches,
  };
}
