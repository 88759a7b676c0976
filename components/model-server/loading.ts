/**
 * How long a model server may take until it answers, its machine and its image included: after that Kubernetes starts
 * the container again, and no update waits longer. Longer than any download that was seen.
 */
export const maxLoadingMinutes = 45;
