import type * as k8s from "@pulumi/kubernetes";
import { podSelector, labels, nodeLabel, type PoolRef } from "../names";
import { nodeLabels, resourceName, type Provisioning } from "../accelerators/accelerator";
import type { Hardware } from "../accelerators/accelerators";
import type { Placement } from "../accelerators/placement";

type PodSpec = k8s.types.input.core.v1.PodSpec;

/** A pod template with nothing left to be known: read from a cluster, or made here. */
export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

/** Where the pods of a pool run. */
export interface PlacementArgs extends Pick<PoolRef, "service" | "pool"> {
  /** GPUs or TPU chips of one replica. */
  acceleratorsPerReplica: number;
  /** Nodes that a replica is placed on. */
  placement: Placement;
  /** How the machines are bought. Default: on-demand. */
  provisioning?: Provisioning;
  /** Labels of nodes created outside this stack. Default: the label that AcceleratorNodePool gives its own. */
  nodeLabels?: Readonly<Record<string, string>>;
}

/** What ties a pod to its pool's nodes: the label that AcceleratorNodePool gives them, or those of nodes created outside this
 * stack, and their taint. */
export function nodeBinding({ service, pool, placement, provisioning, nodeLabels: given }: PlacementArgs): {
  nodeSelector: Record<string, string>;
  tolerations: { key: string; operator: string; value?: string; effect: string }[];
} {
  const { accelerator } = placement;
  return {
    nodeSelector: {
      ...(given ?? { [labels.pool]: nodeLabel(service, pool) }),
      // Without it GKE creates no such node for a pod.
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

/** Labels of nodes created outside this stack: those that the config names, else GKE's own of the accelerator. */
export function labelsOfNodes(
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

/** Accelerators of one pod: all of its node where a replica takes several nodes. */
export function acceleratorsOfPod({ placement, acceleratorsPerReplica }: PlacementArgs): number {
  return placement.hosts > 1 ? placement.machine.count : acceleratorsPerReplica;
}

/** How a model server leaves without breaking a stream. */
export interface Draining {
  /** A terminating pod goes on serving this long: gateways need it to notice that the pod is leaving. */
  preStopSeconds: number;
  /** Then it takes nothing new and finishes what it has, this long at the most. */
  finishSeconds: number;
  /** Then it is killed: the sum, and some seconds for the server's own end. */
  graceSeconds: number;
}

/**
 * The numbers depend on each other, so all follow from one. Source: the inference extension's manifest of model servers,
 * whose comments derive them.
 */
export function drainingOf({ drainSeconds = 90 }: { readonly drainSeconds?: number }): Draining {
  const preStopSeconds = 30;
  return { preStopSeconds, finishSeconds: drainSeconds, graceSeconds: preStopSeconds + drainSeconds + 10 };
}

/** That of pools that do not set it. */
export const draining: Draining = drainingOf({});

/**
 * Spreads the pods of a pool over zones and nodes, so that one that fails takes few with it; a preference only, because a
 * pod that waits for a better place serves no one.
 */
export function spread(
  pool: string,
  prefersSpot: boolean,
): Pick<PodSpec, "affinity" | "topologySpreadConstraints"> {
  const over = (topologyKey: string): k8s.types.input.core.v1.TopologySpreadConstraint => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: podSelector(pool) },
  });
  return {
    topologySpreadConstraints: [over("topology.kubernetes.io/zone"), over("kubernetes.io/hostname")],
    ...(prefersSpot
      ? {
          affinity: {
            nodeAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 100,
                  preference: {
                    matchExpressions: [{ key: nodeLabels.spot, operator: "In", values: ["true"] }],
                  },
                },
              ],
            },
          },
        }
      : {}),
  };
}
