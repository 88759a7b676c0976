import { isDeepStrictEqual } from "node:util";
import { ApiError, type Api } from "./api";
import { objectPath } from "./resources";
import type { ApiObject } from "./types";

/** A status to be written; `next` makes it from the object as it is, so that nothing of others' is lost. */
export interface StatusUpdate {
  collection: string;
  object: ApiObject;
  next: (object: ApiObject) => Readonly<Record<string, unknown>>;
}

/**
 * Writes statuses where they differ from what is there. Each patch names the version of the object that it was
 * made from: had somebody changed it meanwhile, the API server refuses, and the change makes a new attempt.
 */
export class StatusWriter {
  /** What the API server answered last: watches tell it later. */
  private readonly written = new Map<string, ApiObject>();
  private readonly busy = new Map<string, Promise<void>>();
  private readonly next = new Map<string, StatusUpdate>();

  constructor(
    private readonly api: Api,
    private readonly failed: (line: string) => void,
  ) {}

  /** Of several updates of one object that wait, the last counts. */
  write(updates: readonly StatusUpdate[]): void {
    for (const update of updates) {
      const path = objectPath(update.collection, update.object.metadata);
      this.next.set(path, update);
      if (!this.busy.has(path)) this.busy.set(path, this.work(path));
    }
  }

  /** Resolves when nothing waits to be written. */
  async idle(): Promise<void> {
    while (this.busy.size > 0) await Promise.all(this.busy.values());
  }

  private async work(path: string): Promise<void> {
    for (;;) {
      const update = this.next.get(path);
      this.next.delete(path);
      if (update === undefined) break;
      await this.patch(path, update);
    }
    this.busy.delete(path);
  }

  private async patch(path: string, { object, next }: StatusUpdate): Promise<void> {
    const current = this.newest(path, object);
    const status = next(current);
    if (isSame(current.status, status)) return;
    const { resourceVersion } = current.metadata;
    try {
      const answer = await this.api.mergePatch(`${path}/status`, { metadata: { resourceVersion }, status });
      this.written.set(path, answer as ApiObject);
    } catch (error) {
      this.written.delete(path);
      // 404: it is gone. 409: it has changed, and the watch will tell.
      if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return;
      this.failed(error instanceof Error ? error.message : String(error));
    }
  }

  private newest(path: string, watched: ApiObject): ApiObject {
    const mine = this.written.get(path);
    if (mine === undefined || mine.metadata.uid !== watched.metadata.uid) return watched;
    const version = ({ metadata }: ApiObject): number => Number(metadata.resourceVersion ?? 0);
    if (version(mine) > version(watched) && mine.metadata.generation === watched.metadata.generation)
      return mine;
    this.written.delete(path);
    return watched;
  }
}

function isSame(status: unknown, next: Readonly<Record<string, unknown>>): boolean {
  const current = (status ?? {}) as Record<string, unknown>;
  return Object.entries(next).every(([key, value]) => isDeepStrictEqual(normal(current[key]), normal(value)));
}

/** An absent list and an empty one are the same to the API server. */
function normal(value: unknown): unknown {
  return value === undefined ? [] : value;
}
