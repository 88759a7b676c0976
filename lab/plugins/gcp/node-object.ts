import { createHash, randomBytes } from "node:crypto";
import type { Node } from "../../pods/objects";
import { machineFamily, type Machine } from "./machines";
import { regionOf } from "./locations";

export interface Taint {
  key: string;
  value: string;
  effect: string;
}

/** All that a node's object says of its pool. */
export interface PoolShape {
  project: string;
  cluster: string;
  clusterId: string;
  pool: string;
  machineType: string;
  machine: Machine;
  /** Accelerators of each node, where the pool has any. */
  accelerator?: { kind: "gpu" | "tpu"; type: string; count: number; topology?: string; driver?: string };
  provisioning: "standard" | "spot" | "flex-start";
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
  reservation?: string;
  placementPolicy?: string;
  version: string;
}

export const poolLabel = "cloud.google.com/gke-nodepool";
/** Pools of two clusters may have one name, and all clusters of a lab are one API server. */
export const clusterAnnotation = "lab.example/gke-cluster";

/** `gke-<cluster>-<pool>-<8>-<4>`, with room made as GKE does it. */
export function nodeName(cluster: string, pool: string, zone: string): string {
  const group = createHash("sha256").update(`${cluster}/${pool}/${zone}`).digest("hex").slice(0, 8);
  const suffix = randomBytes(2).toString("hex");
  const short = (text: string, length: number): string => text.slice(0, length).replace(/-+$/, "");
  const head = `gke-${short(cluster, 20)}-${short(pool, 23)}`;
  return `${head}-${group}-${suffix}`;
}

/** The Node object of a machine, for KWOK to look after. Labels and taints: GKE's own. */
export function nodeObject(shape: PoolShape, name: string, zone: string, podCidr: string): Node {
  const resources = capacityOf(shape);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      annotations: { "kwok.x-k8s.io/node": "fake", [clusterAnnotation]: shape.clusterId },
      labels: nodeLabels(shape, name, zone),
    },
    spec: {
      podCIDR: podCidr,
      podCIDRs: [podCidr],
      providerID: `gce://${shape.project}/${zone}/${name}`,
      taints: nodeTaints(shape),
    },
    status: {
      capacity: resources,
      allocatable: allocatableOf(shape, resources),
      nodeInfo: {
        architecture: shape.machine.arch ?? "amd64",
        bootID: "",
        containerRuntimeVersion: "containerd://2.1.3",
        kernelVersion: "6.12.34+",
        kubeProxyVersion: shape.version,
        kubeletVersion: shape.version,
        machineID: "",
        operatingSystem: "linux",
        osImage: "Container-Optimized OS from Google",
        systemUUID: "",
      },
    },
  };
}

export function nodeLabels(shape: PoolShape, name: string, zone: string): Record<string, string> {
  const { accelerator, machineType, pool, provisioning } = shape;
  const labels: Record<string, string | undefined> = {
    "beta.kubernetes.io/arch": shape.machine.arch ?? "amd64",
    "beta.kubernetes.io/instance-type": machineType,
    "beta.kubernetes.io/os": "linux",
    "cloud.google.com/gke-boot-disk": "pd-balanced",
    "cloud.google.com/gke-container-runtime": "containerd",
    "cloud.google.com/gke-os-distribution": "cos",
    "cloud.google.com/gke-provisioning": provisioning,
    "cloud.google.com/machine-family": machineFamily(machineType),
    [poolLabel]: pool,
    "kubernetes.io/arch": shape.machine.arch ?? "amd64",
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "node.kubernetes.io/instance-type": machineType,
    "topology.gke.io/zone": zone,
    "topology.kubernetes.io/region": regionOf(zone),
    "topology.kubernetes.io/zone": zone,
    ...(provisioning === "spot" ? { "cloud.google.com/gke-spot": "true" } : {}),
    ...(provisioning === "flex-start" ? { "cloud.google.com/gke-flex-start": "true" } : {}),
    ...(accelerator?.kind === "gpu"
      ? {
          "cloud.google.com/gke-accelerator": accelerator.type,
          "cloud.google.com/gke-accelerator-count": String(accelerator.count),
          "cloud.google.com/gke-gpu": "true",
          "cloud.google.com/gke-gpu-driver-version": accelerator.driver,
        }
      : {}),
    ...(accelerator?.kind === "tpu"
      ? {
          "cloud.google.com/gke-tpu-accelerator": accelerator.type,
          "cloud.google.com/gke-tpu-topology": accelerator.topology,
          "cloud.google.com/gke-accelerator-count": String(accelerator.count),
        }
      : {}),
    "cloud.google.com/reservation-name": shape.reservation,
    "cloud.google.com/placement-policy-name": shape.placementPolicy,
    ...shape.labels,
  };
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Configured taints and GKE's own, each once. */
export function nodeTaints({ accelerator, taints }: PoolShape): Taint[] {
  const own =
    accelerator?.kind === "tpu" ? [{ key: "google.com/tpu", value: "present", effect: "NoSchedule" }] : [];
  return [...own, ...taints].filter(
    ({ key, effect }, i, all) => all.findIndex((one) => one.key === key && one.effect === effect) === i,
  );
}

/** Pods of a node: its pod CIDR is a /27. */
const podsPerNode = 28;

function capacityOf({ machine, accelerator }: PoolShape): Record<string, string> {
  return {
    cpu: String(machine.cpus),
    memory: `${Math.round((machine.memoryGb * 1e9) / 1024)}Ki`,
    "ephemeral-storage": "100Gi",
    pods: String(podsPerNode),
    ...(accelerator === undefined
      ? {}
      : { [accelerator.kind === "gpu" ? "nvidia.com/gpu" : "google.com/tpu"]: String(accelerator.count) }),
  };
}

/**
 * What GKE leaves to pods: it keeps a share of CPU and memory that shrinks with size, and 100 MiB for eviction.
 * Source: https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes#resource_reservations
 */
function allocatableOf({ machine }: PoolShape, capacity: Record<string, string>): Record<string, string> {
  const step = (size: number, from: number, to: number, share: number): number =>
    Math.max(0, Math.min(size, to) - from) * share;
  const { cpus, memoryGb } = machine;
  const cpu =
    step(cpus, 0, 1, 0.06) +
    step(cpus, 1, 2, 0.01) +
    step(cpus, 2, 4, 0.005) +
    step(cpus, 4, Infinity, 0.0025);
  const memory =
    step(memoryGb, 0, 4, 0.25) +
    step(memoryGb, 4, 8, 0.2) +
    step(memoryGb, 8, 16, 0.1) +
    step(memoryGb, 16, 128, 0.06) +
    step(memoryGb, 128, Infinity, 0.02) +
    0.105;
  return {
    ...capacity,
    cpu: `${Math.floor((cpus - cpu) * 1000)}m`,
    memory: `${Math.floor(((memoryGb - memory) * 1e9) / 1024)}Ki`,
    "ephemeral-storage": "47Gi",
  };
}
