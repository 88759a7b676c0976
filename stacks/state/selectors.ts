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

/** Whether a pod is one of those that a selector selects, and is not on its way out. */
export function isSelected({ metadata }: LiveObject, selector: Labels): boolean {
  return metadata.deletionTimestamp === undefined && selects(selector, metadata.labels);
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
