import { fix, set } from "../config-edits";
import type { Rule } from "../model";

/* Nodes: what Google Cloud would refuse of them when they are created. */

/** GKE creates a node pool in all zones that it is given, or not at all. */
const noZone: Rule = {
  id: "no-zone",
  summary: `A pool that this update would create names no zones, and the program found none that has its machine type: GKE would
refuse the node pool. Pools that exist keep their zones and are never checked.`,
  fix: "Name the zones, or use a machine type that the region has.",
  check: (_config, { zones = {} }, { pools }) =>
    pools.flatMap(({ pool: { name, hardware } }) => {
      const search = zones[name];
      if (search === undefined || hardware.zones !== undefined) return [];
      const { machineType, region, unread } = search;
      const list = `gcloud compute machine-types list --filter=name=${machineType}`;
      const by = set(["pools", name, "zones", 0], "ZONE");
      return unread === undefined
        ? {
            found: `pool ${name}: no zone of ${region} has its machine type ${machineType}`,
            fix: fix`use an accelerator or a machine type that ${region} has (${list} prints the zones of this one), or name a zone, which is not checked: ${by}`,
          }
        : {
            found: `pool ${name}: the zones of ${region} that have its machine type ${machineType} cannot be read (${unread})`,
            fix: fix`enable the API (gcloud services enable compute.googleapis.com) and grant roles/compute.viewer to the identity that runs pulumi; or name a zone (${list} prints them): ${by}`,
          };
    }),
};

export const nodeRules: readonly Rule[] = [noZone];
