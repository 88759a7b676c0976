import * as fs from "node:fs";
import * as path from "node:path";
import type { ClusterRef } from "./node-pool";

/** The fault that `<lab>/faults.json` says for pools whose name starts so: {"nodePools": {"<prefix>": "never" | "stockout"}}. */
export function poolFault(labFolder: string, pool: string): "never" | "stockout" | undefined {
  const file = path.join(labFolder, "faults.json");
  if (!fs.existsSync(file)) return undefined;
  const { nodePools = {} } = JSON.parse(fs.readFileSync(file, "utf8")) as {
    nodePools?: Record<string, string>;
  };
  const found = Object.entries(nodePools).find(([prefix]) => pool.startsWith(prefix))?.[1];
  return found === "never" || found === "stockout" ? found : undefined;
}

/** What GKE says when there are no machines to be had. */
export function stockout(ref: ClusterRef, zone: string): string {
  return (
    `Error waiting for creating GKE NodePool: \n\t(1) Google Compute Engine: Not all instances running in IGM after 35m0s. ` +
    `Current errors: [GCE_STOCKOUT]: The zone 'projects/${ref.project}/zones/${zone}' does not have enough resources ` +
    `available to fulfill the request.  Try a different zone, or try again later.`
  );
}
