import { ClusterUnreadable, type ClusterPatcher, type LiveObject } from "../../stacks/state/cluster-reader";
import { observedRoute } from "../../stacks/state/observe";
import { handBack, handBackManager, type IsLeaving } from "../steps/hand-back";

/*
 * Writes live objects back to what they were without this program. Each is read again after a conflict; what was
 * written before an interruption is found again.
 */

/** How many times to try after a conflict. */
const attempts = 5;

/** What changed, in words (none: nothing was ours); or the leaving pool that customers are sent to. */
export type HandedBack = { changes: readonly string[] } | { serving: { name: string; namespace: string } };

/** @param isLeaving pools that go afterwards: an object that sends requests to one is not written. */
export async function handBackLive(
  client: ClusterPatcher,
  path: string,
  isLeaving: IsLeaving,
): Promise<HandedBack> {
  for (let attempt = 1; ; attempt++) {
    const live = await client.get(path);
    const serving = live === undefined ? undefined : servingPool(live, isLeaving);
    if (serving !== undefined) return { serving };
    const back = live === undefined ? undefined : handBack(live, isLeaving);
    if (live === undefined || back === undefined) return { changes: [] };
    try {
      let { resourceVersion } = live.metadata;
      for (const patch of back.patches) {
        const { metadata = {} } = patch as { metadata?: object };
        const body = { ...patch, metadata: { ...metadata, resourceVersion } };
        ({ resourceVersion } = (await client.merge(path, body, handBackManager)).metadata);
      }
      return { changes: back.changes };
    } catch (error) {
      if (!(error instanceof ClusterUnreadable) || error.reason !== "conflict" || attempt === attempts)
        throw error;
    }
  }
}

/** A pool that goes, and that the object (a route, else none) sends requests to. */
function servingPool(
  object: LiveObject,
  isLeaving: IsLeaving,
): { name: string; namespace: string } | undefined {
  if (object["spec"] === undefined) return undefined;
  return observedRoute(object)
    .backends.map(({ pool, namespace, weight }) => ({ name: pool, namespace, weight }))
    .find((pool) => pool.weight > 0 && isLeaving(pool));
}
