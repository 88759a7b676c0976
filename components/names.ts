import { createHash } from "node:crypto";

/**
 * Names that two objects must agree on, and their limits. No name depends on a pool's role or the weight: otherwise a
 * promotion would replace what customers are connected to.
 */

/** The condition by which a pod says which adapters it has loaded. */
export const adaptersCondition = "inference-rollout/adapters";

/** Prefix of this project's labels and annotations. */
export const domain = "inference-rollout";

export const labels = {
  /** The service (stack) an object belongs to. */
  service: `${domain}/service`,
  /** The pool an object belongs to; on nodes too, where model servers look for it. */
  pool: `${domain}/pool`,
  /** The Pulumi stack that made a namespace. */
  stack: `${domain}/stack`,
  managedBy: "app.kubernetes.io/managed-by",
} as const;

export const annotations = {
  /** On an InferencePool: what it was made as and must not change in place, as JSON. */
  identity: `${domain}/identity`,
  /** On a model server: the pod template, created outside this stack, that it was copied from, as JSON. */
  template: `${domain}/template`,
  /** On everything that this program makes: which stack owns it, as JSON. */
  owner: `${domain}/owner`,
  /** On a model server's pods: changes with the secrets among its arguments, which the pods do not contain. */
  secrets: `${domain}/secrets`,
  /** On the customers' route: its deletion was allowed for one update. */
  deletable: `${domain}/deletable`,
  /** On the customers' route: the shares that were written with it, in percent by pool, as JSON. */
  weights: `${domain}/weights`,
  /** On the customers' route: how often it was moved. */
  moves: `${domain}/moves`,
  /** On the customers' route: candidates that were rolled back, as JSON. */
  latched: `${domain}/latched`,
  /** On the customers' route: what it was before this stack took it over, as JSON. */
  takenOver: `${domain}/taken-over`,
  /** On the customers' route: the sizes at which pools created outside this stack carried traffic, as JSON. */
  carried: `${domain}/carried`,
  /**
   * On a customers' route created outside this stack, whose rules, hostnames and parents stay its owner's: a digest of
   * them, without the backends that are this service's pools.
   */
  shape: `${domain}/shape`,
  /** On such a route: the generation from which its rules were last written; see ShapeGuard. */
  writtenFrom: `${domain}/written-from`,
  /** On such a route: the backends that were replaced when it was taken over, by rule, as JSON. */
  found: `${domain}/found`,
  /** On a model server copied from pods created outside this stack: what was copied from where, as JSON. */
  copied: `${domain}/copied`,
} as const;

/** In what the cluster's guards of the customers' route say: the write was made from what is no longer there. */
export const overtaken = "while this update ran";

export const managedBy = "gke-inference-rollout";

/** Kubernetes' limit for label values and for names of Services. */
export const maxLabel = 63;
/** GKE's limit for names of node pools is 40; one is kept in reserve as the provider does. */
export const maxNodePoolName = 39;
/** So that `<pool>-epp` and what Kubernetes derives from a Deployment's name stay below 63. */
export const maxPoolName = 40;
/** So that `<service>-<pool>` is a namespace. */
export const maxServiceName = 20;

/** The customers' route where the config names none (`route`): the resolved config has the name that counts. */
export const defaultRouteName = (service: string): string => `routes-to-${service}`;
export const previewRouteName = (service: string): string => `preview-of-${service}`;
export const closedPathsName = (service: string): string => `closed-paths-of-${service}`;
export const pickerName = (pool: string): string => `${pool}-epp`;
export const poolNamespace = (service: string, pool: string): string => `${service}-${pool}`;

/*
 * Names of what belongs to no namespace. They are not unambiguous (prod + eu-llm is prod-eu + llm), and stay, because
 * another name would be another object: whoever is about to make one looks whose the one of that name is.
 */
export const trafficGuardName = (namespace: string, service: string): string =>
  `${namespace}-${service}-traffic-guard`;
export const shapeGuardName = (namespace: string, service: string): string =>
  `${namespace}-${service}-route-shape`;
export const moveGuardName = (namespace: string, service: string): string =>
  `${namespace}-${service}-route-moves`;
export const metricsName = (pool: string): string => `${pool}-metrics`;
export const metricsReaderName = (namespace: string, pool: string): string =>
  `${namespace}-${metricsName(pool)}`;
export const pickerReviewerName = (namespace: string, pool: string): string =>
  `${namespace}-${pickerName(pool)}-reviewer`;

/** The name that a version of an adapter is loaded under. */
export const servedName = (adapter: string, version: string): string => `${adapter}-${version}`;
/** The InferenceModelRewrite of a pool: names of objects are unique in a namespace, which pools may share. */
export const rewriteName = (pool: string): string => `${pool}-names`;
/** What a pool's model servers have to load (ConfigMap), and who tells whether they have (ServiceAccount, Role). */
export const adapterListName = (pool: string): string => `${pool}-adapters`;

/** The Secret with a pool's secret server arguments. */
export const secretArgsName = (pool: string): string => `${pool}-arguments`;

/** The Secret with the token for gated models, in the namespace of the pool whose model servers read it. */
export const tokenSecretName = (pool: string): string => `${pool}-hugging-face`;

/** The pool that an object is made for: every component of a pool takes these. */
export interface PoolRef {
  /** Name of the inference service, as a label value: at most {@link maxServiceName} characters. */
  service: string;
  /** Name of the InferencePool, which everything made for the pool is named after: at most {@link maxPoolName} characters. */
  pool: string;
  /** Namespace of the InferencePool, where all of it lives. */
  namespace: string;
}

/** Label value that ties a pool's pods to the pool's nodes; unique among the services of a cluster. */
export const nodeLabel = (service: string, pool: string): string => `${service}.${pool}`;

/** Labels of everything that is made for a pool. */
export const poolLabels = (service: string, pool: string): Record<string, string> => ({
  [labels.managedBy]: managedBy,
  [labels.service]: service,
  [labels.pool]: pool,
});

/** What an InferencePool selects its model servers by. */
export const podSelector = (pool: string): Record<string, string> => ({ app: pool });

/** API groups and versions in one place: the extension's move between groups must be one edit. */
export const apis = {
  gateway: "gateway.networking.k8s.io",
  pool: "inference.networking.k8s.io",
  /** InferenceObjective and InferenceModelRewrite, up to v1.5 of the extension. */
  extension: "inference.networking.x-k8s.io",
} as const;

/** A stack as a label value; long names end in a hash. */
export function stackLabel(project: string, stack: string): string {
  const plain = `${project}.${stack}`.replace(/[^A-Za-z0-9._-]/g, "-");
  if (plain.length <= maxLabel) return plain;
  const digest = createHash("sha256").update(plain).digest("hex").slice(0, 8);
  return `${plain.slice(0, maxLabel - 9)}-${digest}`;
}
