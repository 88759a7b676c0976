import { tokenVariable } from "../../components/model-server/pod-settings";
import { labels, tokenSecretName } from "../../components/names";
import type { ObservedPods } from "../plan/observed";
import type { ClusterReader, LiveObject } from "./cluster-reader";

/*
 * What stands behind an InferencePool. A pool of ours has a Deployment, or where a replica takes several machines a
 * LeaderWorkerSet; a pool of others may have a StatefulSet too. All are told in a Deployment's words, so that whoever
 * counts replicas need not know which it is; `kind` says it.
 */

/** Which kinds can be there: those that cannot need not be asked for, and nobody needs the right to list them. */
export interface WorkloadKinds {
  groups: boolean;
  statefulSets: boolean;
}

/** What pools of others may be made of. */
export const everyKind: WorkloadKinds = { groups: true, statefulSets: true };

const apps = (namespace: string, kinds: string): string => `/apis/apps/v1/namespaces/${namespace}/${kinds}`;

export const deploymentsPath = (namespace: string): string => apps(namespace, "deployments");

/** Workloads of a namespace, each with its kind: the items of a list do not say theirs. */
export async function modelServersIn(
  reader: ClusterReader,
  namespace: string,
  { groups, statefulSets }: WorkloadKinds,
): Promise<LiveObject[]> {
  const [deployments, stateful, sets] = await Promise.all([
    reader.list(deploymentsPath(namespace)),
    statefulSets ? reader.list(apps(namespace, "statefulsets")) : [],
    groups ? reader.list(`/apis/leaderworkerset.x-k8s.io/v1/namespaces/${namespace}/leaderworkersets`) : [],
  ]);
  return [
    ...deployments.map((object) => ({ ...object, kind: "Deployment" })),
    ...stateful.map((object) => ({ ...object, kind: "StatefulSet" })),
    ...sets.map(asDeployment),
  ];
}

interface GroupSpec {
  replicas?: number;
  leaderWorkerTemplate?: { leaderTemplate?: Template; workerTemplate?: Template; size?: number };
}

interface Template {
  metadata?: { labels?: Record<string, string> };
}

interface GroupStatus {
  observedGeneration?: number;
  readyReplicas?: number;
  updatedReplicas?: number;
}

interface PodSpec {
  nodeSelector?: Record<string, string>;
  containers?: { env?: { name: string; valueFrom?: { secretKeyRef?: { name?: string } } }[] }[];
}

/** What the template of this stack's own model servers says of how they were made; undefined where it has no pods. */
export function podsOf({ metadata, spec }: LiveObject): ObservedPods | undefined {
  const { template } = (spec ?? {}) as { template?: { spec?: PodSpec } };
  if (template?.spec === undefined) return undefined;
  const { nodeSelector = {}, containers = [] } = template.spec;
  const secret = tokenSecretName(metadata.name);
  return {
    token: containers.some(({ env = [] }) =>
      env.some(({ name, valueFrom }) => name === tokenVariable && valueFrom?.secretKeyRef?.name === secret),
    ),
    ownNodes: labels.pool in nodeSelector,
  };
}

/** Prefix of the labels that LeaderWorkerSet's controller gives to pods; templates have none of them. */
export const groupLabels = "leaderworkerset.sigs.k8s.io/";

/** The leader is the pod that answers. Earlier versions of LeaderWorkerSet do not say which generation they saw. */
function asDeployment(set: LiveObject): LiveObject {
  const { replicas, leaderWorkerTemplate } = (set["spec"] ?? {}) as GroupSpec;
  const status = (set["status"] ?? {}) as GroupStatus;
  const template = leaderWorkerTemplate?.leaderTemplate ?? leaderWorkerTemplate?.workerTemplate;
  // Pools select leaders by what the controller adds to their labels.
  const added = { [`${groupLabels}name`]: set.metadata.name, [`${groupLabels}worker-index`]: "0" };
  const metadata = { ...template?.metadata, labels: { ...template?.metadata?.labels, ...added } };
  return {
    ...set,
    kind: "LeaderWorkerSet",
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      template: { ...template, metadata },
      size: leaderWorkerTemplate?.size ?? 1,
    },
    status: { ...status, observedGeneration: status.observedGeneration ?? set.metadata.generation },
  };
}
