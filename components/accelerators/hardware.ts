import type { Provisioning } from "./accelerator";

/** The machines a pool runs on. */
export interface Hardware {
  accelerator: string;
  acceleratorsPerReplica: number;
  machineType?: string;
  zones?: readonly string[];
  provisioning: Provisioning;
  /** The specific reservation, where provisioning is that. */
  reservation?: string;
  /** How machines are bought where the first way has none left. */
  fallback?: "on-demand";
  driver: "default" | "latest" | "disabled";
  /** GKE version of the nodes; absent: the cluster's. */
  nodeVersion?: string;
  nodeImage: "cos" | "ubuntu";
  /** Disk image with container images on it. */
  imageCache?: string;
  /** Gigabytes of each node's boot disk; absent: GKE's own. */
  diskGb?: number;
  /** Labels of nodes that somebody else makes, as KEY=VALUE; absent: GKE's own of the accelerator. */
  nodeLabels?: readonly string[];
  /** Absent: what the accelerator's machines have. */
  acceleratorNetwork?: "auto" | "none";
}
