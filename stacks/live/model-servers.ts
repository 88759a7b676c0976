import type { ClusterReader, LiveObject } from "./cluster-reader";

/*
 * What stands behind an InferencePool: Deployments, and where a replica takes several machines LeaderWorkerSets. Both
 * are told in a Deployment's words, so that whoever counts replicas need not know which it is.
 */

export const deploymentsPath = (namespace: string): string =>
  `/apis/apps/v1/namespaces/${namespace}/deployments`;

/**
 * @param groups whether there can be LeaderWorkerSets: clusters without them need not be asked, and whoever may not
 *   list them need not be given the right.
 */
export async function modelServersIn(
  reader: ClusterReader,
  namespace: string,
  groups: boolean,
): Promise<LiveObject[]> {
  const [deployments, sets] = await Promise.all([
    reader.list(deploymentsPath(namespace)),
    groups ? reader.list(`/apis/leaderworkerset.x-k8s.io/v1/namespaces/${namespace}/leaderworkersets`) : [],
  ]);
  return [...deployments, ...sets.map(asDeployment)];
}

interface GroupSpec {
  replicas?: number;
  leaderWorkerTemplate?: { leaderTemplate?: unknown; workerTemplate?: unknown };
}

interface GroupStatus {
  observedGeneration?: number;
  readyReplicas?: number;
  updatedReplicas?: number;
}

/** The leader is the pod that answers. Earlier versions of LeaderWorkerSet do not say which generation they saw. */
function asDeployment(set: LiveObject): LiveObject {
  const { replicas, leaderWorkerTemplate } = (set["spec"] ?? {}) as GroupSpec;
  const status = (set["status"] ?? {}) as GroupStatus;
  return {
    ...set,
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      template: leaderWorkerTemplate?.leaderTemplate ?? leaderWorkerTemplate?.workerTemplate,
    },
    status: { ...status, observedGeneration: status.observedGeneration ?? set.metadata.generation },
  };
}
