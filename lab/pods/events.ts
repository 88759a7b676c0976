import type { ClusterApi } from "../cluster/cluster-api";
import { identify, type Pod } from "./objects";

/** The same event about the same pod is written again only after this time. */
const quietMs = 60_000;

/** Writes Kubernetes Events about pods: what `kubectl describe` shows a user who asks why. */
export class Events {
  private readonly recent = new Map<string, number>();

  constructor(private readonly api: Pick<ClusterApi, "post">) {}

  /** Never fails: an event that cannot be written is not missed. */
  write(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    const { namespace, name, uid } = identify(pod);
    const now = Date.now();
    const key = [uid, container, reason, message].join("\n");
    if ((this.recent.get(key) ?? 0) > now - quietMs) return;
    for (const [old, at] of this.recent) if (at <= now - quietMs) this.recent.delete(old);
    this.recent.set(key, now);
    const time = new Date(now).toISOString();
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { namespace, generateName: `${name.slice(0, 40)}.` },
      involvedObject: {
        ...{ apiVersion: "v1", kind: "Pod", namespace, name, uid },
        ...(container === undefined ? {} : { fieldPath: `spec.containers{${container}}` }),
      },
      ...{ type, reason, message, count: 1, firstTimestamp: time, lastTimestamp: time },
      source: { component: "kubelet", host: pod.spec?.nodeName },
    };
    this.api.post(`/api/v1/namespaces/${namespace}/events`, event).catch(() => undefined);
  }
}
