import type { Snapshot } from "../objects/snapshot";
import type { InferencePool } from "../objects/types";
import { endpointKey, pickerOf, poolEndpoints, type Endpoint } from "./endpoints";

/**
 * How a pool's share of the traffic is served. `picker`: the picker chooses the pod. `direct`: round robin over
 * the ready pods, because the picker is away and the pool fails open. `closed`: errors, because it fails closed.
 */
export type PoolMode = "picker" | "direct" | "closed";

export interface PoolPlan {
  pool: InferencePool;
  /** Why the reference to the picker is not valid. */
  problem?: string;
  mode: PoolMode;
  /** Pickers that answer. */
  pickers: readonly Endpoint[];
  /** Pickers that are ready by their pod's status, whether or not they answer. */
  candidates: readonly Endpoint[];
  /** Ready pods of the pool. */
  pods: readonly Endpoint[];
}

/** `answers` tells whether something speaks HTTP/2 at a picker's endpoint now. */
export function planPool(
  pool: InferencePool,
  snapshot: Snapshot,
  answers: (endpoint: string) => boolean,
): PoolPlan {
  const { endpoints, problem } = pickerOf(pool, snapshot);
  const pickers = endpoints.filter((endpoint) => answers(endpointKey(endpoint)));
  const ref = pool.spec.endpointPickerRef;
  const whenAway = ref === undefined || ref.failureMode === "FailOpen" ? "direct" : "closed";
  return {
    pool,
    mode: pickers.length > 0 ? "picker" : whenAway,
    pickers,
    candidates: endpoints,
    pods: poolEndpoints(pool, snapshot),
    ...(problem !== undefined && { problem }),
  };
}
