import { recordOfAdapter } from "../plan/adapter-versions";
import { clientNames } from "../plan/client-names";
import { ownerOutput } from "../plan/claims";
import type { ServiceConfig } from "../plan/service-config";
import type { DeploymentRecord } from "../plan/observed";
import type { Plan } from "../plan/model";
import { opened, ownStackName } from "./own-state";
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

/**
 * Asks the engine for this stack's own outputs, without a StackReference: that is a resource, and its old and new
 * outputs would stand in every preview as if something changed.
 */
export async function lastUpdate(): Promise<LastUpdate> {
  const found = (await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {
    name: ownStackName(),
  })) as { outputs?: unknown };
  const outputs = (opened(found.outputs) ?? {}) as Record<string, unknown>;
  const [record, address, owner] = [recordOutput, "address", ownerOutput].map((name) =>
    opened(outputs[name]),
  );
  return {
    ...(record === undefined ? {} : { record: record as DeploymentRecord }),
    ...(typeof address === "string" ? { address } : {}),
    ...(typeof owner === "string" ? { owner } : {}),
  };
}

/** What this update leaves behind, once it is done. */
export function recordOf(config: ServiceConfig, plan: Plan): DeploymentRecord {
  return {
    stable: plan.stable.name,
    route: `${config.namespace}/${config.route}`,
    ...(plan.candidate === undefined ? {} : { candidate: plan.candidate.name }),
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
