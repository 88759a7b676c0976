import * as compute from "@pulumi/gcp/compute";
import * as container from "@pulumi/gcp/container";
import type { ZoneSearch } from "../plan/observed";
import type { OwnedPool } from "../plan/service-config";

/** A cluster on GKE, which may not exist yet. */
export interface ClusterPlace {
  name: string;
  /** Region or zone. */
  location: string;
  project?: string;
}

/**
 * Whether a cluster has Workload Identity Federation, which new node pools need.
 * @returns undefined where nobody knows: GKE then says it.
 */
export async function hasWorkloadIdentity({
  name,
  location,
  project,
}: ClusterPlace): Promise<boolean | undefined> {
  const of = project === undefined ? {} : { project };
  try {
    const found = await container.getCluster({ name, location, ...of });
    // The types promise it; what answers in a lab or a test may leave it out.
    const configs = found.workloadIdentityConfigs as typeof found.workloadIdentityConfigs | undefined;
    return configs?.some(({ workloadPool }) => workloadPool !== "");
  } catch {
    return undefined;
  }
}

/** Where each pool's machine type can be had: in the cluster's own zones, else anywhere in its region. */
export async function searchZones(
  pools: readonly OwnedPool[],
  cluster: ClusterPlace,
): Promise<Record<string, ZoneSearch>> {
  if (pools.length === 0) return {};
  const region = cluster.location.replace(/^([a-z]+-[a-z]+\d+)-[a-z0-9]+$/, "$1");
  const project = cluster.project === undefined ? {} : { project: cluster.project };
  const own = await clusterZones(cluster);
  const found = pools.map(async (pool): Promise<[string, ZoneSearch]> => {
    const machineType = pool.placement.machine.type;
    try {
      const { names } = await compute.getZones({ region, status: "UP", ...project });
      const having = await Promise.all(
        names.map(async (zone) => {
          const filter = `name = "${machineType}"`;
          const { machineTypes } = await compute.getMachineTypes({ zone, filter, ...project });
          return machineTypes.length > 0 ? [zone] : [];
        }),
      );
      const all = having.flat().sort();
      const near = all.filter((zone) => own.includes(zone));
      return [pool.name, { machineType, region, zones: near.length > 0 ? near : all }];
    } catch (error) {
      return [pool.name, { machineType, region, zones: [], unread: reasonOf(error as Error) }];
    }
  });
  return Object.fromEntries(await Promise.all(found));
}

/** Zones of the cluster's nodes; none where it does not exist yet, or may not be read. */
async function clusterZones({ name, location, project }: ClusterPlace): Promise<readonly string[]> {
  try {
    const found = await container.getCluster({
      ...{ name, location },
      ...(project === undefined ? {} : { project }),
    });
    return found.nodeLocations;
  } catch {
    return [];
  }
}

/** What Google says, without the provider's frame. */
function reasonOf({ message }: Error): string {
  const text = message.replace(/^[\s\S]*?\* /, "").trim();
  return (text.split("\n")[0] ?? text).replace(/\.$/, "");
}
