import { ownerOutput } from "../plan/claims";
import type { DeploymentRecord } from "../plan/observed";
import { ownStackName } from "./own-state";
import { opened } from "./state-resources";
import * as pulumi from "@pulumi/pulumi";

/** Output under which an update leaves its record for the next one. */
export const recordOutput = "deployed";

/** Output under which a platform's update leaves the waivers that it used. */
export const waivedOutput = "waived";

/** What the last successful update of this stack left behind; nothing before the first. */
export interface LastUpdate {
  record?: DeploymentRecord;
  /** Where the gateway answered. */
  address?: string;
  /** The id by which this stack owns things; see plan/claims.ts. */
  owner?: string;
  /** Waivers that it used; a service's are in its record. */
  waived?: readonly string[];
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
  const [record, address, owner, waived] = [recordOutput, "address", ownerOutput, waivedOutput].map((name) =>
    opened(outputs[name]),
  );
  return {
    ...(record === undefined ? {} : { record: record as DeploymentRecord }),
    ...(typeof address === "string" ? { address } : {}),
    ...(typeof owner === "string" ? { owner } : {}),
    ...(Array.isArray(waived) ? { waived: waived as string[] } : {}),
  };
}
