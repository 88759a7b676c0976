import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiRefused, type ClusterApi } from "../cluster/cluster-api";
import type { PendingPod } from "./decide";
import { Explanations } from "./explanations";

const pod: PendingPod = {
  ...{ name: "llm-1", namespace: "default", uid: "1", nodeSelector: {}, tolerations: [], requests: {} },
};
const pool = { view: { id: "pool", nodes: 1, max: 4 }, zones: ["us-central1-a", "us-central1-b"] };

describe("what the autoscaler says to pods", () => {
  const written: { reason: string; message: string; involvedObject: { uid: string } }[] = [];
  const api = { post: (_: string, event: (typeof written)[number]) => Promise.resolve(written.push(event)) };
  const reasons = (): string[] => written.splice(0).map(({ reason }) => reason);

  it("is once that there are no machines, and then once that it does not try, until the next attempt", async (context) => {
    let time = 1000;
    context.mock.method(performance, "now", () => time);
    const explanations = new Explanations(api as unknown as ClusterApi);
    await explanations.failed(pool, [pod]);
    assert.match(written[0]?.message ?? "", /zones us-central1-a, us-central1-b .* GCE out of resources/);
    assert.equal(written[0]?.involvedObject.uid, "1");
    for (let look = 0; look < 3; look++) await explanations.failed(pool, [pod]);
    assert.deepEqual(reasons(), ["FailedScaleUp", "NotTriggerScaleUp"]);
    time += 20_000;
    await explanations.failed(pool, [pod]);
    assert.deepEqual(reasons(), ["FailedScaleUp"]);
  });

  it("is which group it makes larger", async () => {
    await new Explanations(api as unknown as ClusterApi).triggered(pool, [pod], 2);
    assert.deepEqual(
      written.splice(0).map(({ message }) => message),
      ["pod triggered scale-up: [{pool 1->3 (max: 4)}]"],
    );
  });

  it("is nothing to a namespace on its way out", async () => {
    const refusing = { post: () => Promise.reject(new ApiRefused(403, "being terminated")) };
    await new Explanations(refusing as unknown as ClusterApi).failed(pool, [pod]);
  });
});
