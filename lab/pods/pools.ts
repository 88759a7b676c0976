import { identify, type Pod } from "./objects";

export const poolsPath = "/apis/inference.networking.k8s.io/v1/inferencepools";

/** The part of an InferencePool that says which pods are its own. */
export interface InferencePool extends Pick<Pod, "metadata"> {
  spec?: { selector?: { matchLabels?: Record<string, string> } };
}

/** The names of the pools whose selector matches the pod, in order, joined with commas. */
export function poolsOf(pod: Pod, pools: readonly InferencePool[]): string {
  const { namespace } = identify(pod);
  const labels = pod.metadata?.labels;
  const matching = pools.filter(({ metadata, spec }) => {
    const selector = Object.entries(spec?.selector?.matchLabels ?? {});
    return (
      metadata?.namespace === namespace &&
      selector.length > 0 &&
      selector.every(([key, value]) => labels?.[key] === value)
    );
  });
  return matching
    .map(({ metadata }) => metadata?.name ?? "")
    .sort()
    .join(",");
}
