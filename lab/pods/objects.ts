import type {
  V1ConfigMap,
  V1Container,
  V1ContainerPort,
  V1DownwardAPIVolumeFile,
  V1EnvVar,
  V1HTTPGetAction,
  V1KeyToPath,
  V1LifecycleHandler,
  V1Node,
  V1Pod,
  V1PodSpec,
  V1Probe,
  V1Secret,
  V1ServiceAccountTokenProjection,
  V1Volume,
  V1VolumeProjection,
} from "@kubernetes/client-node";

/** An API object as it is in JSON. The client's own types are classes with dates; JSON has neither. */
export type Plain<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;

export type Pod = Plain<V1Pod>;
export type PodSpec = Plain<V1PodSpec>;
export type Container = Plain<V1Container>;
export type ContainerPort = Plain<V1ContainerPort>;
export type EnvVar = Plain<V1EnvVar>;
export type Probe = Plain<V1Probe>;
export type HttpGetAction = Plain<V1HTTPGetAction>;
export type LifecycleHandler = Plain<V1LifecycleHandler>;
export type Volume = Plain<V1Volume>;
export type VolumeProjection = Plain<V1VolumeProjection>;
export type TokenProjection = Plain<V1ServiceAccountTokenProjection>;
export type DownwardFile = Plain<V1DownwardAPIVolumeFile>;
export type KeyToPath = Plain<V1KeyToPath>;
export type Node = Plain<V1Node>;
export type ConfigMap = Plain<V1ConfigMap>;
export type Secret = Plain<V1Secret>;

export function identify({ metadata }: Pick<Pod, "metadata">): {
  namespace: string;
  name: string;
  uid: string;
} {
  return { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "", uid: metadata?.uid ?? "" };
}

/** Where the API server has the pod. */
export function pathOf(pod: Pod): string {
  const { namespace, name } = identify(pod);
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}

/** "namespace/name" of a pod. */
export function nameOf(pod: Pod): string {
  const { namespace, name } = identify(pod);
  return `${namespace}/${name}`;
}
