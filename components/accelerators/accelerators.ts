import type { Accelerator, Provisioning } from "./accelerator";
import { gpus } from "./gpus";
import { tpus } from "./tpus";

/**
 * Accelerators that GKE offers, and the machines that carry them. Each row says where its facts come from (`source`)
 * and whether this project has run it on GKE (`status`): nothing has been tried there yet.
 */
export const accelerators: readonly Accelerator[] = [...gpus, ...tpus];

export const acceleratorNames: readonly string[] = accelerators.map(({ name }) => name);

/** @throws Error for a name that validation should have refused. */
export function acceleratorNamed(name: string): Accelerator {
  const found = accelerators.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no accelerator named ${name}`);
  return found;
}

/** The nodes of a pool, as its owner describes them. */
export interface HardwareArgs {
  /** GKE's name of the accelerator: `nvidia-l4`, `tpu-v6e-slice`; see docs/accelerators.md. */
  readonly accelerator: string;
  /** GPUs or TPU chips of one replica. Default: 1 GPU; for TPUs all chips of the smallest machine. */
  readonly acceleratorsPerReplica?: number | undefined;
  /** Compute Engine machine type. Default: the smallest that carries a replica. */
  readonly machineType?: string | undefined;
  /** Zones of the nodes: `us-central1-a`. Default: the cluster's. */
  readonly zones?: readonly string[] | undefined;
  /** How the machines are bought. Default: on-demand. */
  readonly provisioning?: Provisioning | undefined;
  /** With provisioning reservation: the specific reservation, as NAME or projects/PROJECT/reservations/NAME. */
  readonly reservation?: string | undefined;
  /** With provisioning spot: nodes bought otherwise, which grow only when no spot machine is left. Default: none. */
  readonly fallback?: "on-demand" | undefined;
  /** GPU driver that GKE installs: that of the node version, the latest, or none. Default: latest. */
  readonly driver?: "default" | "latest" | "disabled" | undefined;
  /** GKE version of the nodes: `1.34.1-gke.2037000`. Default: the cluster's. */
  readonly nodeVersion?: string | undefined;
  /** Container-Optimized OS or Ubuntu, each with containerd. Default: cos. */
  readonly nodeImage?: "cos" | "ubuntu" | undefined;
  /** Disk image with container images on it, a secondary boot disk: `global/images/NAME`. Default: none. */
  readonly imageCache?: string | undefined;
  /** Gigabytes of each node's boot disk. Default: GKE's own, 100. */
  readonly diskGb?: number | undefined;
  /** Labels of nodes created outside this stack, each as KEY=VALUE. Default: GKE's own of the accelerator. */
  readonly nodeLabels?: readonly string[] | undefined;
  /** Whether GKE sets up the machines' RDMA network (needs Dataplane V2). Default: auto where they have one. */
  readonly acceleratorNetwork?: "auto" | "none" | undefined;
}

/** The same with the defaults that do not depend on the placement filled in; what is absent stays GKE's to decide. */
export interface Hardware {
  accelerator: string;
  acceleratorsPerReplica: number;
  machineType?: string;
  zones?: readonly string[];
  provisioning: Provisioning;
  reservation?: string;
  fallback?: "on-demand";
  driver: "default" | "latest" | "disabled";
  nodeVersion?: string;
  nodeImage: "cos" | "ubuntu";
  imageCache?: string;
  diskGb?: number;
  nodeLabels?: readonly string[];
  acceleratorNetwork?: "auto" | "none";
}

/** @throws Error for an accelerator that is not in the catalogue. */
export function hardwareOf(args: HardwareArgs): Hardware {
  const { family, machines } = acceleratorNamed(args.accelerator);
  const smallest = Math.min(...machines.map(({ count }) => count));
  return {
    accelerator: args.accelerator,
    acceleratorsPerReplica: args.acceleratorsPerReplica ?? (family === "gpu" ? 1 : smallest),
    ...(args.machineType === undefined ? {} : { machineType: args.machineType }),
    ...(args.zones === undefined ? {} : { zones: args.zones }),
    provisioning: args.provisioning ?? "on-demand",
    ...(args.reservation === undefined ? {} : { reservation: args.reservation }),
    ...(args.fallback === undefined ? {} : { fallback: args.fallback }),
    // Images with CUDA 13 need a newer driver than the default of many node versions.
    driver: args.driver ?? (family === "gpu" ? "latest" : "default"),
    ...(args.nodeVersion === undefined ? {} : { nodeVersion: args.nodeVersion }),
    nodeImage: args.nodeImage ?? "cos",
    ...(args.imageCache === undefined ? {} : { imageCache: args.imageCache }),
    ...(args.diskGb === undefined ? {} : { diskGb: args.diskGb }),
    ...(args.nodeLabels === undefined ? {} : { nodeLabels: args.nodeLabels }),
    ...(args.acceleratorNetwork === undefined ? {} : { acceleratorNetwork: args.acceleratorNetwork }),
  };
}
