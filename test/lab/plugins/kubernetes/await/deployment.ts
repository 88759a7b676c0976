import { annotation, isOwnedBy, listAt, nameOf, numberAt, textAt, type KubeObject } from "../api/objects";
import { podWarnings } from "./pods";
import type { Look } from "./wait";

const revisionKey = "deployment.kubernetes.io/revision";

/** A Deployment and what belongs to it, at one moment. */
export interface DeploymentView {
  deployment: KubeObject;
  /** Of the namespace; those of others are left aside. */
  replicaSets: readonly KubeObject[];
  pods: readonly KubeObject[];
  claims: readonly KubeObject[];
  /** The Deployment before this update; absent for a new one. */
  before?: KubeObject;
}

export interface DeploymentReport extends Look {
  /** What is wrong, if waiting ended now. */
  reasons: readonly string[];
}

/**
 * Whether a Deployment has become what it should: its controller has seen this generation, it is Available, and
 * the ReplicaSet of its revision has its pods ready; from the second revision on that ReplicaSet must also be
 * announced as available. Source: pulumi-kubernetes, provider/pkg/await/deployment.go.
 */
export function deploymentReport(view: DeploymentView): DeploymentReport {
  const { deployment, before } = view;
  const name = nameOf(deployment);
  const generation = numberAt(deployment, "metadata", "generation") ?? 0;
  const observed = numberAt(deployment, "status", "observedGeneration") === generation;
  const revision = annotation(deployment, revisionKey);
  const conditions = listAt(deployment, "status", "conditions");
  const condition = (type: string): KubeObject | undefined =>
    conditions.find((one) => textAt(one, "type") === type) as KubeObject | undefined;
  const isTrue = (type: string): boolean => textAt(condition(type), "status") === "True";
  const available = isTrue("Available");
  const announced =
    isTrue("Progressing") && textAt(condition("Progressing"), "reason") === "NewReplicaSetAvailable";

  const replicaSet = view.replicaSets.find(
    (one) => isOwnedBy(one, deployment) && annotation(one, revisionKey) === revision && revision !== "",
  );
  const wanted = numberAt(replicaSet, "spec", "replicas") ?? 1;
  const ready = numberAt(replicaSet, "status", "readyReplicas");
  const enough = ready === undefined ? wanted === 0 : ready >= wanted;
  const lastRevision = before === undefined ? "" : annotation(before, revisionKey);
  const rollsOut = before === undefined || revision !== lastRevision;
  const replicaSetReady = replicaSet !== undefined && enough && (!rollsOut || lastRevision !== revision);
  const unbound = unboundClaims(view);

  const first = revision === "1";
  const done = observed && available && replicaSetReady && (first || announced) && unbound.length === 0;
  const failed = ["Progressing", "Available"]
    .map(condition)
    .filter((one) => one !== undefined && textAt(one, "status") !== "True")
    .map((one) => `[${textAt(one, "reason")}] ${textAt(one, "message")}`);
  const report = {
    done,
    reasons: [
      ...failed,
      ...(unbound.length > 0 ? [`Failed to bind PersistentVolumeClaim(s): "${unbound.join(",")}"`] : []),
      ...shortfall({ available, announced, replicaSetReady, first }),
      ...(replicaSet === undefined ? [] : podWarnings(view.pods, replicaSet)),
    ],
  };
  if (done) {
    if (wanted === 0)
      return { ...report, message: `Replicas scaled to 0 for Deployment "${name}"`, severity: "warning" };
    return { ...report, message: "✅ Deployment initialization complete" };
  }
  if (failed[0] !== undefined && observed) return { ...report, message: failed[0], severity: "warning" };
  if (replicaSet === undefined) return report;
  return {
    ...report,
    message: `Waiting for app ReplicaSet to be available (${ready ?? 0}/${wanted} Pods available)`,
  };
}

function shortfall(state: {
  available: boolean;
  announced: boolean;
  replicaSetReady: boolean;
  first: boolean;
}): string[] {
  if (!state.available) return ["Minimum number of live Pods was not attained"];
  if (!state.first && !state.announced)
    return ["Minimum number of Pods to consider the application live was not attained"];
  if (state.replicaSetReady) return [];
  return [
    state.first
      ? "Minimum number of Pods to consider the application live was not attained"
      : "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live",
  ];
}

function unboundClaims({ deployment, claims }: DeploymentView): string[] {
  const used = listAt(deployment, "spec", "template", "spec", "volumes").map((volume) =>
    textAt(volume, "persistentVolumeClaim", "claimName"),
  );
  return claims
    .filter((claim) => used.includes(nameOf(claim)) && textAt(claim, "status", "phase") !== "Bound")
    .map(nameOf);
}
