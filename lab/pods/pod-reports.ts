import { type ClusterApi, ApiRefused } from "../cluster/cluster-api";
import { isAsWritten, type WrittenStatus } from "./status";
import { type Pod, identify, pathOf } from "./objects";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

const gatherMs = 5;

const retryMs = 1000;

/** Keeps a pod's status subresource at what the containers say. Writes only changes, one at a time. */
export class StatusWriter {
  private written: WrittenStatus | undefined;
  /** Version of the object that the last write made. */
  private version = 0;
  private latest: Pod | undefined;
  private timer: NodeJS.Timeout | undefined;
  private writing = false;
  private closed = false;

  /** @param compute the status as it is now */
  constructor(
    private readonly api: Pick<ClusterApi, "patch">,
    private readonly path: string,
    private readonly uid: string,
    private readonly compute: () => WrittenStatus,
  ) {}

  /** The object as a watch tells it: where somebody else has changed what was written, it is written again. */
  seen(pod: Pod): void {
    this.latest = pod;
    this.changed();
  }

  /** Something may have changed. What changes at once is written at once. */
  changed(delayMs = gatherMs): void {
    if (this.closed || this.writing || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.write();
    }, delayMs);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private async write(): Promise<void> {
    const status = this.compute();
    if (isDeepStrictEqual(status, this.written) && !this.isChangedByOthers(status)) return;
    this.writing = true;
    let again: number | undefined = gatherMs;
    try {
      // The uid makes the API server refuse where another pod has taken the name.
      const body = { metadata: { uid: this.uid }, status };
      this.version = versionOf((await this.api.patch(this.path, "strategic-merge-patch", body)) as Pod);
      this.written = status;
    } catch (error) {
      const gone = error instanceof ApiRefused && [404, 409].includes(error.status);
      again = gone ? undefined : retryMs;
    }
    this.writing = false;
    if (again !== undefined) this.changed(again);
  }

  private isChangedByOthers(status: WrittenStatus): boolean {
    const { latest } = this;
    return latest !== undefined && versionOf(latest) > this.version && !isAsWritten(status, latest.status);
  }
}

/** The same event about the same pod is written again only after this time. */
const quietMs = 60_000;

/** Versions of one object grow. */
const versionOf = ({ metadata }: Pod): number => Number(metadata?.resourceVersion ?? 0);

/** Writes Kubernetes Events about pods: what `kubectl describe` shows a user who asks why. */
export class Events {
  private readonly recent = new Map<string, number>();

  constructor(private readonly api: Pick<ClusterApi, "post">) {}

  /** Never fails: an event that cannot be written is not missed. */
  write(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    const { namespace, name, uid } = identify(pod);
    const now = new Date().getTime();
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

const removalRetryMs = 1000;

const removalTries = 60;

/**
 * Deletes the object for good. One that has gone, or whose name another pod has, is as good; while the API server
 * cannot be reached it is tried again, because nobody else would.
 * @throws Error where it is refused, or cannot be reached for a minute.
 */
export async function removePod(api: Pick<ClusterApi, "delete">, pod: Pod): Promise<void> {
  const preconditions = { uid: identify(pod).uid };
  const options = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0, preconditions };
  for (let left = removalTries; ; left--) {
    try {
      await api.delete(pathOf(pod), options);
      return;
    } catch (error) {
      const status = error instanceof ApiRefused ? error.status : 0;
      if (status === 404 || status === 409) return;
      if ((status >= 400 && status < 500 && status !== 429) || left === 0) throw error;
      await sleep(removalRetryMs);
    }
  }
}
