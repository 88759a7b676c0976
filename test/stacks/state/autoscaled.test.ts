import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { labels, managedBy, podSelector, poolLabels } from "../../../components/names";
import { ClusterUnreadable, type ClusterReader, type LiveObject } from "../../../stacks/state/cluster-reader";
import { observe } from "../../../stacks/state/observe";
import type { RawConfig } from "../../../stacks/config/parse";
import { serviceConfig, sourceCase } from "../cases";

/* Who sets the replicas of a pool of this stack, as the cluster says it. */

const scalers = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
const keda = "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects";

function cluster(lists: Record<string, LiveObject[] | "forbidden">): ClusterReader {
  const pool: LiveObject = {
    metadata: { name: "llm", namespace: "default", labels: poolLabels("llm", "llm") },
    spec: { selector: { matchLabels: podSelector("llm") } },
  };
  const deployment: LiveObject = {
    metadata: { name: "llm", namespace: "default" },
    spec: { replicas: 4, template: { metadata: { labels: podSelector("llm") } } },
    status: { readyReplicas: 3 },
  };
  const known: typeof lists = {
    "/apis/inference.networking.k8s.io/v1/namespaces/default/inferencepools": [pool],
    "/apis/apps/v1/namespaces/default/deployments": [deployment],
    ...lists,
  };
  return {
    get: () => Promise.resolve(undefined),
    list: (path) => {
      const found = known[path] ?? [];
      return found === "forbidden"
        ? Promise.reject(new ClusterUnreadable("forbidden", path))
        : Promise.resolve(found);
    },
  };
}

const hpa = (metadata: object, name = "llm"): LiveObject => ({
  metadata: { name: "llm", ...metadata },
  spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name }, maxReplicas: 8 },
});
const scaledObject: LiveObject = {
  metadata: { name: "chat" },
  spec: { scaleTargetRef: { name: "llm" }, maxReplicaCount: 7 },
};

async function workloads(
  lists: Parameters<typeof cluster>[0],
  raw: RawConfig = sourceCase,
): Promise<unknown> {
  const observed = await observe(cluster(lists), serviceConfig(raw), undefined, () => true);
  const pool = observed.pools.find(({ name }) => name === "llm");
  assert.equal(pool?.replicas, 4);
  return pool.workloads;
}
const scaledBy = (autoscaler: object): object[] => [
  { kind: "Deployment", name: "llm", replicas: 4, autoscaler },
];

describe("who sets the replicas of a pool of this stack", () => {
  it("is a HorizontalPodAutoscaler that targets its workload", async () => {
    assert.deepEqual(
      await workloads({ [scalers]: [hpa({})] }),
      scaledBy({ kind: "HorizontalPodAutoscaler", name: "llm", max: 8 }),
    );
    assert.equal(await workloads({ [scalers]: [hpa({}, "other")] }), undefined);
  });

  it("is KEDA's ScaledObject, by its HorizontalPodAutoscaler or by itself while it is paused", async () => {
    const ownerReferences = [{ kind: "ScaledObject", name: "chat" }];
    assert.deepEqual(
      await workloads({ [scalers]: [hpa({ ownerReferences })], [keda]: [scaledObject] }),
      scaledBy({ kind: "ScaledObject", name: "chat", max: 8 }),
    );
    assert.deepEqual(
      await workloads({ [keda]: [scaledObject] }),
      scaledBy({ kind: "ScaledObject", name: "chat", max: 7 }),
    );
  });

  it("is the stack where the autoscaler is its own, there is none, or it may not be listed", async () => {
    assert.equal(
      await workloads({ [scalers]: [hpa({ labels: { [labels.managedBy]: managedBy } })] }),
      undefined,
    );
    assert.equal(await workloads({}), undefined);
    assert.equal(await workloads({ [scalers]: "forbidden", [keda]: "forbidden" }), undefined);
  });

  it("is somebody else where the config says so, with the workload to scale", async () => {
    const pools = { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, replicasOwner: "external" } };
    assert.deepEqual(await workloads({}, { ...sourceCase, pools }), [
      { kind: "Deployment", name: "llm", replicas: 4 },
    ]);
  });
});
