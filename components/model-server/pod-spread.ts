import type * as k8s from "@pulumi/kubernetes";
import { podSelector } from "../names";
import { nodeLabels } from "../accelerators/accelerator";

type PodSpec = k8s.types.input.core.v1.PodSpec;

/**
 * Where the pods of a pool stand to each other: over zones and machines, so that one that fails takes few with it;
 * a wish only, because a pod that waits for a better place serves nobody.
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
