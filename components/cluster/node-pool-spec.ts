import type { Hardware } from "../accelerators/accelerators";
import type * as container from "@pulumi/gcp/container";
import type { container as inputs } from "@pulumi/gcp/types/input";
import { labels, nodeLabel, type PoolRef } from "../names";
import { resourceName, taintValue, type Provisioning } from "../accelerators/accelerator";
import { nodesFor, type Placement } from "../accelerators/placement";

/** What is known of a pool's nodes before anything is created. */
export interface MachineNeeds extends Pick<PoolRef, "service" | "pool"> {
  /** Accelerator, zones, how the machines are bought. */
  hardware: Hardware;
  /** Nodes that a replica is placed on. */
  placement: Placement;
  /** Replicas that always have a node. */
  replicas: number;
  /** Replicas that an autoscaler may go up to. Default: no more than `replicas`. */
  maxReplicas?: number;
}

/** One GKE node pool of a pool: all that does not depend on the cluster. */
export interface NodePoolSpec {
  /** What tells it from the pool's other ones, in names; empty for the only or the first one. */
  suffix: string;
  /** Topology of the workload policy that keeps its nodes together; the policy is created with it. */
  workloadTopology?: string;
  args: Pick<
    container.NodePoolArgs,
    | "autoscaling"
    | "initialNodeCount"
    | "maintenancePolicies"
    | "management"
    | "networkConfig"
    | "nodeCount"
    | "nodeLocations"
    | "placementPolicy"
    | "queuedProvisioning"
    | "upgradeSettings"
    | "version"
  > & { nodeConfig: inputs.NodePoolNodeConfig };
}

/** GKE ends flex-start nodes after seven days at the latest. */
const sevenDays = `${7 * 24 * 3600}s`;

const drivers = { default: "DEFAULT", latest: "LATEST", disabled: "INSTALLATION_DISABLED" } as const;
const images = { cos: "COS_CONTAINERD", ubuntu: "UBUNTU_CONTAINERD" } as const;

/**
 * The GKE node pools of a pool: one; with a fallback, a second one with another provisioning; for slices of several nodes
 * one each, because GKE creates and deletes the nodes of a slice together.
 */
export function nodePoolSpecs(needs: MachineNeeds): NodePoolSpec[] {
  const { hardware, placement, replicas } = needs;
  const nodes = nodesFor(replicas, placement);
  const most = nodesFor(needs.maxReplicas ?? replicas, placement);
  if (placement.hosts > 1) {
    return Array.from({ length: replicas }, (_, i) => slicePool(needs, i));
  }
  const { provisioning, fallback } = hardware;
  // With a fallback neither kind has to be there: pods that wait bring up whichever there is.
  const least = fallback === undefined ? nodes : 0;
  return [
    spec(needs, "", provisioning, limits(needs, provisioning, least, most)),
    ...(fallback === undefined ? [] : [spec(needs, "fallback", fallback, limits(needs, fallback, 0, most))]),
  ];
}

/** A slice of several nodes: all of them from the start, and never another number. */
function slicePool(needs: MachineNeeds, index: number): NodePoolSpec {
  const { accelerator, hosts, topology } = needs.placement;
  const suffix = index === 0 ? "" : String(index);
  const found = spec(needs, suffix, needs.hardware.provisioning, { nodeCount: hosts });
  if (topology === undefined) return found;
  if (accelerator.workloadPolicy?.kind === "slice") return { ...found, workloadTopology: topology };
  return { ...found, args: { ...found.args, placementPolicy: { type: "COMPACT", tpuTopology: topology } } };
}

type Size = Pick<NodePoolSpec["args"], "autoscaling" | "initialNodeCount" | "nodeCount">;

function limits(needs: MachineNeeds, provisioning: Provisioning, least: number, most: number): Size {
  const { placement } = needs;
  if (provisioning !== "flex-start") {
    // A plain node count is per zone, so three times what is meant in most regions; these are totals.
    return {
      ...initial(needs, provisioning, least),
      autoscaling: { totalMinNodeCount: least, totalMaxNodeCount: most, locationPolicy: "ANY" },
    };
  }
  // Flex-start nodes come when pods need them: their node pool begins empty and has no fixed size.
  return placement.accelerator.family === "tpu"
    ? // Totals do not work for these (cluster-toolkit's workaround for the provider); pods still decide how many.
      { autoscaling: { minNodeCount: 0, maxNodeCount: most, locationPolicy: "ANY" } }
    : { autoscaling: { totalMinNodeCount: 0, totalMaxNodeCount: most, locationPolicy: "ANY" } };
}

/**
 * GKE creates a node pool with this many nodes in each zone, without it with none; the minimum above keeps nodes and
 * brings none. In one zone all nodes come with the pool, and a shortage is the node pool's error. In several
 * zones, waiting pods bring nodes wherever there are some, while a fixed number in each zone would fail with the first
 * zone that has none. Spot nodes come and go anyway.
 */
function initial(
  { hardware }: MachineNeeds,
  provisioning: Provisioning,
  least: number,
): Pick<Size, "initialNodeCount"> {
  return hardware.zones?.length === 1 && provisioning !== "spot" && least > 0
    ? { initialNodeCount: least }
    : {};
}

function spec(needs: MachineNeeds, suffix: string, provisioning: Provisioning, size: Size): NodePoolSpec {
  const { hardware, placement } = needs;
  const { accelerator } = placement;
  const flexible = provisioning === "flex-start";
  return {
    suffix,
    ...(accelerator.workloadPolicy?.kind === "rack"
      ? { workloadTopology: accelerator.workloadPolicy.topology }
      : {}),
    args: {
      ...(hardware.zones === undefined ? {} : { nodeLocations: [...hardware.zones] }),
      ...(hardware.nodeVersion === undefined ? {} : { version: hardware.nodeVersion }),
      ...size,
      // GKE repairs a flex-start node by replacing it, and does not take the setting.
      management: { autoRepair: !flexible, autoUpgrade: true },
      ...(flexible
        ? // All nodes at once or none is for batch work; for model servers each node counts.
          { queuedProvisioning: { enabled: false } }
        : {
            // Nodes are not upgraded under customers: a newer version is a pool of its own, rolled out like any
            // other change. When a version's support ends GKE upgrades all the same.
            maintenancePolicies: [{ exclusionUntilEndOfSupports: [{ enabled: true }] }],
            // Spare accelerators for a surge are rarely available then: one node at a time, in place.
            upgradeSettings: { strategy: "SURGE", maxSurge: 0, maxUnavailable: 1 },
          }),
      ...(networkOf(needs) === "auto" ? { networkConfig: { acceleratorNetworkProfile: "auto" } } : {}),
      nodeConfig: nodeConfig(needs, provisioning),
    },
  };
}

/** Whether GKE sets up the nodes' accelerator network. */
function networkOf({ hardware, placement }: MachineNeeds): "auto" | "none" {
  return hardware.acceleratorNetwork ?? (placement.accelerator.network === "rdma" ? "auto" : "none");
}

function nodeConfig(needs: MachineNeeds, provisioning: Provisioning): inputs.NodePoolNodeConfig {
  const { hardware, placement, service, pool } = needs;
  const { accelerator, machine } = placement;
  const cos = hardware.nodeImage === "cos";
  return {
    machineType: machine.type,
    imageType: images[hardware.nodeImage],
    ...boughtBy(hardware, provisioning),
    labels: {
      [labels.pool]: nodeLabel(service, pool),
      ...(networkOf(needs) === "auto" ? { "cloud.google.com/gke-networking-dra-driver": "true" } : {}),
      ...(accelerator.bareMetal === true ? { "cloud.google.com/gke-dpv2-unified-cni": "cni-migration" } : {}),
    },
    // Source of both settings of bare metal: GKE's page on A4X Max, cluster-toolkit's gke-a4x-max-bm.
    ...(accelerator.bareMetal === true
      ? { linuxNodeConfig: { hugepagesConfig: { hugepageSize2m: 4096 } } }
      : {}),
    // GKE adds this taint by itself only where another node pool exists already: it is declared, so that nothing
    // but model servers ever lands on accelerators.
    taints: [{ key: resourceName(accelerator), value: taintValue, effect: "NO_SCHEDULE" }],
    ...(accelerator.family === "gpu"
      ? {
          guestAccelerators: [
            {
              type: accelerator.name,
              count: machine.count,
              gpuDriverInstallationConfig: { gpuDriverVersion: drivers[hardware.driver] },
            },
          ],
        }
      : {}),
    ...(machine.localSsds === undefined
      ? {}
      : { ephemeralStorageLocalSsdConfig: { localSsdCount: machine.localSsds } }),
    ...(machine.bootDisk === undefined ? {} : { diskType: machine.bootDisk }),
    ...(hardware.diskGb === undefined ? {} : { diskSizeGb: hardware.diskGb }),
    ...(hardware.imageCache === undefined
      ? {}
      : { secondaryBootDisks: [{ diskImage: hardware.imageCache, mode: "CONTAINER_IMAGE_CACHE" }] }),
    gvnic: { enabled: cos },
    // Image streaming: a pod starts before its image has arrived, if that comes from Artifact Registry.
    gcfsConfig: { enabled: cos },
    workloadMetadataConfig: { mode: "GKE_METADATA" },
    shieldedInstanceConfig: { enableSecureBoot: false, enableIntegrityMonitoring: true },
    oauthScopes: ["https://www.googleapis.com/auth/cloud-platform"],
  };
}

type Bought = Pick<
  inputs.NodePoolNodeConfig,
  "flexStart" | "maxRunDuration" | "reservationAffinity" | "spot"
>;

function boughtBy({ reservation }: Hardware, provisioning: Provisioning): Bought {
  switch (provisioning) {
    case "on-demand":
      return { spot: false };
    case "spot":
      return { spot: true, reservationAffinity: { consumeReservationType: "NO_RESERVATION" } };
    case "reservation":
      return {
        spot: false,
        reservationAffinity: {
          consumeReservationType: "SPECIFIC_RESERVATION",
          key: "compute.googleapis.com/reservation-name",
          values: [reservation ?? ""],
        },
      };
    case "flex-start":
      return {
        flexStart: true,
        maxRunDuration: sevenDays,
        reservationAffinity: { consumeReservationType: "NO_RESERVATION" },
      };
  }
}
