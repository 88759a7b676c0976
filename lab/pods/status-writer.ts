import { ApiRefused, type ClusterApi } from "../cluster/cluster-api";
import type { WrittenStatus } from "./status";

const gatherMs = 5;
const retryMs = 1000;

/** Keeps a pod's status subresource at what the containers say. Writes only changes, one at a time. */
export class StatusWriter {
  private written = "";
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
    const text = JSON.stringify(status);
    if (text === this.written) return;
    this.writing = true;
    let again: number | undefined = gatherMs;
    try {
      // The uid makes the API server refuse where another pod has taken the name.
      await this.api.patch(this.path, "strategic-merge-patch", { metadata: { uid: this.uid }, status });
      this.written = text;
    } catch (error) {
      const gone = error instanceof ApiRefused && [404, 409].includes(error.status);
      again = gone ? undefined : retryMs;
    }
    this.writing = false;
    if (again !== undefined) this.changed(again);
  }
}
