import { ClusterUnreadable, type ClusterReader, type LiveObject } from "./cluster-reader";
import { podWaits } from "./pod-waits";
import { isReady, isSelected, type Labels } from "./selectors";

/** The pods that a pool selects. */
export interface WaitingPool {
  namespace: string;
  selector: Labels;
  /** Nodes that the pool has once it is complete. Default: unknown. */
  nodes?: number;
}

/** Time between two looks: whoever waits asks four times a second, and what pods wait for changes seldom. */
const freshMs = 2000;

/** Why the pods of pools are not ready, for one wait. */
export class WaitingPods {
  private readonly known = new Map<string, { at: number; reasons: Promise<string[]> }>();

  constructor(private readonly reader: ClusterReader) {}

  /** @returns a line for each reason, as podWaits has them; none where events and pods cannot be read. */
  reasons(pool: WaitingPool): Promise<string[]> {
    const key = JSON.stringify([pool.namespace, pool.selector]);
    const last = this.known.get(key);
    if (last !== undefined && performance.now() - last.at < freshMs) return last.reasons;
    const reasons = this.read(pool);
    this.known.set(key, { at: performance.now(), reasons });
    return reasons;
  }

  private async read({ namespace, selector, nodes }: WaitingPool): Promise<string[]> {
    const inside = `/api/v1/namespaces/${namespace}`;
    const pods = await this.list(`${inside}/pods`);
    const own = pods.filter((pod) => isSelected(pod, selector));
    if (own.every(isReady)) return [];
    const events = await this.list(`${inside}/events?fieldSelector=involvedObject.kind%3DPod`);
    return podWaits(own, events, nodes);
  }

  /** These reads only explain. Reads that decide something are elsewhere and report their own errors. */
  private async list(path: string): Promise<LiveObject[]> {
    try {
      return await this.reader.list(path);
    } catch (error) {
      if (error instanceof ClusterUnreadable) return [];
      throw error;
    }
  }
}
