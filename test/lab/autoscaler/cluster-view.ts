import type { Client } from "../plugins/kubernetes/api/client";
import { at, listAt, nameOf, textAt, type KubeObject } from "../plugins/kubernetes/api/objects";
import { isProperties, type Value } from "../plugins/protocol/values";
import type { PendingPod, Toleration } from "./decide";

/** Pods that the scheduler finds no node for. */
export async function pendingPods(client: Client): Promise<PendingPod[]> {
  const pods = await client.list("v1", "Pod", "");
  return pods.filter(isUnschedulable).map((pod) => ({
    name: nameOf(pod),
    nodeSelector: texts(at(pod, "spec", "nodeSelector")),
    tolerations: listAt(pod, "spec", "tolerations") as unknown as Toleration[],
    requests: requestsOf(pod),
  }));
}

/** Names of the nodes that carry no pod, of those given. */
export async function idleNodes(client: Client, nodes: readonly KubeObject[]): Promise<string[]> {
  const pods = await client.list("v1", "Pod", "");
  const used = new Set(pods.map((pod) => textAt(pod, "spec", "nodeName")));
  return nodes.map((node) => nameOf(node)).filter((name) => !used.has(name));
}

function isUnschedulable(pod: KubeObject): boolean {
  return (
    textAt(pod, "spec", "nodeName") === "" &&
    at(pod, "metadata", "deletionTimestamp") === undefined &&
    listAt(pod, "status", "conditions").some(
      (condition) =>
        textAt(condition, "type") === "PodScheduled" && textAt(condition, "reason") === "Unschedulable",
    )
  );
}

function requestsOf(pod: KubeObject): Record<string, string> {
  // One container has the accelerators in every pod that the lab knows; several would have to be added up.
  const all = listAt(pod, "spec", "containers").map((container) => {
    const limits = texts(at(container, "resources", "limits"));
    const requests = texts(at(container, "resources", "requests"));
    const accelerators = Object.entries(limits).filter(([name]) => name.includes("/"));
    return { ...Object.fromEntries(accelerators), ...requests };
  });
  return Object.assign({}, ...all) as Record<string, string>;
}

function texts(value: Value | undefined): Record<string, string> {
  if (!isProperties(value)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, String(inner as string | number)]),
  );
}
