import { ApiRefused, type ClusterApi } from "../../cluster/cluster-api";
import { pathOf, type Node, type Pod } from "../../pods/objects";
import type { Cloud } from "./cloud";
import {
  clusterAnnotation,
  nodeLabels,
  nodeName,
  nodeObject,
  nodeTaints,
  poolLabel,
  type PoolShape,
} from "./node-object";

export interface GroupContext {
  api: ClusterApi;
  cloud: Cloud;
  cancel: AbortSignal;
  /** When the operation must have ended, as in performance.now(). */
  deadline: number;
  status: (message: string) => Promise<void>;
}

/** An operation that did not end in time, or that the user cancelled. */
export class OperationEnded extends Error {}

/** After its grace period a pod gets this long to go by itself. */
const drainExtraMs = 30_000;

/** Node objects of a pool in the lab's cluster. */
export class NodeGroup {
  constructor(
    private readonly context: GroupContext,
    private readonly cluster: { id: string; name: string },
    private readonly pool: string,
  ) {}

  async list(): Promise<Node[]> {
    const selector = encodeURIComponent(`${poolLabel}=${this.pool}`);
    const { items } = await this.context.api.get<{ items: Node[] }>(`${nodesPath}?labelSelector=${selector}`);
    return items.filter(({ metadata }) => metadata?.annotations?.[clusterAnnotation] === this.cluster.id);
  }

  /** Adds nodes in a zone and waits until they are Ready. */
  async add(shape: PoolShape, zone: string, count: number): Promise<void> {
    const names = Array.from({ length: count }, () => nodeName(this.cluster.name, this.pool, zone));
    await Promise.all(
      names.map(async (name) => {
        const cidr = this.context.cloud.takeCidr(name);
        await this.context.api.post(`${nodesPath}?fieldManager=gke`, nodeObject(shape, name, zone, cidr));
      }),
    );
    for (const name of names) await this.untilReady(name);
  }

  /** Brings labels and taints of existing nodes to what the pool says now. */
  async relabel(shape: PoolShape): Promise<void> {
    for (const node of await this.list()) {
      const desired: Record<string, string> = nodeLabels(shape, nameOf(node), zoneOf(node));
      const gone = Object.keys(node.metadata?.labels ?? {}).filter(
        (key) => !(key in desired) && key.includes("/"),
      );
      const labels = { ...desired, ...Object.fromEntries(gone.map((key) => [key, null])) };
      await this.change(node, { metadata: { labels }, spec: { taints: nodeTaints(shape) } });
    }
  }

  /** Drains nodes and removes them, all at the same time, as GKE does it with a pool. */
  async remove(nodes: readonly Node[], respectBudgets: boolean): Promise<void> {
    await Promise.all(
      nodes.map(async (node) => {
        await this.cordon(node);
        await this.drain(node, respectBudgets);
        await ignoreNotFound(this.context.api.delete(`${nodesPath}/${nameOf(node)}`, inBackground));
        this.context.cloud.releaseCidr(nameOf(node));
      }),
    );
  }

  /** The nodes to take away first: those with the fewest pods. */
  async leastUsed(nodes: readonly Node[], count: number): Promise<Node[]> {
    const pods = await podsOf(this.context.api);
    const used = (node: Node): number => pods.filter((pod) => isOn(pod, node) && !isDaemon(pod)).length;
    return [...nodes]
      .map((node) => ({ node, pods: used(node) }))
      .sort((a, b) => a.pods - b.pods)
      .slice(0, count)
      .map(({ node }) => node);
  }

  private async untilReady(name: string): Promise<void> {
    for (;;) {
      const { status } = await this.context.api.get<Node>(`${nodesPath}/${name}`);
      if (status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false) return;
      await this.tick(200, `Waiting for node ${name} to be ready`);
    }
  }

  private async cordon(node: Node): Promise<void> {
    await ignoreNotFound(this.change(node, { spec: { unschedulable: true } }));
  }

  private change(node: Node, patch: object): Promise<unknown> {
    return this.context.api.patch(`${nodesPath}/${nameOf(node)}`, "merge-patch", patch);
  }

  /**
   * Evicts the pods that are on a node now and waits for them. What comes later, because it tolerates everything,
   * goes with the node.
   */
  private async drain(node: Node, respectBudgets: boolean): Promise<void> {
    const started = new Date().getTime();
    const forced = new Set<string>();
    let leaving: Set<string> | undefined;
    for (;;) {
      const pods = (await podsOf(this.context.api)).filter(
        (pod) =>
          isOn(pod, node) &&
          !isDaemon(pod) &&
          !isFinished(pod) &&
          (leaving === undefined || leaving.has(uidOf(pod))),
      );
      leaving ??= new Set(pods.map(uidOf));
      if (pods.length === 0) return;
      for (const pod of pods) {
        if (pod.metadata?.deletionTimestamp === undefined) await this.evict(pod, respectBudgets);
        else if (isOverdue(pod, started) && !forced.has(uidOf(pod))) {
          // Its machine is gone by now; in a cluster the garbage collector of pods takes it away.
          forced.add(uidOf(pod));
          await ignoreNotFound(
            this.context.api.delete(pathOf(pod), { ...inBackground, gracePeriodSeconds: 0 }),
          );
        }
      }
      await this.tick(300, `Draining ${nameOf(node)} (${pods.length} pods left)`);
    }
  }

  private async evict(pod: Pod, respectBudgets: boolean): Promise<void> {
    const { name, namespace } = pod.metadata ?? {};
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
    try {
      await this.context.api.post(`${pathOf(pod)}/eviction`, eviction);
    } catch (error) {
      if (!(error instanceof ApiRefused) || error.status === 404) return;
      // 429: a disruption budget does not allow it now.
      if (error.status === 429 && !respectBudgets)
        await ignoreNotFound(this.context.api.delete(pathOf(pod), inBackground));
      else if (error.status !== 429) throw error;
    }
  }

  private async tick(ms: number, message: string): Promise<void> {
    if (this.context.cancel.aborted) throw new OperationEnded("the operation was cancelled");
    if (performance.now() > this.context.deadline) throw new OperationEnded("timeout");
    await this.context.status(message);
    await pause(ms, this.context.cancel);
  }
}

const nodesPath = "/api/v1/nodes";
const inBackground = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" };

/** All pods of the cluster. */
export async function podsOf(api: ClusterApi): Promise<Pod[]> {
  return (await api.get<{ items: Pod[] }>("/api/v1/pods")).items;
}

export function nameOf({ metadata }: Node): string {
  return metadata?.name ?? "";
}

export function zoneOf({ metadata }: Node): string {
  return metadata?.labels?.["topology.kubernetes.io/zone"] ?? "";
}

const uidOf = ({ metadata }: Pod): string => metadata?.uid ?? "";

function isOn({ spec }: Pod, node: Node): boolean {
  return spec?.nodeName === nameOf(node);
}

function isDaemon({ metadata }: Pod): boolean {
  return metadata?.ownerReferences?.some(({ kind }) => kind === "DaemonSet") ?? false;
}

function isFinished({ status }: Pod): boolean {
  return ["Succeeded", "Failed"].includes(status?.phase ?? "");
}

function isOverdue({ metadata }: Pod, started: number): boolean {
  const grace = (metadata?.deletionGracePeriodSeconds ?? 30) * 1000;
  const since = Math.max(started, Date.parse(metadata?.deletionTimestamp ?? "") - grace);
  return new Date().getTime() > since + grace + drainExtraMs;
}

async function ignoreNotFound(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ApiRefused) || error.status !== 404) throw error;
  }
}

/** Waits, and not longer than until `signal`. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
