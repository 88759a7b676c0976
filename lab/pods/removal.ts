import { setTimeout as sleep } from "node:timers/promises";
import { ApiRefused, type ClusterApi } from "../cluster/cluster-api";
import { identify, pathOf, type Pod } from "./objects";

const retryMs = 1000;
const tries = 60;

/**
 * Deletes the object for good. One that has gone, or whose name another pod has, is as good; while the API server
 * cannot be reached it is tried again, because nobody else would.
 * @throws Error where it is refused, or cannot be reached for a minute.
 */
export async function removePod(api: Pick<ClusterApi, "delete">, pod: Pod): Promise<void> {
  const preconditions = { uid: identify(pod).uid };
  const options = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0, preconditions };
  for (let left = tries; ; left--) {
    try {
      await api.delete(pathOf(pod), options);
      return;
    } catch (error) {
      const status = error instanceof ApiRefused ? error.status : 0;
      if (status === 404 || status === 409) return;
      if ((status >= 400 && status < 500 && status !== 429) || left === 0) throw error;
      await sleep(retryMs);
    }
  }
}
