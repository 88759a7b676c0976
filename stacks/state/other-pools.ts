import type { ObservedAutoscaler, ObservedPool, ObservedWorkload } from "../plan/observed";
import { labels, managedBy } from "../../components/names";
import { ClusterUnreadable, type ClusterReader, type LiveObject } from "./cluster-reader";
import { isReady, isSelected, selectorOf, selectsPodsOf } from "./selectors";

/*
 * Pools of others: how large they are, by whatever makes their pods, and who sets that size.
 */

interface Autoscaler {
  target: string;
  autoscaler: ObservedAutoscaler;
}

/** What sizes the workloads of a namespace from outside this program. Whoever may not list them plans without knowing. */
export async function autoscalersIn(reader: ClusterReader, namespace: string): Promise<Autoscaler[]> {
  const listed = (path: string, needed: boolean): Promise<LiveObject[]> =>
    reader.list(path).catch((error: unknown) => {
      // Going back must not wait for the webhook of somebody's CRD.
      if (error instanceof ClusterUnreadable && (error.reason === "forbidden" || !needed)) return [];
      throw error;
    });
  const [scalers, scaled] = await Promise.all([
    listed(`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`, true),
    listed(`/apis/keda.sh/v1alpha1/namespaces/${namespace}/scaledobjects`, false),
  ]);
  const horizontal = ofHorizontal(scalers.filter(({ metadata }) => !isMade(metadata.labels)));
  // One that is paused has no HorizontalPodAutoscaler, and still owns the number.
  const paused = scaled
    .map(ofScaledObject)
    .filter(({ target }) => horizontal.every((one) => one.target !== target));
  return [...horizontal, ...paused];
}

/** An autoscaler of a pool's own (`autoscaling`) has the plan's number as its minimum. */
const isMade = (tags: Record<string, string> = {}): boolean => tags[labels.managedBy] === managedBy;

function ofScaledObject(object: LiveObject): Autoscaler {
  const { scaleTargetRef, maxReplicaCount } = object["spec"] as {
    scaleTargetRef?: { kind?: string; name?: string };
    maxReplicaCount?: number;
  };
  return {
    target: `${scaleTargetRef?.kind ?? "Deployment"}/${scaleTargetRef?.name ?? ""}`,
    autoscaler: {
      kind: "ScaledObject",
      name: object.metadata.name,
      ...(maxReplicaCount === undefined ? {} : { max: maxReplicaCount }),
    },
  };
}

function ofHorizontal(found: readonly LiveObject[]): Autoscaler[] {
  return found.map((object) => {
    const spec = object["spec"] as {
      scaleTargetRef?: { kind?: string; name?: string };
      maxReplicas?: number;
    };
    const scaled = ownersOf(object).find(({ kind }) => kind === "ScaledObject");
    return {
      target: `${spec.scaleTargetRef?.kind ?? ""}/${spec.scaleTargetRef?.name ?? ""}`,
      autoscaler: {
        ...(scaled === undefined
          ? { kind: "HorizontalPodAutoscaler", name: object.metadata.name }
          : { kind: "ScaledObject", name: scaled.name }),
        ...(spec.maxReplicas === undefined ? {} : { max: spec.maxReplicas }),
      },
    };
  });
}

/** Size of a pool of others: that of all workloads that make its pods, or of its pods where none does. */
export async function sizeOfOthers(
  reader: ClusterReader,
  pool: LiveObject,
  namespace: string,
  servers: readonly LiveObject[],
  autoscalers: readonly Autoscaler[],
): Promise<Pick<ObservedPool, "replicas" | "readyReplicas" | "workloads">> {
  const selector = selectorOf(pool);
  const behind = servers.filter((server) => selectsPodsOf(selector, server));
  if (behind.length === 0) {
    const pods = (await reader.list(`/api/v1/namespaces/${namespace}/pods`)).filter((pod) =>
      isSelected(pod, selector),
    );
    // A pool that nothing stands behind yet has no size to be held to.
    if (pods.length === 0) return { workloads: [] };
    return { replicas: pods.length, readyReplicas: pods.filter(isReady).length, workloads: [] };
  }
  return { ...sumOf(behind), workloads: behind.map((server) => workloadOf(server, autoscalers)) };
}

/** Replicas over all workloads behind a pool. */
export function sumOf(servers: readonly LiveObject[]): { replicas: number; readyReplicas: number } {
  const sum = (count: (server: LiveObject) => number): number =>
    servers.reduce((total, server) => total + count(server), 0);
  return { replicas: sum(asked), readyReplicas: sum(ready) };
}

const asked = ({ spec }: LiveObject): number => (spec as { replicas?: number } | undefined)?.replicas ?? 1;
const ready = ({ status }: LiveObject): number =>
  (status as { readyReplicas?: number } | undefined)?.readyReplicas ?? 0;

export function workloadOf(server: LiveObject, autoscalers: readonly Autoscaler[]): ObservedWorkload {
  const { kind = "Deployment", metadata } = server;
  const found = autoscalers.find(({ target }) => target === `${kind}/${metadata.name}`)?.autoscaler;
  const owner = ownerText(server);
  return {
    kind,
    name: metadata.name,
    replicas: asked(server),
    ...(found === undefined ? {} : { autoscaler: found }),
    ...(owner === undefined ? {} : { owner }),
  };
}

interface OwnerReference {
  kind: string;
  name: string;
}

export const ownersOf = ({ metadata }: LiveObject): OwnerReference[] =>
  (metadata as { ownerReferences?: OwnerReference[] }).ownerReferences ?? [];

/** Who would put an object back, in words: its controller's object, Argo CD, or Helm. */
function ownerText(object: LiveObject): string | undefined {
  const { labels = {}, annotations = {} } = object.metadata;
  const [owner] = ownersOf(object);
  if (owner !== undefined) return `${owner.kind} ${owner.name}`;
  const application =
    labels["argocd.argoproj.io/instance"] ?? annotations["argocd.argoproj.io/tracking-id"]?.split(":")[0];
  if (application !== undefined) return `Argo CD application ${application}`;
  const release = annotations["meta.helm.sh/release-name"];
  return release === undefined ? undefined : `Helm release ${release}`;
}
