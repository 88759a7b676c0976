import type { PodTemplate } from "../pod-template";

/*
 * A pod template as the API server returns it: plain values. Only the fields that this program reads have a type;
 * all others stay as they are.
 */

export interface Reference {
  name?: string;
  key?: string;
  optional?: boolean;
}

export interface Container {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: {
    name: string;
    value?: string;
    valueFrom?: {
      secretKeyRef?: Reference;
      configMapKeyRef?: Reference;
      fieldRef?: { fieldPath: string };
    };
  }[];
  envFrom?: { secretRef?: Reference; configMapRef?: Reference }[];
  ports?: { name?: string; containerPort: number; hostPort?: number }[];
  resources?: {
    limits?: Record<string, string | number>;
    requests?: Record<string, string | number>;
    claims?: unknown[];
  };
  lifecycle?: { preStop?: unknown };
}

export interface Volume {
  name: string;
  secret?: { secretName?: string; optional?: boolean; items?: { key: string }[] };
  configMap?: { name?: string; optional?: boolean; items?: { key: string }[] };
  persistentVolumeClaim?: { claimName: string };
  projected?: {
    sources?: {
      secret?: Reference & { items?: { key: string }[] };
      configMap?: Reference & { items?: { key: string }[] };
    }[];
  };
  csi?: {
    driver: string;
    nodePublishSecretRef?: Reference;
    volumeAttributes?: Record<string, string>;
  };
  gcePersistentDisk?: { pdName: string; readOnly?: boolean };
  [kind: string]: unknown;
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export interface PodTerm {
  labelSelector?: LabelSelector;
  topologyKey: string;
  namespaces?: string[];
}

export interface NodeTerm {
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
  matchFields?: { key: string; operator: string; values?: string[] }[];
}

export interface PodAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: PodTerm[];
  preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; podAffinityTerm: PodTerm }[];
}

export interface Affinity {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: NodeTerm[] };
    preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; preference: NodeTerm }[];
  };
  podAffinity?: PodAffinity;
  podAntiAffinity?: PodAffinity;
}

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  nodeSelector?: Record<string, string>;
  nodeName?: string;
  affinity?: Affinity;
  tolerations?: Toleration[];
  topologySpreadConstraints?: { labelSelector?: LabelSelector; topologyKey: string }[];
  serviceAccountName?: string;
  serviceAccount?: string;
  priorityClassName?: string;
  runtimeClassName?: string;
  imagePullSecrets?: Reference[];
  resourceClaims?: { name: string }[];
  schedulingGates?: { name: string }[];
  hostNetwork?: boolean;
  terminationGracePeriodSeconds?: number;
}

/** Why pods cannot be run as they are, and the setting of the pool that would make it right where one would. */
export interface Unusable {
  what: string;
  set?: { field: string; value: string | number };
}

/** A copy of a template's pod, to be changed. */
export const podOf = ({ spec }: PodTemplate): PodSpec => structuredClone(spec) as unknown as PodSpec;

export const containersOf = ({ containers, initContainers = [] }: PodSpec): Container[] => [
  ...initContainers,
  ...containers,
];

/** Whether a label selector selects a pod with these labels. One that is empty selects every pod. */
export function selectsLabels(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (selector === undefined) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

/** What a label selector asks for, in words. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) =>
      `${key} ${operator} ${values.join(",")}`.trim(),
    ),
  ].join(" ");
}
