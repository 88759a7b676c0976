import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseQuantity, nodesToAdd, nodesToRemove, type PendingPod, type ScalablePool } from "./decide";

const gpuPool: ScalablePool = {
  id: "gpu",
  min: 0,
  max: 3,
  nodes: 1,
  labels: { pool: "llm" },
  taints: [{ key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" }],
  allocatable: { cpu: "11500m", memory: "40Gi", "nvidia.com/gpu": "1", pods: "28" },
};
const system: ScalablePool = {
  id: "system",
  min: 1,
  max: 6,
  nodes: 1,
  labels: {},
  taints: [],
  allocatable: { cpu: "7910m", memory: "28Gi", pods: "28" },
};
const server: PendingPod = {
  name: "llm-1",
  namespace: "default",
  uid: "llm-1",
  nodeSelector: { pool: "llm" },
  tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
  requests: { "nvidia.com/gpu": "1" },
};
const picker: PendingPod = {
  name: "epp",
  namespace: "default",
  uid: "epp",
  nodeSelector: {},
  tolerations: [],
  requests: { cpu: "4", memory: "8Gi" },
};

describe("the autoscaler", () => {
  it("adds a node for each pod that needs one, up to the pool's limit", () => {
    assert.deepEqual([...nodesToAdd([server], [gpuPool, system])], [["gpu", 1]]);
    assert.deepEqual([...nodesToAdd([server, server, server, server], [gpuPool, system])], [["gpu", 2]]);
  });

  it("puts several pods on one new node where they fit", () => {
    const small = { ...picker, requests: { cpu: "2", memory: "8Gi" } };
    assert.deepEqual([...nodesToAdd([small, small, small], [system])], [["system", 1]]);
    assert.deepEqual([...nodesToAdd([picker, picker], [system])], [["system", 2]]);
  });

  it("does not put on accelerators what does not tolerate their taint", () => {
    assert.deepEqual([...nodesToAdd([picker], [{ ...gpuPool, labels: {} }, system])], [["system", 1]]);
  });

  it("adds nothing for a pod that fits no machine", () => {
    assert.deepEqual([...nodesToAdd([{ ...picker, requests: { cpu: "9" } }], [system])], []);
    assert.deepEqual([...nodesToAdd([{ ...server, nodeSelector: { pool: "other" } }], [gpuPool])], []);
  });

  it("removes what has been idle long enough, the longest first, and keeps the minimum", () => {
    const idle = new Map([
      ["a", 1000],
      ["b", 500],
      ["c", 9000],
    ]);
    assert.deepEqual(nodesToRemove({ min: 0, nodes: 3 }, idle, 10_000, 5000), ["b", "a"]);
    assert.deepEqual(nodesToRemove({ min: 2, nodes: 3 }, idle, 10_000, 5000), ["b"]);
    assert.deepEqual(nodesToRemove({ min: 3, nodes: 3 }, idle, 10_000, 5000), []);
  });

  it("reads quantities as Kubernetes writes them", () => {
    assert.equal(parseQuantity("500m"), 0.5);
    assert.equal(parseQuantity("8Gi"), 8 * 2 ** 30);
    assert.equal(parseQuantity("28"), 28);
    assert.throws(() => parseQuantity("many"));
  });
});
