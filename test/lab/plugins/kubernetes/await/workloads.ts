import { isOwnedBy, listAt, numberAt, textAt, type KubeObject } from "../api/objects";
import { podReport, podWarnings, shortName } from "./pods";
import { notInitialized } from "./errors";
import type { Look } from "./wait";

export interface WorkloadReport extends Look {
  reasons: readonly string[];
}

/** Source: pulumi-kubernetes, provider/pkg/await/statefulset.go. */
export function statefulSetReport(set: KubeObject, pods: readonly KubeObject[]): WorkloadReport {
  const generation = numberAt(set, "metadata", "generation") ?? 0;
  const observed = numberAt(set, "status", "observedGeneration") ?? 0;
  const wanted = numberAt(set, "spec", "replicas") ?? 0;
  const count = (field: string): number => numberAt(set, "status", field) ?? 0;
  const current = textAt(set, "status", "currentRevision");
  const update = textAt(set, "status", "updateRevision");
  const seen = observed >= generation;
  const onDelete = generation > 1 && textAt(set, "spec", "updateStrategy", "type") === "OnDelete";
  const revisionReady = seen && (onDelete || (current !== "" && current === update));
  const allReady = wanted === count("replicas") && wanted === count("readyReplicas");
  const replicasReady = seen && allReady && (onDelete || wanted === count("currentReplicas"));
  const ready = revisionReady
    ? count("readyReplicas")
    : Math.min(count("readyReplicas"), count("updatedReplicas"));
  const reasons = [
    ...(replicasReady ? [] : [`${ready} out of ${wanted} replicas succeeded readiness checks`]),
    ...(revisionReady
      ? []
      : [`StatefulSet controller failed to advance from revision "${current}" to revision "${update}"`]),
    ...podWarnings(pods, set),
  ];
  if (replicasReady && revisionReady)
    return { done: true, reasons: [], message: "✅ StatefulSet initialization complete" };
  if (generation <= 1)
    return {
      done: false,
      reasons,
      message: `[1/2] Waiting for StatefulSet to create Pods (${ready}/${wanted} Pods ready)`,
    };
  const message = replicasReady
    ? "[2/3] Waiting for StatefulSet to update .status.currentRevision"
    : `[1/3] Waiting for StatefulSet update to roll out (${ready}/${wanted} Pods ready)`;
  return { done: false, reasons, message };
}

/** Source: sigs.k8s.io/cli-utils kstatus for DaemonSets, which the real provider asks. */
export function daemonSetReport(set: KubeObject, pods: readonly KubeObject[]): WorkloadReport {
  const count = (field: string): number => numberAt(set, "status", field) ?? 0;
  const reasons = podWarnings(pods, set);
  const wait = (message: string): WorkloadReport => ({ done: false, reasons, message });
  const generation = numberAt(set, "metadata", "generation") ?? 0;
  if ((numberAt(set, "status", "observedGeneration") ?? 0) < generation)
    return wait(
      `DaemonSet generation is ${generation}, but latest observed generation is ${count("observedGeneration")}`,
    );
  const wanted = numberAt(set, "status", "desiredNumberScheduled");
  if (wanted === undefined) return wait("Missing .status.desiredNumberScheduled");
  const steps: [string, string][] = [
    ["currentNumberScheduled", "Current"],
    ["updatedNumberScheduled", "Updated"],
    ["numberAvailable", "Available"],
    ["numberReady", "Ready"],
  ];
  for (const [field, word] of steps)
    if (wanted > count(field)) return wait(`${word}: ${count(field)}/${wanted}`);
  return { done: true, reasons: [], message: `✅ All replicas scheduled as expected. Replicas: ${wanted}` };
}

export function podLook(pod: KubeObject): WorkloadReport {
  const { ready, waitingFor, warning } = podReport(pod);
  return {
    done: ready,
    reasons: warning === undefined ? [] : [warning],
    ...(ready ? {} : { message: warning ?? waitingFor }),
  };
}

/** Source: pulumi-kubernetes, provider/pkg/await/checker/job. A Job that has failed for good ends the waiting. */
export function jobReport(job: KubeObject, pods: readonly KubeObject[]): WorkloadReport {
  const name = shortName(job);
  const condition = (type: string): KubeObject | undefined =>
    listAt(job, "status", "conditions").find(
      (one) => textAt(one, "type") === type && textAt(one, "status") === "True",
    ) as KubeObject | undefined;
  const warnings = podWarnings(
    pods.filter((pod) => isOwnedBy(pod, job)),
    job,
  );
  if (condition("Complete") !== undefined) return { done: true, reasons: [] };
  const failed = condition("Failed");
  if (
    failed !== undefined &&
    ["BackoffLimitExceeded", "DeadlineExceeded"].includes(textAt(failed, "reason"))
  ) {
    const reasons = [`[${textAt(failed, "reason")}] ${textAt(failed, "message")}`, ...warnings];
    return { done: false, reasons, failure: notInitialized(job, reasons) };
  }
  if (textAt(job, "status", "startTime") === "")
    return { done: false, reasons: warnings, message: `Waiting for Job "${name}" to start` };
  const count = (field: string): number => numberAt(job, "status", field) ?? 0;
  const progress = `(Active: ${count("active")} | Succeeded: ${count("succeeded")} | Failed: ${count("failed")})`;
  return { done: false, reasons: warnings, message: `Waiting for Job "${name}" to succeed ${progress}` };
}
