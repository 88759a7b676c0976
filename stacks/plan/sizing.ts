/** Replicas for a share of the traffic: that share of the size that carries all of it, times this. */
export const defaultHeadroom = 1.25;

/**
 * Replicas a candidate must have ready before it gets `weight` percent of the traffic: its share of `replicas`
 * (which carry 100 %) with headroom, never more than all of them, never none while it has weight.
 */
export function replicasNeeded(replicas: number, weight: number, headroom = defaultHeadroom): number {
  // Rounded before the ceiling: 10 x 0.3 x 1 is 3.0000000000000004 in floating point.
  const exact = Number(((replicas * weight * headroom) / 100).toFixed(6));
  return Math.min(replicas, Math.ceil(exact));
}
