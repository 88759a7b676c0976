import type { ClusterApi } from "../cluster/cluster-api";
import { podsOf, nameOf } from "../plugins/gcp/node-group";
import type { Node, Pod } from "../pods/objects";
import type { PendingPod } from "./decide";

/** Pods that the scheduler finds no node for. */
export async function pendingPods(api: ClusterApi): Promise<PendingPod[]> {
  return (await podsOf(api)).filter(isUnschedulable).map((pod) => ({
    name: pod.metadata?.name ?? "",
    namespace: pod.metadata?.namespace ?? "",
    uid: pod.metadata?.uid ?? "",
    nodeSelector: pod.spec?.nodeSelector ?? {},
    tolerations: pod.spec?.tolerations ?? [],
    requests: requestsOf(pod),
  }));
}

/** Names of the nodes that carry no pod, of those given. */
export async function idleNodes(api: ClusterApi, nodes: readonly Node[]): Promise<string[]> {
  const used = new Set((await podsOf(api)).map(({ spec }) => spec?.nodeName));
  return nodes.map(nameOf).filter((name) => !used.has(name));
}

function isUnschedulable({ metadata, spec, status }: Pod): boolean {
  return (
    spec?.nodeName === undefined &&
    metadata?.deletionTimestamp === undefined &&
    (status?.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "Unschedulable") ??
      false)
  );
}

function requestsOf({ spec }: Pod): Record<string, string> {
  // One container has the accelerators in every pod that the lab knows; several would have to be added up.
  const all = (spec?.containers ?? []).map(({ resources }) => {
    const accelerators = Object.entries(resources?.limits ?? {}).filter(([name]) => name.includes("/"));
    return { ...Object.fromEntries(accelerators), ...resources?.requests };
  });
  return Object.assign({}, ...all) as Record<string, string>;
}
