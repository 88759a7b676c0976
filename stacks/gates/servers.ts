import { adaptersCondition, podSelector } from "../../components/names";
import type { ClusterReader, LiveObject } from "../state/cluster-reader";
import { conditionOf, isReady, isSelected, type Labels } from "../state/selectors";
import type { WaitingPods } from "../state/waiting-pods";
import { progressOf, type Progress } from "./wait";

/** What the pods of one pool have to show. */
export interface ServersTask {
  pool: { name: string; namespace: string };
  /** Pods that have to be ready; absent: at least one. */
  replicas?: number;
  /** The list of adapters they have to have loaded; absent: none. */
  revision?: string;
  /** Nodes that the pool has once it is complete; absent: unknown. */
  nodes?: number;
}

/** Waiting longer would not help: a model server has refused an adapter more than once. */
export interface Failing {
  failing: readonly string[];
}

/**
 * How far the pods of a pool are. That a pod is ready means that it had every adapter of its list when its server
 * had started, and has not lost one since; what came onto the list later, and what a server said of an adapter it
 * refused, is in a condition that the pod's sidecar writes.
 */
export async function serversProgress(
  reader: ClusterReader,
  { pool, replicas = 1, revision, nodes }: ServersTask,
  waits?: WaitingPods,
): Promise<Progress<"ready" | Failing>> {
  const pods = (await reader.list(`/api/v1/namespaces/${pool.namespace}/pods`)).filter((pod) =>
    isSelected(pod, podSelector(pool.name)),
  );
  const ready = pods.filter(isReady);
  const failing = revision === undefined ? [] : pods.flatMap((pod) => refusal(pod, pool.name, revision));
  if (failing.length > 0) return { state: "done", value: { failing } };
  const missing =
    ready.length >= replicas
      ? []
      : [
          `${ready.length} of ${replicas} model servers of ${pool.name} are ready`,
          ...(await reasonsFor(pool, podSelector(pool.name), nodes, waits)),
        ];
  if (revision !== undefined) missing.push(...pods.flatMap((pod) => unloaded(pod, pool.name, revision)));
  return progressOf(missing, "ready");
}

/** What its pods wait for, a line each: "llm: waiting for 2 of 4 nodes: GCE_STOCKOUT: ...". */
export async function reasonsFor(
  { name, namespace }: ServersTask["pool"],
  selector: Labels,
  nodes: number | undefined,
  waits: WaitingPods | undefined,
): Promise<string[]> {
  const pool = { namespace, selector, ...(nodes === undefined ? {} : { nodes }) };
  return ((await waits?.reasons(pool)) ?? []).map((text) => `${name}: ${text}`);
}

/** "pool, pod: adapter: the server's words". An older list does not count: its error may be fixed. */
function refusal(pod: LiveObject, pool: string, revision: string): string[] {
  const condition = conditionOf(pod, adaptersCondition);
  if (condition?.reason !== "Failed" || condition.message?.startsWith(`revision ${revision}:`) !== true)
    return [];
  return [`pool ${pool}, pod ${pod.metadata.name}: ${spoken(condition.message)}`];
}

/**
 * A pod that is ready with an older list would answer 404 for what only the new one has. One that is not ready and
 * says nothing yet is starting, and will read the new list.
 */
function unloaded(pod: LiveObject, pool: string, revision: string): string[] {
  const condition = conditionOf(pod, adaptersCondition);
  const text = condition?.message ?? "";
  if (text.startsWith(`revision ${revision}:`)) {
    return condition?.status === "True" ? [] : [`pool ${pool}, pod ${pod.metadata.name}: ${spoken(text)}`];
  }
  if (condition === undefined && !isReady(pod)) return [];
  return [`pool ${pool}, pod ${pod.metadata.name} has not loaded the current list of adapters yet`];
}

/** The sidecar's message without the revision, which says nothing to people. */
function spoken(message: string | undefined): string {
  return (message ?? "").replace(/^revision \w+: /, "");
}
