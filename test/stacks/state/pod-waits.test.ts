import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { podWaits } from "../../../stacks/state/pod-waits";
import type { LiveObject } from "../../../stacks/state/cluster-reader";

const pod = (name: string, status: object = {}, node?: string): LiveObject => ({
  metadata: { name, uid: `uid-of-${name}`, namespace: "default" },
  spec: node === undefined ? {} : { nodeName: node },
  status,
});
const ready = (name: string, node: string): LiveObject =>
  pod(name, { conditions: [{ type: "Ready", status: "True" }] }, node);
const event = (about: string, reason: string, message: string, minute = 0): LiveObject => ({
  metadata: { name: `${about}.${reason}.${minute}` },
  ...{ involvedObject: { kind: "Pod", name: about, uid: `uid-of-${about}` }, reason, message },
  lastTimestamp: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
});
const exhausted =
  "Node scale up in zones us-central1-a associated with this pod failed: GCE out of resources. Pod is at risk of not being scheduled.";
const waiting = (container: object): object => ({ containerStatuses: [container] });

describe("what pods that are not ready wait for", () => {
  it("is nodes that Google does not have, as one line for all of them", () => {
    const pods = [ready("a", "n1"), ready("b", "n2"), pod("c"), pod("d")];
    const events = ["c", "d"].flatMap((name) => [
      event(name, "FailedScheduling", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", 1),
      event(name, "FailedScaleUp", exhausted, 2),
      // Said while the autoscaler does not try again: no news.
      event(name, "NotTriggerScaleUp", "pod didn't trigger scale-up: 1 in backoff after failed scale-up", 3),
    ]);
    assert.deepEqual(podWaits(pods, events, 4), [`waiting for 2 of 4 nodes: GCE_STOCKOUT: ${exhausted}`]);
    // Without the number of nodes, pods are counted.
    assert.deepEqual(podWaits(pods, events), [`2 of 4 pods wait for a node: GCE_STOCKOUT: ${exhausted}`]);
  });

  it("is quota, by its code", () => {
    const events = [event("a", "FailedScaleUp", "Node scale up failed: GCE quota exceeded.")];
    assert.deepEqual(podWaits([pod("a")], events, 1), [
      "waiting for 1 of 1 nodes: QUOTA_EXCEEDED: Node scale up failed: GCE quota exceeded.",
    ]);
  });

  it("is nodes that are on their way, where the autoscaler tries again", () => {
    const events = [
      event("a", "FailedScaleUp", exhausted, 1),
      event("a", "TriggeredScaleUp", "pod triggered scale-up: [{group 0->1 (max: 2)}]", 9),
    ];
    assert.deepEqual(podWaits([pod("a")], events, 1), [
      "waiting for 1 of 1 nodes: the cluster autoscaler is creating them",
    ]);
  });

  it("is what the scheduler says, where no autoscaler has said anything", () => {
    const message = "0/3 nodes are available: 3 node(s) had untolerated taint {team: a}.";
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
    assert.deepEqual(podWaits([pod("llm-new-5f7", { conditions: [condition] })], []), [
      `1 of 1 pods wait for a node: FailedScheduling: ${message}`,
    ]);
    const limit = "pod didn't trigger scale-up: 1 max node group size reached";
    assert.deepEqual(podWaits([pod("a")], [event("a", "NotTriggerScaleUp", limit)]), [
      `1 of 1 pods wait for a node: NotTriggerScaleUp: ${limit}`,
    ]);
  });

  it("is a volume, as long as no container runs", () => {
    const text = 'MountVolume.SetUp failed for volume "weights" : rpc error: bucket acme not found';
    const events = [event("a", "FailedMount", text)];
    const creating = waiting({ state: { waiting: { reason: "ContainerCreating" } } });
    assert.deepEqual(podWaits([pod("a", creating, "n1")], events), [
      `1 pod without a volume: FailedMount: ${text}`,
    ]);
    assert.deepEqual(podWaits([pod("a", waiting({ state: { running: {} } }), "n1")], events), []);
  });

  it("is an image, the same while it is tried and while it is waited for", () => {
    const image = "vllm/vllm-openai:v0.0.0";
    const pods = ["ErrImagePull", "ImagePullBackOff"].map((reason, i) =>
      pod(`p${i}`, waiting({ image, state: { waiting: { reason, message: "not found" } } }), `n${i}`),
    );
    assert.deepEqual(podWaits(pods, []), [`2 pods cannot start: ImagePullBackOff: ${image}`]);
  });

  it("is a server that ends again and again, with how it ended", () => {
    const container = {
      state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 5m0s" } },
      lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
    };
    assert.deepEqual(podWaits([pod("a", waiting(container), "n1")], []), [
      "1 pod cannot start: CrashLoopBackOff (exit status 137, OOMKilled): kubectl logs --previous shows its last output",
    ]);
  });

  it("is nothing to speak of while a model loads", () => {
    assert.deepEqual(podWaits([pod("a", waiting({ state: { running: {} } }), "n1")], []), []);
    assert.deepEqual(podWaits([ready("a", "n1")], [event("a", "FailedScheduling", "no node")]), []);
  });

  it("is read from events of either API, and never from those of an earlier pod of the name", () => {
    const later = {
      ...event("a", "FailedScaleUp", exhausted),
      lastTimestamp: null,
      eventTime: "2026-01-01T00:00:00.000000Z",
      series: { lastObservedTime: "2026-01-01T01:00:00.000000Z" },
    };
    const before = event("a", "TriggeredScaleUp", "pod triggered scale-up", 30);
    assert.match(podWaits([pod("a")], [later, before]).join(), /GCE_STOCKOUT/);
    const other = { ...later, involvedObject: { kind: "Pod", name: "a", uid: "another" } };
    assert.deepEqual(podWaits([pod("a")], [other]), []);
  });
});
