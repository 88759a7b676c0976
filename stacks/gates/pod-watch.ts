import { setTimeout as sleep } from "node:timers/promises";
import { nodesFor } from "../../components/accelerators/placement";
import { podSelector } from "../../components/names";
import type { Plan } from "../plan/model";
import type { ClusterReader } from "../state/cluster-reader";
import { WaitingPods } from "../state/waiting-pods";

export interface PodWatch {
  plan: Pick<Plan, "pools">;
  reader: () => Promise<ClusterReader>;
  report: (text: string) => void;
  /** Ends the watch. */
  signal: AbortSignal;
  /** Time until the first look, and between looks. Default: 5 s, so that a quick update causes no requests. */
  everyMs?: number;
}

/**
 * Says why the pods of an update are not ready while Pulumi's provider waits for them, which itself says only that it
 * waits. Each reason is said once, and never fails the update: the provider decides how long it waits. The timer keeps no
 * program alive.
 */
export async function watchPods({ plan, reader, report, signal, everyMs = 5000 }: PodWatch): Promise<void> {
  const said = new Set<string>();
  const isOver = (): boolean => signal.aborted;
  const pause = (): Promise<boolean> => sleep(everyMs, true, { ref: false, signal }).catch(() => false);
  if (!(await pause())) return;
  const waits = new WaitingPods(await reader());
  while (!isOver()) {
    for (const { pool, namespace, settled } of plan.pools) {
      const nodes = nodesFor(settled, pool.placement);
      const reasons = await waits
        .reasons({ namespace, selector: podSelector(pool.name), nodes })
        // Nobody waits for this answer; the next look may succeed.
        .catch(() => []);
      for (const reason of reasons) {
        const line = `${pool.name}: ${reason}`;
        if (!isOver() && !said.has(line)) report(line);
        said.add(line);
      }
    }
    if (!(await pause())) return;
  }
}
