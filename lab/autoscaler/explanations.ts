import { ApiRefused, type ClusterApi } from "../cluster/cluster-api";
import type { PendingPod, ScalablePool } from "./decide";

/** What an explanation is about. */
export interface Explained {
  view: Pick<ScalablePool, "id" | "nodes" | "max">;
  zones: readonly string[];
}

/** How long the autoscaler does not try again after a failure: five minutes on GKE. */
const backoffMs = 20_000;

/**
 * What the cluster autoscaler says to pods, as events. Reasons and messages: GKE's page on autoscaler events, and
 * kubernetes/autoscaler (eventing_scale_up_processor.go, scale_up.go).
 */
export class Explanations {
  /** Until when a pool is not tried, by its id. */
  private readonly backoff = new Map<string, number>();
  private readonly said = new Set<string>();

  constructor(private readonly api: ClusterApi) {}

  /** Google has no machines; while the autoscaler backs off, it says that it does not try. */
  async failed({ view, zones }: Explained, pods: readonly PendingPod[]): Promise<void> {
    const until = this.backoff.get(view.id) ?? 0;
    if (performance.now() >= until) {
      this.backoff.set(view.id, performance.now() + backoffMs);
      this.said.clear();
      const text = `Node scale up in zones ${zones.join(", ")} associated with this pod failed: GCE out of resources. Pod is at risk of not being scheduled.`;
      for (const pod of pods) await this.write(pod, "Warning", "FailedScaleUp", text);
      return;
    }
    for (const pod of pods) {
      if (this.said.has(pod.uid)) continue;
      this.said.add(pod.uid);
      const text = "pod didn't trigger scale-up: 1 in backoff after failed scale-up";
      await this.write(pod, "Normal", "NotTriggerScaleUp", text);
    }
  }

  async triggered({ view }: Explained, pods: readonly PendingPod[], count: number): Promise<void> {
    const { id, nodes, max } = view;
    const text = `pod triggered scale-up: [{${id} ${nodes}->${nodes + count} (max: ${max})}]`;
    for (const pod of pods) await this.write(pod, "Normal", "TriggeredScaleUp", text);
  }

  private async write(pod: PendingPod, type: string, reason: string, message: string): Promise<void> {
    const { name, namespace, uid } = pod;
    const time = new Date().toISOString();
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: { apiVersion: "v1", kind: "Pod", name, namespace, uid },
      ...{ type, reason, message, count: 1, firstTimestamp: time, lastTimestamp: time },
      source: { component: "cluster-autoscaler" },
    };
    try {
      await this.api.post(`/api/v1/namespaces/${namespace}/events`, event);
    } catch (error) {
      // A namespace on its way out takes none; nodes come and go all the same.
      if (!(error instanceof ApiRefused)) throw error;
    }
  }
}
