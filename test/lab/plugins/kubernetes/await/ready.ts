import { messageOf } from "../../protocol/errors";
import { isProperties } from "../../protocol/values";
import {
  annotation,
  apiVersionOf,
  at,
  kindOf,
  listAt,
  namespaceOf,
  textAt,
  type KubeObject,
} from "../api/objects";
import { expectations, meets, type Verdict } from "../wait-for";
import { deploymentReport } from "./deployment";
import { cancelled, notInitialized, NotReady, timedOut } from "./errors";
import { waitFor, type Look, type Outcome, type WaitContext } from "./wait";
import { daemonSetReport, jobReport, podLook, statefulSetReport, type WorkloadReport } from "./workloads";

/** Asks whether an object is ready, with whatever else must be read for that. */
type Check = (context: WaitContext, object: KubeObject, before?: KubeObject) => Promise<WorkloadReport>;

/**
 * Kinds that the real provider waits for, as far as a lab has them. Left out on purpose: Services and Ingresses,
 * whose endpoints the lab's API server refuses; they are ready when they are written.
 */
const checks: Readonly<Record<string, Check>> = {
  "apps/v1/Deployment": async (context, deployment, before) => {
    const [replicaSets, pods] = await Promise.all([
      children(context, deployment, "apps/v1", "ReplicaSet"),
      children(context, deployment, "v1", "Pod"),
    ]);
    const volumes = listAt(deployment, "spec", "template", "spec", "volumes");
    const hasClaims = volumes.some((volume) => at(volume, "persistentVolumeClaim") !== undefined);
    const claims = hasClaims
      ? await context.client.list("v1", "PersistentVolumeClaim", namespaceOf(deployment))
      : [];
    return deploymentReport({
      deployment,
      replicaSets,
      pods,
      claims,
      ...(before === undefined ? {} : { before }),
    });
  },
  "apps/v1/StatefulSet": async (context, set) =>
    statefulSetReport(set, await children(context, set, "v1", "Pod")),
  "apps/v1/DaemonSet": async (context, set) =>
    daemonSetReport(set, await children(context, set, "v1", "Pod")),
  "batch/v1/Job": async (context, job) => jobReport(job, await children(context, job, "v1", "Pod")),
  "v1/Pod": (_context, pod) => Promise.resolve(podLook(pod)),
  "v1/PersistentVolumeClaim": claimReport,
  "v1/PersistentVolume": (_context, volume) =>
    Promise.resolve({
      done: ["Available", "Bound"].includes(textAt(volume, "status", "phase")),
      reasons: [],
    }),
  "v1/ResourceQuota": (_context, quota) =>
    Promise.resolve({
      done: JSON.stringify(at(quota, "spec", "hard")) === JSON.stringify(at(quota, "status", "hard")),
      reasons: [],
    }),
  // Not awaited by the real provider, which tries custom resources again instead until the API serves them.
  "apiextensions.k8s.io/v1/CustomResourceDefinition": (_context, definition) => {
    const { done } = meets(definition, { kind: "condition", type: "Established", status: "True" });
    return Promise.resolve({ done, reasons: [] });
  },
};

/** Kinds whose state a read judges as well, so that a refresh tells what is not ready. */
const judgedWhenRead = new Set([
  "apps/v1/Deployment",
  "apps/v1/StatefulSet",
  "apps/v1/DaemonSet",
  "batch/v1/Job",
  "v1/Pod",
]);

export function skipsAwait(inputs: KubeObject): boolean {
  return annotation(inputs, "pulumi.com/skipAwait") === "true";
}

/**
 * Waits until a written object is ready: by its annotation pulumi.com/waitFor, else as its kind demands, else not
 * at all. @throws NotReady with the object as it was last seen.
 */
export async function untilReady(
  context: WaitContext,
  inputs: KubeObject,
  written: KubeObject,
  before?: KubeObject,
): Promise<KubeObject> {
  if (skipsAwait(inputs)) return written;
  const wanted = expectationsOf(written);
  if (wanted !== undefined) {
    const look = (object: KubeObject): Look => firstUnmet(wanted.map((one) => meets(object, one)));
    const outcome = await waitFor(context, written, look);
    return settled(outcome, () => firstUnmetError(wanted.map((one) => meets(outcome.object, one))));
  }
  const check = checks[keyOf(written)];
  if (check === undefined) return written;
  let reasons: readonly string[] = [];
  const outcome = await waitFor(context, written, async (object) => {
    const report = await check(context, object, before);
    reasons = report.reasons;
    return report;
  });
  if (outcome.end === "timeout") throw timedOut(outcome.object, reasons);
  if (outcome.end === "cancelled") throw cancelled(outcome.object, reasons);
  return outcome.object;
}

/** Judges an object as it is, without waiting. @throws NotReady */
export async function assertReady(context: WaitContext, inputs: KubeObject, live: KubeObject): Promise<void> {
  const check = checks[keyOf(live)];
  if (check === undefined || !judgedWhenRead.has(keyOf(live)) || skipsAwait(inputs)) return;
  const report = await check(context, live);
  if (!report.done) throw notInitialized(live, report.reasons);
}

function keyOf(object: KubeObject): string {
  return `${apiVersionOf(object)}/${kindOf(object)}`;
}

function expectationsOf(written: KubeObject): ReturnType<typeof expectations> {
  try {
    return expectations(written);
  } catch (error) {
    // The object is there by now: what is wrong is its annotation.
    throw new NotReady(messageOf(error), written);
  }
}

function firstUnmet(verdicts: readonly Verdict[]): Look {
  const unmet = verdicts.find(({ done }) => !done);
  if (unmet === undefined) return { done: true };
  return { done: false, ...(unmet.message === undefined ? {} : { message: unmet.message }) };
}

function firstUnmetError(verdicts: readonly Verdict[]): string | undefined {
  return verdicts.find(({ done }) => !done)?.error;
}

function settled({ object, end }: Outcome, error: () => string | undefined): KubeObject {
  if (end === "done") return object;
  const otherwise = end === "timeout" ? "timed out waiting for the condition" : "context canceled";
  throw new NotReady(error() ?? otherwise, object);
}

function children(
  context: WaitContext,
  owner: KubeObject,
  apiVersion: string,
  kind: string,
): Promise<KubeObject[]> {
  const labels = at(owner, "spec", "selector", "matchLabels");
  const selector = isProperties(labels)
    ? Object.entries(labels)
        .map(([key, value]) => `${key}=${value as string}`)
        .join(",")
    : "";
  return context.client.list(apiVersion, kind, namespaceOf(owner), selector);
}

async function claimReport(
  context: WaitContext,
  claim: KubeObject,
  before?: KubeObject,
): Promise<WorkloadReport> {
  const phase = textAt(claim, "status", "phase");
  if (before !== undefined && phase === "Bound") return { done: true, reasons: [] };
  const name = textAt(claim, "spec", "storageClassName");
  const storageClass = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name } };
  const mode =
    name === "" ? "" : textAt(await context.client.get(storageClass).catch(() => ({})), "volumeBindingMode");
  return { done: phase === (mode === "WaitForFirstConsumer" ? "Pending" : "Bound"), reasons: [] };
}
