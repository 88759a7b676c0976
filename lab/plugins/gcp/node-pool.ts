import type { PoolView } from "./provisioning-refusals";
import { isProperties, type Properties, type Value } from "../protocol/values";
import type { Cloud } from "./cloud";
import { clusterId, clusterType, clusterZones } from "./cluster";
import { defaultMachineType, machine, tpuTopologies } from "./machines";
import type { PoolShape, Taint } from "./node-object";
import { masterVersion, inside, apiError, oneError, textOf, type Scope } from "./scope";

export const nodePoolType = "gcp:container/nodePool:NodePool";

/** Fields of nodeConfig that change in place; every other change of nodeConfig means another pool. */
const inPlace = [
  ...[
    "bootDisk",
    "containerdConfig",
    "diskSizeGb",
    "diskType",
    "fastSocket",
    "gcfsConfig",
    "imageType",
    "kubeletConfig",
  ],
  ...["labels", "linuxNodeConfig", "loggingVariant", "machineType", "resourceLabels", "resourceManagerTags"],
  ...["storagePools", "tags", "taints", "windowsNodeConfig", "workloadMetadataConfig"],
];

const forceNew = [
  ...["name", "namePrefix", "project", "cluster", "location", "initialNodeCount", "maxPodsPerNode"],
  ...["placementPolicy", "queuedProvisioning"],
  ...["networkConfig.createPodRange", "networkConfig.podRange", "networkConfig.podIpv4CidrBlock"],
  ...["networkConfig.additionalNodeNetworkConfigs", "networkConfig.additionalPodNetworkConfigs"],
  ...["networkConfig.podCidrOverprovisionConfig", "networkConfig.subnetwork"],
];

/** Whether a change of this path makes another pool. Source: the Terraform provider's schema. */
export function replacesPool(path: string): boolean {
  const config = /^nodeConfig\.([A-Za-z]+)/.exec(path)?.[1];
  if (config !== undefined) return !inPlace.includes(config);
  return (
    path === "nodeConfig" ||
    forceNew.some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`))
  );
}

/** A cluster by its name or full id, and where it is. */
export interface ClusterRef {
  id: string;
  project: string;
  location: string;
  name: string;
}

export function clusterOf(inputs: Properties, scope: Scope): ClusterRef {
  const given = textOf(inputs["cluster"]);
  const full = /projects\/([^/]+)\/locations\/([^/]+)\/clusters\/([^/]+)/.exec(given);
  if (full !== null) {
    const [, project = "", location = "", name = ""] = full;
    return { id: full[0], project, location, name };
  }
  const id = clusterId({ ...inputs, name: given }, scope);
  const [, project = "", , location = ""] = id.split("/");
  return { id, project, location, name: given };
}

/** @throws Error, as GKE words it, where there is no such cluster. */
export function existingCluster(cloud: Cloud, ref: ClusterRef): Properties {
  const found = cloud.get(clusterType, ref.id);
  if (found === undefined)
    throw apiError("error creating NodePool", 404, `Not found: ${ref.id}.`, "notFound");
  return found.outputs;
}

/** Zones of a pool: its own, else those of its cluster. */
export function poolZones(inputs: Properties, cluster: Properties, scope: Scope): string[] {
  const own = inputs["nodeLocations"];
  return Array.isArray(own) && own.length > 0 ? own.map(textOf) : clusterZones(cluster, scope);
}

/** Nodes that a pool starts with in each zone, or all together where the limits are for all. */
export function initialSize(inputs: Properties): { perZone?: number; total?: number } {
  const number = (value: Value | undefined): number | undefined =>
    typeof value === "number" ? value : undefined;
  const initial = number(inputs["initialNodeCount"]);
  if (!isProperties(inputs["autoscaling"])) return { perZone: number(inputs["nodeCount"]) ?? initial ?? 1 };
  const total = number(inside(inputs, "autoscaling", "totalMinNodeCount"));
  if (total !== undefined) return { total: Math.max(total, 0) };
  return { perZone: number(inside(inputs, "autoscaling", "minNodeCount")) ?? initial ?? 0 };
}

/** How many nodes each zone gets. */
export function spread(
  zones: readonly string[],
  { perZone, total }: ReturnType<typeof initialSize>,
): Map<string, number> {
  const each = (i: number): number =>
    perZone ?? Math.floor((total ?? 0) / zones.length) + (i < (total ?? 0) % zones.length ? 1 : 0);
  return new Map(zones.map((zone, i) => [zone, each(i)]));
}

/** A pool as the refusals look at it. */
export function poolView(inputs: Properties, ref: ClusterRef, zones: readonly string[]): PoolView {
  const size = initialSize(inputs);
  return {
    name: textOf(inputs["name"]),
    location: ref.location,
    zones,
    inputs,
    machineType: machineTypeOf(inputs),
    gpus: gpusOf(inputs),
    topology: textOf(inside(inputs, "placementPolicy", "tpuTopology")),
    ...(isProperties(inputs["autoscaling"]) || size.perZone === undefined ? {} : { nodeCount: size.perZone }),
  };
}

export function machineTypeOf(inputs: Properties): string {
  return textOf(inside(inputs, "nodeConfig", "machineType")) || defaultMachineType;
}

function gpusOf(inputs: Properties): PoolView["gpus"] {
  const list = inside(inputs, "nodeConfig", "guestAccelerators");
  return (Array.isArray(list) ? list : []).filter(isProperties).flatMap((one) => {
    const count = typeof one["count"] === "number" ? one["count"] : 0;
    const driver = textOf(inside(one, "gpuDriverInstallationConfig", "gpuDriverVersion"));
    const type = textOf(one["type"]).replace(/.*\//, "");
    return count === 0 ? [] : [{ type, count, driver }];
  });
}

/**
 * What the nodes of a pool are. GKE taints GPU nodes by itself only where the cluster has a pool without GPUs.
 * @throws Error where the machine type is unknown
 */
export function poolShape(inputs: Properties, ref: ClusterRef, hasPlainPool: boolean): PoolShape {
  const machineType = machineTypeOf(inputs);
  const spec = machine(machineType);
  if (spec === undefined) throw new Error(oneError(`machine type ${machineType} is not known in the lab`));
  const [gpu] = gpusOf(inputs);
  const config = isProperties(inputs["nodeConfig"]) ? inputs["nodeConfig"] : {};
  const taints = configuredTaints(config);
  if (gpu !== undefined && hasPlainPool)
    taints.push({ key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" });
  if (inside(inputs, "queuedProvisioning", "enabled") === true)
    taints.push({ key: "cloud.google.com/gke-queued", value: "true", effect: "NoSchedule" });
  // GKE taints nodes with other processors, so that images built for x86 are not started there.
  if (spec.arch !== undefined)
    taints.push({ key: "kubernetes.io/arch", value: spec.arch, effect: "NoSchedule" });
  const reservation = inside(config, "reservationAffinity", "values");
  const policy = textOf(inside(inputs, "placementPolicy", "policyName"));
  const topology = textOf(inside(inputs, "placementPolicy", "tpuTopology"));
  const labels = isProperties(config["labels"]) ? config["labels"] : {};
  return {
    project: ref.project,
    cluster: ref.name,
    clusterId: ref.id,
    pool: textOf(inputs["name"]),
    machineType,
    machine: spec,
    ...acceleratorOf(gpu, spec.accelerator, topology, machineType),
    provisioning: config["spot"] === true ? "spot" : config["flexStart"] === true ? "flex-start" : "standard",
    labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, textOf(value)])),
    taints,
    ...(Array.isArray(reservation) ? { reservation: textOf(reservation[0]).replace(/.*\//, "") } : {}),
    ...(policy === "" ? {} : { placementPolicy: policy }),
    version: `v${textOf(inputs["version"]) || masterVersion}`,
  };
}

function acceleratorOf(
  gpu: PoolView["gpus"][number] | undefined,
  own: NonNullable<ReturnType<typeof machine>>["accelerator"],
  topology: string,
  machineType: string,
): Pick<PoolShape, "accelerator"> {
  if (own?.kind === "tpu") {
    const shape = topology || singleTopology(machineType);
    return { accelerator: { kind: "tpu", type: own.type, count: own.count, topology: shape } };
  }
  // GKE gives a machine that has GPUs built in those GPUs, whether the pool lists them or not.
  const { type, count } = gpu ?? own ?? {};
  if (type === undefined || count === undefined) return {};
  const driver = { DEFAULT: "default", LATEST: "latest", INSTALLATION_DISABLED: "disabled" }[
    gpu?.driver ?? ""
  ];
  return { accelerator: { kind: "gpu", type, count, driver: driver ?? "default" } };
}

function singleTopology(machineType: string): string {
  return tpuTopologies[machineType]?.single ?? "";
}

const kubernetesEffects: Readonly<Record<string, string>> = {
  NO_SCHEDULE: "NoSchedule",
  PREFER_NO_SCHEDULE: "PreferNoSchedule",
  NO_EXECUTE: "NoExecute",
};

function configuredTaints(config: Properties): Taint[] {
  const taints = config["taints"];
  return (Array.isArray(taints) ? taints : []).filter(isProperties).map((taint) => ({
    key: textOf(taint["key"]),
    value: textOf(taint["value"]),
    effect: kubernetesEffects[textOf(taint["effect"])] ?? textOf(taint["effect"]),
  }));
}
