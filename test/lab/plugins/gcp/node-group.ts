import { pause } from "../kubernetes/await/wait";
import type { Client } from "../kubernetes/api/client";
import {
  annotation,
  at,
  listAt,
  nameOf,
  numberAt,
  textAt,
  uidOf,
  type KubeObject,
} from "../kubernetes/api/objects";
import { StatusError } from "../kubernetes/api/status";
import { isProperties, type Value } from "../protocol/values";
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
  client: Client;
  cloud: Cloud;
  cancel: AbortSignal;
  /** When the operation must have ended, as in Date.now(). */
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

  async list(): Promise<KubeObject[]> {
    const nodes = await this.context.client.list("v1", "Node", "", `${poolLabel}=${this.pool}`);
    return nodes.filter((node) => annotation(node, clusterAnnotation) === this.cluster.id);
  }

  /** Adds nodes in a zone and waits until they are Ready. */
  async add(shape: PoolShape, zone: string, count: number): Promise<void> {
    const names = Array.from({ length: count }, () => nodeName(this.cluster.name, this.pool, zone));
    await Promise.all(
      names.map(async (name) => {
        const cidr = this.context.cloud.takeCidr(name);
        await this.context.client.create(nodeObject(shape, name, zone, cidr), { fieldManager: "gke" });
      }),
    );
    for (const name of names) await this.untilReady(name);
  }

  /** Brings labels and taints of existing nodes to what the pool says now. */
  async relabel(shape: PoolShape): Promise<void> {
    for (const node of await this.list()) {
      const name = nameOf(node);
      const wanted = nodeLabels(
        shape,
        name,
        textAt(node, "metadata", "labels", "topology.kubernetes.io/zone"),
      );
      const old = at(node, "metadata", "labels");
      const gone = Object.keys(isProperties(old) ? old : {}).filter(
        (key) => !(key in wanted) && key.includes("/"),
      );
      const labels = { ...wanted, ...Object.fromEntries(gone.map((key) => [key, null])) };
      const taints = nodeTaints(shape).map(({ key, value, effect }): Value => ({ key, value, effect }));
      await this.context.client.patch(node, { metadata: { labels }, spec: { taints } } as never, "merge");
    }
  }

  /** Drains nodes and removes them, all at the same time, as GKE does it with a pool. */
  async remove(nodes: readonly KubeObject[], respectBudgets: boolean): Promise<void> {
    await Promise.all(
      nodes.map(async (node) => {
        await this.cordon(node);
        await this.drain(node, respectBudgets);
        await ignoreNotFound(this.context.client.delete(node, nameOf(node), "Background"));
        this.context.cloud.releaseCidr(nameOf(node));
      }),
    );
  }

  /** The nodes to take away first: those with the fewest pods. */
  async leastUsed(nodes: readonly KubeObject[], count: number): Promise<KubeObject[]> {
    const pods = await this.context.client.list("v1", "Pod", "");
    const used = (node: KubeObject): number => pods.filter((pod) => isOn(pod, node) && !isDaemon(pod)).length;
    return [...nodes]
      .map((node) => ({ node, pods: used(node) }))
      .sort((a, b) => a.pods - b.pods)
      .slice(0, count)
      .map(({ node }) => node);
  }

  private async untilReady(name: string): Promise<void> {
    const node = { apiVersion: "v1", kind: "Node", metadata: { name } };
    for (;;) {
      const conditions = listAt(await this.context.client.get(node), "status", "conditions");
      if (conditions.some((one) => textAt(one, "type") === "Ready" && textAt(one, "status") === "True"))
        return;
      await this.tick(200, `Waiting for node ${name} to be ready`);
    }
  }

  private async cordon(node: KubeObject): Promise<void> {
    await ignoreNotFound(this.context.client.patch(node, { spec: { unschedulable: true } }, "merge"));
  }

  /**
   * Evicts the pods that are on a node now and waits for them. What comes later, because it tolerates everything,
   * goes with the node.
   */
  private async drain(node: KubeObject, respectBudgets: boolean): Promise<void> {
    const started = Date.now();
    const forced = new Set<string>();
    let leaving: Set<string> | undefined;
    for (;;) {
      const pods = (await this.context.client.list("v1", "Pod", "")).filter(
        (pod) =>
          isOn(pod, node) &&
          !isDaemon(pod) &&
          !isFinished(pod) &&
          (leaving === undefined || leaving.has(uidOf(pod))),
      );
      leaving ??= new Set(pods.map(uidOf));
      if (pods.length === 0) return;
      for (const pod of pods) {
        if (at(pod, "metadata", "deletionTimestamp") === undefined) await this.evict(pod, respectBudgets);
        else if (isOverdue(pod, started) && !forced.has(uidOf(pod))) {
          // Its machine is gone by now; in a cluster the garbage collector of pods takes it away.
          forced.add(uidOf(pod));
          await ignoreNotFound(this.context.client.deleteNow(pod));
        }
      }
      await this.tick(300, `Draining ${nameOf(node)} (${pods.length} pods left)`);
    }
  }

  private async evict(pod: KubeObject, respectBudgets: boolean): Promise<void> {
    try {
      await this.context.client.evict(pod);
    } catch (error) {
      if (!(error instanceof StatusError) || error.isNotFound) return;
      // 429: a disruption budget does not allow it now.
      if (error.code === 429 && !respectBudgets)
        await ignoreNotFound(this.context.client.delete(pod, nameOf(pod), "Background"));
      else if (error.code !== 429) throw error;
    }
  }

  private async tick(ms: number, message: string): Promise<void> {
    if (this.context.cancel.aborted) throw new OperationEnded("the operation was cancelled");
    if (Date.now() > this.context.deadline) throw new OperationEnded("timeout");
    await this.context.status(message);
    await pause(ms, this.context.cancel);
  }
}

function isOn(pod: KubeObject, node: KubeObject): boolean {
  return textAt(pod, "spec", "nodeName") === nameOf(node);
}

function isDaemon(pod: KubeObject): boolean {
  return listAt(pod, "metadata", "ownerReferences").some((owner) => textAt(owner, "kind") === "DaemonSet");
}

function isFinished(pod: KubeObject): boolean {
  return ["Succeeded", "Failed"].includes(textAt(pod, "status", "phase"));
}

function isOverdue(pod: KubeObject, started: number): boolean {
  const grace = (numberAt(pod, "metadata", "deletionGracePeriodSeconds") ?? 30) * 1000;
  const since = Math.max(started, Date.parse(textAt(pod, "metadata", "deletionTimestamp")) - grace);
  return Date.now() > since + grace + drainExtraMs;
}

async function ignoreNotFound(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof StatusError) || !error.isNotFound) throw error;
  }
}
