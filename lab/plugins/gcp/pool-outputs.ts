import { isProperties, type Properties } from "../protocol/values";
import { nodeTaints, type PoolShape } from "./node-object";
import type { ClusterRef } from "./node-pool";
import { masterVersion, textOf } from "./scope";

/** What GKE would tell of a pool with so many nodes in all. */
export function nodePoolOutputs(
  inputs: Properties,
  ref: ClusterRef,
  zones: readonly string[],
  shape: PoolShape,
  nodes: number,
): Properties {
  const perZone = Math.round(nodes / Math.max(1, zones.length));
  const groups = zones.map(
    (zone) =>
      `https://www.googleapis.com/compute/v1/projects/${ref.project}/zones/${zone}/instanceGroupManagers/gke-${ref.name}-${shape.pool}-grp`,
  );
  return {
    name: textOf(inputs["name"]),
    project: ref.project,
    location: ref.location,
    nodeLocations: [...zones],
    initialNodeCount: perZone,
    nodeCount: perZone,
    version: masterVersion,
    instanceGroupUrls: groups,
    managedInstanceGroupUrls: groups.map((url) => url.replace("instanceGroupManagers", "instanceGroups")),
    management: { autoRepair: true, autoUpgrade: true },
    upgradeSettings: { maxSurge: 1, maxUnavailable: 0, strategy: "SURGE" },
    networkConfig: { enablePrivateNodes: false, podIpv4CidrBlock: "10.100.0.0/14", podRange: "" },
    nodeDrainConfigs: [],
    maxPodsPerNode: 110,
    namePrefix: "",
    operation: "",
    ...Object.fromEntries(Object.entries(inputs).filter(([key]) => !key.startsWith("__"))),
    nodeConfig: {
      machineType: shape.machineType,
      diskSizeGb: 100,
      diskType: "pd-balanced",
      imageType: "COS_CONTAINERD",
      serviceAccount: "default",
      ...(isProperties(inputs["nodeConfig"]) ? inputs["nodeConfig"] : {}),
      effectiveTaints: nodeTaints(shape).map(({ key, value, effect }) => ({
        key,
        value,
        effect: googleEffect(effect),
      })),
    },
  };
}

function googleEffect(effect: string): string {
  return effect.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
}
