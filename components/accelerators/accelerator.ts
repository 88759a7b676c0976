/** How machines are bought. */
export const provisionings = ["on-demand", "spot", "reservation", "flex-start"] as const;
export type Provisioning = (typeof provisionings)[number];

/** A TPU slice made of machines of one type. */
export interface Slice {
  /** Chips along each side: `2x4`, `2x2x2`. */
  topology: string;
  /** Machines (hosts) that make it up; 1 for a slice that is one machine. */
  hosts: number;
}

export interface Machine {
  /** Compute Engine machine type. */
  type: string;
  /** GPUs or TPU chips on one machine. */
  count: number;
  /** TPU only: the slices that machines of this type make up; the one of a single machine first. */
  slices: readonly Slice[];
  /** How it can be bought. */
  provisioning: readonly Provisioning[];
  /**
   * Provisionings that Compute Engine's page rules out and Google's own compute classes use all the same. Used only if no
   * other machine offers them, or if the config names this machine type. Default: none.
   */
  uncertain?: readonly Provisioning[];
  /** Local SSDs that come with the machine; they become the nodes' ephemeral storage. Default: none come with it. */
  localSsds?: number;
  /** The only type of boot disk it takes. Default: GKE's own. */
  bootDisk?: "hyperdisk-balanced";
  /** The machine carries this share of one GPU (`1/2`): chosen only by name. Default: whole GPUs. */
  share?: string;
}

export interface Accelerator {
  /** GKE's own name: the value of the node label, and what the config says. */
  name: string;
  family: "gpu" | "tpu";
  /** Name for people. */
  title: string;
  /** Gigabytes of memory of one GPU or TPU chip, from its maker's data sheet. */
  memoryGb: number;
  /** Machines in order of preference: the first that is large enough and can be bought wins. */
  machines: readonly Machine[];
  /** Processors of the machines; images have to be built for it. */
  architecture: "amd64" | "arm64";
  /**
   * `rdma`: the machines have network interfaces for accelerator-to-accelerator traffic, which GKE sets up
   * with `acceleratorNetworkProfile: auto` and Dataplane V2. `gvnic`: ordinary ones.
   */
  network: "gvnic" | "rdma";
  /**
   * The machines, or slices of several of them, stand together by a workload policy of this kind: `rack` gives every
   * node pool the rack's topology, `slice` gives every slice of several machines the slice's own topology (instead of
   * a TPU topology in the placement policy).
   */
  workloadPolicy?: { kind: "rack"; topology: string; maxNodes: number } | { kind: "slice" };
  /** Nodes without a hypervisor, which take settings of their own. Default: they have one. */
  bareMetal?: boolean;
  /** Devices that a program sees for each chip: what a model is split over. Default: 1. */
  devicesPerChip?: number;
  /** Where the facts come from. */
  source: string;
  /** Whether this project has run it on GKE. */
  status: "documented" | "tried on GKE";
}

/** Entries of the catalogue for one family: what they have in common unless a row says otherwise. */
export const entriesOf =
  (family: Accelerator["family"], source: string) =>
  (
    name: string,
    title: string,
    memoryGb: number,
    machines: readonly Machine[],
    rest: Partial<Accelerator> = {},
  ): Accelerator => ({
    name,
    family,
    title,
    memoryGb,
    machines,
    architecture: "amd64",
    network: "gvnic",
    source,
    status: "documented",
    ...rest,
  });

/** Kubernetes' resource name of an accelerator, and the key of the taint on its nodes. */
export const resourceName = ({ family }: Pick<Accelerator, "family">): string =>
  family === "gpu" ? "nvidia.com/gpu" : "google.com/tpu";

/** Value of that taint: GKE's own (`nvidia.com/gpu=present:NoSchedule`, `google.com/tpu=present:NoSchedule`). */
export const taintValue = "present";

/** Labels of nodes with an accelerator; only GKE may set them. */
export const nodeLabels = {
  gpu: "cloud.google.com/gke-accelerator",
  driver: "cloud.google.com/gke-gpu-driver-version",
  tpu: "cloud.google.com/gke-tpu-accelerator",
  topology: "cloud.google.com/gke-tpu-topology",
  spot: "cloud.google.com/gke-spot",
  nodePool: "cloud.google.com/gke-nodepool",
} as const;

/** Chips of a topology. */
export function chipsOf(topology: string): number {
  return topology.split("x").reduce((chips, side) => chips * Number(side), 1);
}
