import type { Hardware } from "../accelerators/hardware";
import type * as k8s from "@pulumi/kubernetes";
import { labels, nodeLabel } from "../names";
import { nodeLabels, type Provisioning } from "../accelerators/accelerator";
import { resourceName } from "../accelerators/catalogue";
import type { Placement } from "../accelerators/placement";

type PodSpec = k8s.types.input.core.v1.PodSpec;

/** A pod template with nothing left to be known: read from a cluster, or made here. */
export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

/** Where the pods of a pool run. */
export interface PlacementArgs {
  service: string;
  pool: string;
  acceleratorsPerReplica: number;
  placement: Placement;
  /** How the machines are bought. Default: on-demand. */
  provisioning?: Provisioning;
  /** Labels of the machines, where they are not this program's. Default: what it gives to its own. */
  nodeLabels?: Readonly<Record<string, string>>;
}

/** What ties a pod to its pool's machines: the label that AcceleratorNodePool gives them, or theirs, and their taint. */
export function nodeBinding({ service, pool, placement, provisioning, nodeLabels: theirs }: PlacementArgs): {
  nodeSelector: Record<string, string>;
  tolerations: { key: string; operator: string; value?: string; effect: string }[];
} {
  const { accelerator } = placement;
  return {
    nodeSelector: {
      ...(theirs ?? { [labels.pool]: nodeLabel(service, pool) }),
      // Without it GKE brings up no such machine for a pod.
      ...(provisioning === "flex-start" ? { "cloud.google.com/gke-flex-start": "true" } : {}),
    },
    tolerations: [
      { key: resourceName(accelerator), operator: "Exists", effect: "NoSchedule" },
      ...(accelerator.architecture === "arm64"
        ? [{ key: "kubernetes.io/arch", operator: "Equal", value: "arm64", effect: "NoSchedule" }]
        : []),
    ],
  };
}

/** Labels of nodes that somebody else makes: what the config names, else what GKE says of such machines. */
export function theirNodeLabels(
  hardware: Hardware,
  { accelerator, topology }: Placement,
): Record<string, string> {
  if (hardware.nodeLabels !== undefined) {
    return Object.fromEntries(hardware.nodeLabels.map((label) => label.split("=") as [string, string]));
  }
  return {
    [accelerator.family === "gpu" ? nodeLabels.gpu : nodeLabels.tpu]: accelerator.name,
    ...(topology === undefined ? {} : { [nodeLabels.topology]: topology }),
    ...(hardware.driver === "latest" ? { [nodeLabels.driver]: "latest" } : {}),
    ...(hardware.provisioning === "spot" && hardware.fallback === undefined
      ? { [nodeLabels.spot]: "true" }
      : {}),
  };
}

/** Accelerators of one pod: all of the machine where a replica takes several machines. */
export function acceleratorsOfPod({ placement, acceleratorsPerReplica }: PlacementArgs): number {
  return placement.hosts > 1 ? placement.machine.count : acceleratorsPerReplica;
}
