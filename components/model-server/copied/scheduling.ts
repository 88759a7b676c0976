import {
  selectorText,
  selectsLabels,
  type NodeTerm,
  type PodAffinity,
  type PodSpec,
  type PodTerm,
  type Unusable,
} from "./pod";

/*
 * What ties a pod to the nodes that it ran on. A copy runs on other nodes, so all of that is left out: a selector or an
 * affinity that the new nodes do not meet would leave every pod Pending beside nodes that are paid for.
 */

/** Whose nodes the copy runs on. */
export interface NodeOwner {
  /**
   * own: created for this pool alone, with GKE's labels, this pool's label and no others. gke-labels: created outside this
   * stack and chosen by GKE's labels of the accelerator. named-labels: the same, chosen by labels that the config names.
   */
  nodes: "own" | "gke-labels" | "named-labels";
}

export interface Left {
  /** What was left behind, in words. */
  left: string[];
  /** What can neither be kept nor left behind. */
  unusable: Unusable[];
}

/** Labels that every node of a cluster has with one value. */
const everywhere =
  /^(kubernetes\.io\/os|beta\.kubernetes\.io\/os|(topology|failure-domain\.beta)\.kubernetes\.io\/region)$/;

/** Labels by which nodes differ: machine type, accelerator, provisioning, node pool, place. */
const nodeKinds = new RegExp(
  [
    "^cloud\\.google\\.com/(gke-(accelerator|gpu|tpu|nodepool|spot|preemptible|provisioning|flex-start|queued|dws|max-shared|ephemeral|placement)|compute-class|machine-|reservation-|placement-|gce-topology)",
    "^(nvidia\\.com|gpu\\.nvidia\\.com|google\\.com/tpu|feature\\.node\\.kubernetes\\.io|topology\\.gke\\.io)",
    "^(node|beta)\\.kubernetes\\.io/instance-type$",
    "^(beta\\.)?kubernetes\\.io/arch$",
    "^kubernetes\\.io/hostname$",
    "^(topology|failure-domain\\.beta)\\.kubernetes\\.io/zone$",
  ].join("|"),
);

/** Annotations that request interfaces or devices of certain nodes. */
const deviceAnnotations = /^(networking|devices)\.gke\.io\//;

/** Takes out of a pod what chooses nodes. @param labels of the copied pods: what selects them means themselves. */
export function leaveNodes(
  pod: PodSpec,
  labels: Readonly<Record<string, string>>,
  { nodes }: NodeOwner,
): Left {
  const left: string[] = [];
  const unusable: Unusable[] = [];
  const chooses = (key: string, text: string): void => {
    if (nodes === "gke-labels" && !nodeKinds.test(key)) {
      unusable.push({
        what: `${text} selects nodes created outside this stack: list all labels of the pool's nodes in nodeLabels`,
        set: { field: "nodeLabels[0]", value: "KEY=VALUE" },
      });
    } else left.push(text);
  };

  const selector = Object.entries(pod.nodeSelector ?? {});
  for (const [key, value] of selector.filter(([key]) => !everywhere.test(key)))
    chooses(key, `nodeSelector ${key}=${value}`);
  pod.nodeSelector = Object.fromEntries(selector.filter(([key]) => everywhere.test(key)));

  if (pod.nodeName !== undefined) left.push(`nodeName ${pod.nodeName}`);
  Reflect.deleteProperty(pod, "nodeName");

  const node = pod.affinity?.nodeAffinity;
  const terms = [
    ...(node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []),
    ...(node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ preference }) => preference),
  ];
  for (const { key, text } of terms.flatMap(expressionsOf)) chooses(key, `nodeAffinity ${text}`);

  pod.tolerations = (pod.tolerations ?? []).filter(({ key = "", value }) => {
    // A toleration without a key tolerates everything, and one of a node's condition chooses no node.
    const stays =
      key === "" || key.startsWith("node.kubernetes.io/") || (nodes === "gke-labels" && !nodeKinds.test(key));
    if (!stays) left.push(`toleration ${key}${value === undefined ? "" : `=${value}`}`);
    return stays;
  });

  for (const { topologyKey, labelSelector } of pod.topologySpreadConstraints ?? [])
    left.push(`topologySpreadConstraint of ${selectorText(labelSelector)} over ${topologyKey}`);
  Reflect.deleteProperty(pod, "topologySpreadConstraints");

  const affinity = {
    ...kept("podAffinity", pod.affinity?.podAffinity, labels, left, unusable),
    ...kept("podAntiAffinity", pod.affinity?.podAntiAffinity, labels, left, unusable),
  };
  if (Object.keys(affinity).length === 0) Reflect.deleteProperty(pod, "affinity");
  else pod.affinity = affinity;
  return { left, unusable };
}

function expressionsOf({
  matchExpressions = [],
  matchFields = [],
}: NodeTerm): { key: string; text: string }[] {
  return [...matchExpressions, ...matchFields].map(({ key, operator, values = [] }) => ({
    // A field is the node's name.
    key: key === "metadata.name" ? "kubernetes.io/hostname" : key,
    text: `${key} ${operator}${values.length === 0 ? "" : ` [${values.join(", ")}]`}`,
  }));
}

/**
 * How pods stand to others. What a pod requires of its own kind is left out: on larger nodes several replicas share
 * one. New nodes cannot promise pods of another kind beside it.
 */
function kept(
  field: "podAffinity" | "podAntiAffinity",
  affinity: PodAffinity | undefined,
  labels: Readonly<Record<string, string>>,
  left: string[],
  unusable: Unusable[],
): Partial<Record<typeof field, PodAffinity>> {
  if (affinity === undefined) return {};
  const toItself = ({ labelSelector, topologyKey }: PodTerm): boolean => {
    const own = selectsLabels(labelSelector, labels);
    if (own)
      left.push(`${field} to pods of the same kind (${selectorText(labelSelector)}) over ${topologyKey}`);
    return own;
  };
  const required = (affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []).filter(
    (term) => !toItself(term),
  );
  const preferred = (affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).filter(
    ({ podAffinityTerm }) => !toItself(podAffinityTerm),
  );
  if (field === "podAffinity") {
    for (const { labelSelector, topologyKey } of required)
      unusable.push({
        what: `podAffinity requires ${selectorText(labelSelector)} in the same ${topologyKey}, and new nodes do not run those pods`,
      });
  }
  if (required.length + preferred.length === 0) return {};
  return {
    [field]: {
      ...(required.length === 0 ? {} : { requiredDuringSchedulingIgnoredDuringExecution: required }),
      ...(preferred.length === 0 ? {} : { preferredDuringSchedulingIgnoredDuringExecution: preferred }),
    },
  };
}

/** Annotations of a pod without those that request interfaces or devices of certain nodes. */
export function leaveDevices(annotations: Readonly<Record<string, string>>): {
  annotations: Record<string, string>;
  left: string[];
} {
  const entries = Object.entries(annotations);
  return {
    annotations: Object.fromEntries(entries.filter(([key]) => !deviceAnnotations.test(key))),
    left: entries.filter(([key]) => deviceAnnotations.test(key)).map(([key]) => `annotation ${key}`),
  };
}
