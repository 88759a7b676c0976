import { recordOfAdapter } from "../plan/adapter-versions";
import { clientNames } from "../plan/client-names";
import { ownerOutput } from "../plan/claims";
import type { ServiceConfig } from "../plan/service-config";
import type { DeploymentRecord } from "../plan/observed";
import type { Plan } from "../plan/model";
import { ownStackName } from "./own-state";
import * as pulumi from "@pulumi/pulumi";

/** Output under which an update leaves its record for the next one. */
export const recordOutput = "deployed";

/** What the last successful update of this stack left behind; nothing before the first. */
export interface LastUpdate {
  record?: DeploymentRecord;
  /** Where the gateway answered. */
  address?: string;
  /** The id by which this stack owns things; see plan/ownership.ts. */
  owner?: string;
}

export async function lastUpdate(): Promise<LastUpdate> {
  const outputs = new pulumi.StackReference("last-update", { name: ownStackName() });
  const [record, address, owner] = await Promise.all([
    outputs.getOutputDetails(recordOutput),
    outputs.getOutputDetails("address"),
    outputs.getOutputDetails(ownerOutput),
  ]);
  return {
    ...(record.value === undefined ? {} : { record: record.value as DeploymentRecord }),
    ...(typeof address.value === "string" ? { address: address.value } : {}),
    ...(typeof owner.value === "string" ? { owner: owner.value } : {}),
  };
}

/** What this update leaves behind, once it is done. */
export function recordOf(config: ServiceConfig, plan: Plan): DeploymentRecord {
  return {
    stable: plan.stable.name,
    route: `${config.namespace}/${config.route}`,
    ...(plan.candidate === undefined ? {} : { candidate: plan.candidate.name }),
    ...(plan.shape === undefined ? {} : { keptShape: true }),
    weights: plan.shares,
    pools: Object.fromEntries(plan.pools.map(({ pool, namespace }) => [pool.name, namespace])),
    objectives: Object.fromEntries(config.objectives.map(({ name, priority }) => [name, priority])),
    adapters: Object.fromEntries(config.adapters.map((adapter) => [adapter.name, recordOfAdapter(adapter)])),
    names: clientNames(config),
    waived: plan.waived,
    move: plan.move,
    sizes: Object.fromEntries(plan.pools.map(({ pool, replicas }) => [pool.name, replicas])),
    latches: plan.latches,
    carried: plan.carried,
  };
}
