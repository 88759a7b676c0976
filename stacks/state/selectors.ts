import type { LiveObject } from "./cluster-reader";

export type Labels = Readonly<Record<string, string>>;

/** What an InferencePool selects its pods by; nothing where there is no such pool. */
export function selectorOf(pool: LiveObject | undefined): Labels {
  const spec = pool?.["spec"] as { selector?: { matchLabels?: Labels } } | undefined;
  return spec?.selector?.matchLabels ?? {};
}

/** Whether a Deployment makes pods that a selector selects. */
export function selectsPodsOf(selector: Labels, deployment: LiveObject): boolean {
  const { template } = deployment["spec"] as { template?: { metadata?: { labels?: Labels } } };
  return selects(selector, template?.metadata?.labels);
}

/** Whether a pod is one of those that a selector selects, and has not ended or is on its way out. */
export function isSelected(pod: LiveObject, selector: Labels): boolean {
  const { metadata } = pod;
  return metadata.deletionTimestamp === undefined && !hasEnded(pod) && selects(selector, metadata.labels);
}

/**
 * An evicted pod, or one whose node was shut down, stays as an object for hours: its Deployment has made another one, and
 * its conditions are those of its last moment.
 */
function hasEnded(pod: LiveObject): boolean {
  const { phase } = (pod["status"] ?? {}) as { phase?: string };
  return phase === "Failed" || phase === "Succeeded";
}

/** A selector that asks for nothing selects nobody here: whose pods it means is not known. */
function selects(selector: Labels, labels: Labels = {}): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

export function conditionOf(pod: LiveObject, type: string): Condition | undefined {
  const { conditions = [] } = (pod["status"] ?? {}) as { conditions?: Condition[] };
  return conditions.find((condition) => condition.type === type);
}

export const isReady = (pod: LiveObject): boolean => conditionOf(pod, "Ready")?.status === "True";
