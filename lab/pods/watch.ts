import {
  ListWatch,
  Watch,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
} from "@kubernetes/client-node";
import type { ClusterApi } from "../cluster/cluster-api";

export interface Watching<T> {
  changed(object: T): void;
  deleted(object: T): void;
}

const retryMs = 1000;

/**
 * Follows all objects of one kind until `stop` is called. Whatever interrupts it (the API server restarts, a kind
 * is not there yet), it goes on by itself; what was missed meanwhile comes as changes and deletions.
 */
export class ClusterWatch<T> {
  private readonly informer: ListWatch<KubernetesObject>;
  private stopped = false;
  private retry: NodeJS.Timeout | undefined;
  private complaint = "";

  /** @param path collection, such as "/api/v1/pods" */
  constructor(config: KubeConfig, api: ClusterApi, path: string, watching: Watching<T>) {
    const list = (): Promise<KubernetesListObject<KubernetesObject>> => api.get(path);
    this.informer = new ListWatch<KubernetesObject>(path, new Watch(config), list, false);
    // What arrives is JSON, whatever classes the client declares.
    const plain = (object: KubernetesObject): T => object as unknown as T;
    this.informer.on("add", (object) => watching.changed(plain(object)));
    this.informer.on("update", (object) => watching.changed(plain(object)));
    this.informer.on("delete", (object) => watching.deleted(plain(object)));
    this.informer.on("error", (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      // Said once, not with every attempt.
      if (message !== this.complaint && !this.stopped) console.error(`watching ${path}: ${message}`);
      this.complaint = message;
      if (!this.stopped) this.retry = setTimeout(() => void this.informer.start(), retryMs);
    });
  }

  /** Resolves once the first list is in. */
  start(): Promise<void> {
    return this.informer.start();
  }

  list(): readonly T[] {
    return this.informer.list() as unknown as readonly T[];
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retry);
    await this.informer.stop();
  }
}
