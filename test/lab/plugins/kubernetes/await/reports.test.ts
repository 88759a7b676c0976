import * as assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Properties } from "../../protocol/values";
import { deploymentReport, type DeploymentView } from "./deployment";
import { NotReady } from "./errors";
import { podReport } from "./pods";
import { daemonSetReport, jobReport, statefulSetReport } from "./workloads";

const condition = (type: string, status: string, reason = "", message = ""): Properties => ({
  type,
  status,
  reason,
  message,
});
const owned = (uid: string): Properties => ({ ownerReferences: [{ uid }] });

function deployment(more: {
  revision?: string;
  generation?: number;
  observed?: number;
  conditions?: Properties[];
}): Properties {
  const { revision = "1", generation = 1, observed = generation } = more;
  return {
    metadata: {
      name: "d",
      uid: "d",
      generation,
      annotations: { "deployment.kubernetes.io/revision": revision },
    },
    spec: { template: { spec: { volumes: [{ persistentVolumeClaim: { claimName: "claim" } }] } } },
    status: {
      observedGeneration: observed,
      conditions: more.conditions ?? [
        condition("Available", "True"),
        condition("Progressing", "True", "NewReplicaSetAvailable"),
      ],
    },
  };
}
const replicaSet = (revision: string, replicas: number, readyReplicas: number): Properties => ({
  metadata: {
    name: `d-${revision}`,
    uid: `rs-${revision}`,
    annotations: { "deployment.kubernetes.io/revision": revision },
    ...owned("d"),
  },
  spec: { replicas },
  status: { readyReplicas },
});
const pod = (owner: string, ...conditions: Properties[]): Properties => ({
  metadata: { name: "p", namespace: "ns", ...owned(owner) },
  status: {
    conditions,
    containerStatuses: [
      { name: "c", ready: false, state: { waiting: { reason: "CrashLoopBackOff", message: "back-off" } } },
    ],
  },
});
const view = (more: Partial<DeploymentView>): DeploymentView => ({
  deployment: deployment({}),
  replicaSets: [replicaSet("1", 2, 2)],
  pods: [],
  claims: [],
  ...more,
});

describe("Deployments", () => {
  test("ready with its controller, its conditions and its ReplicaSet", () => {
    assert.equal(deploymentReport(view({})).done, true);
    assert.equal(
      deploymentReport(view({ deployment: deployment({ generation: 2, observed: 1 }) })).done,
      false,
    );
    assert.equal(deploymentReport(view({ replicaSets: [] })).done, false);
    assert.equal(
      deploymentReport(view({ replicaSets: [{ ...replicaSet("1", 2, 2), metadata: { uid: "x" } }] })).done,
      false,
    );
    const short = deploymentReport(view({ replicaSets: [replicaSet("1", 2, 1)] }));
    assert.equal(short.message, "Waiting for app ReplicaSet to be available (1/2 Pods available)");
    assert.deepEqual(short.reasons, [
      "Minimum number of Pods to consider the application live was not attained",
    ]);
  });

  test("from the second revision on the new ReplicaSet must be announced, and be a new one", () => {
    const second = deployment({ revision: "2", generation: 2 });
    const replicaSets = [replicaSet("1", 0, 0), replicaSet("2", 2, 2)];
    const before = deployment({});
    assert.equal(deploymentReport(view({ deployment: second, replicaSets, before })).done, true);
    const progressing = [
      condition("Available", "True"),
      condition("Progressing", "True", "ReplicaSetUpdated"),
    ];
    const rolling = deployment({ revision: "2", generation: 2, conditions: progressing });
    assert.equal(deploymentReport(view({ deployment: rolling, replicaSets, before })).done, false);
    // A change of replicas alone makes no new revision.
    const scaled = view({
      deployment: deployment({ generation: 2 }),
      replicaSets: [replicaSet("1", 3, 3)],
      before,
    });
    assert.equal(deploymentReport(scaled).done, true);
  });

  test("what is wrong: conditions, claims, pods", () => {
    const stuck = [
      condition("Available", "False", "MinimumReplicasUnavailable", "none"),
      condition("Progressing", "False", "ProgressDeadlineExceeded", "too long"),
    ];
    const report = deploymentReport(
      view({
        deployment: deployment({ conditions: stuck }),
        replicaSets: [replicaSet("1", 1, 0)],
        claims: [
          { metadata: { name: "claim" }, status: { phase: "Pending" } },
          { metadata: { name: "other" }, status: { phase: "Pending" } },
        ],
        pods: [
          pod(
            "rs-1",
            condition("PodScheduled", "True"),
            condition("Initialized", "True"),
            condition("Ready", "False", "ContainersNotReady", "containers with unready status: [c]"),
          ),
        ],
      }),
    );
    assert.equal(report.message, "[ProgressDeadlineExceeded] too long");
    assert.deepEqual(report.reasons, [
      "[ProgressDeadlineExceeded] too long",
      "[MinimumReplicasUnavailable] none",
      'Failed to bind PersistentVolumeClaim(s): "claim"',
      "Minimum number of live Pods was not attained",
      "[Pod ns/p]: containers with unready status: [c][CrashLoopBackOff] back-off",
    ]);
  });
});

describe("other workloads", () => {
  test("pods, step by step", () => {
    const steps = ["PodScheduled", "Initialized", "Ready"].map((type) => condition(type, "True"));
    const at = (n: number): string =>
      podReport({ metadata: { name: "p" }, status: { conditions: steps.slice(0, n) } }).waitingFor;
    assert.deepEqual([0, 1, 2, 3].map(at), [
      'Waiting for Pod "p" to be scheduled',
      'Waiting for Pod "p" to be initialized',
      'Waiting for Pod "p" to be ready',
      "",
    ]);
  });

  test("StatefulSets: replicas and revision, at this generation", () => {
    const set = (status: Properties, generation = 1): Properties => ({
      metadata: { name: "s", generation },
      spec: { replicas: 2 },
      status,
    });
    const ready = {
      observedGeneration: 1,
      replicas: 2,
      readyReplicas: 2,
      currentReplicas: 2,
      updatedReplicas: 2,
      currentRevision: "a",
      updateRevision: "a",
    };
    assert.equal(statefulSetReport(set(ready), []).done, true);
    assert.equal(statefulSetReport(set(ready, 2), []).done, false, "an older generation's status");
    const waiting = statefulSetReport(set({ ...ready, readyReplicas: 1 }), []);
    assert.equal(waiting.message, "[1/2] Waiting for StatefulSet to create Pods (1/2 Pods ready)");
    const rolling = statefulSetReport(set({ ...ready, observedGeneration: 2, updateRevision: "b" }, 2), []);
    assert.match(rolling.reasons[0] ?? "", /failed to advance from revision "a" to revision "b"/);
  });

  test("DaemonSets: every scheduled pod", () => {
    const set = (status: Properties): Properties => ({
      metadata: { name: "d", generation: 1 },
      status: { observedGeneration: 1, ...status },
    });
    const all = {
      desiredNumberScheduled: 2,
      currentNumberScheduled: 2,
      updatedNumberScheduled: 2,
      numberAvailable: 2,
      numberReady: 2,
    };
    assert.equal(daemonSetReport(set(all), []).done, true);
    assert.equal(daemonSetReport(set({ ...all, numberAvailable: 1 }), []).message, "Available: 1/2");
    assert.equal(daemonSetReport(set({}), []).done, false);
  });

  test("Jobs: complete, or failed for good", () => {
    const job = (...conditions: Properties[]): Properties => ({
      metadata: { name: "j" },
      status: { startTime: "t", active: 1, conditions },
    });
    assert.equal(jobReport(job(condition("Complete", "True")), []).done, true);
    assert.match(jobReport(job(), []).message ?? "", /to succeed \(Active: 1 \| Succeeded: 0 \| Failed: 0\)/);
    const failed = jobReport(job(condition("Failed", "True", "BackoffLimitExceeded", "too often")), []);
    assert.ok(failed.failure instanceof NotReady);
    assert.deepEqual(failed.failure.reasons, ["[BackoffLimitExceeded] too often"]);
  });
});
