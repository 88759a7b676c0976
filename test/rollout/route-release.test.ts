import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { annotations, labels, managedBy } from "../../components/names";
import { handBackLive } from "../../rollout/now/route-release";
import { ClusterUnreadable, type ClusterPatcher, type LiveObject } from "../../stacks/state/cluster-reader";

/* The writer: what it sends, and what it makes of a conflict and of customers that have just come. */

const route = (pools: Readonly<Record<string, number>>): LiveObject => ({
  kind: "HTTPRoute",
  metadata: {
    name: "r",
    namespace: "default",
    resourceVersion: "1",
    labels: { [labels.managedBy]: managedBy },
    annotations: { [annotations.owner]: "{}" },
    managedFields: [],
  },
  spec: {
    rules: [
      {
        backendRefs: Object.entries(pools).map(([name, weight]) => ({
          ...{ group: "inference.networking.k8s.io", kind: "InferencePool", name, weight },
        })),
      },
    ],
  },
});

class Cluster implements ClusterPatcher {
  readonly patches: { metadata: { resourceVersion?: string } }[] = [];

  /** @param conflicts how many writes meet somebody else's. */
  constructor(
    public live: LiveObject | undefined,
    private conflicts = 0,
  ) {}

  get(): Promise<LiveObject | undefined> {
    return Promise.resolve(this.live);
  }

  list(): Promise<LiveObject[]> {
    return Promise.resolve([]);
  }

  apply(): Promise<LiveObject> {
    throw new Error("nothing is applied");
  }

  merge(_path: string, patch: object): Promise<LiveObject> {
    if (this.conflicts-- > 0) return Promise.reject(new ClusterUnreadable("conflict", "somebody else wrote"));
    this.patches.push(patch as { metadata: { resourceVersion?: string } });
    assert.ok(this.live !== undefined);
    const metadata = { ...this.live.metadata, resourceVersion: String(this.patches.length + 1) };
    return Promise.resolve({ ...this.live, metadata });
  }
}

const isLeaving = ({ name }: { name: string }): boolean => name === "llm-new";

describe("handing a live route back", () => {
  it("sends each patch with the version that the one before it left", async () => {
    const cluster = new Cluster(route({ llm: 100 }));
    const result = await handBackLive(cluster, "/r", isLeaving);
    assert.ok("changes" in result && result.changes.length > 0);
    assert.deepEqual(
      cluster.patches.map(({ metadata }) => metadata.resourceVersion),
      ["1", "2"],
    );
  });

  it("looks again after a conflict, and gives up after some", async () => {
    const cluster = new Cluster(route({ llm: 100 }), 2);
    assert.ok("changes" in (await handBackLive(cluster, "/r", isLeaving)));
    assert.equal(cluster.patches.length, 2);
    await assert.rejects(
      handBackLive(new Cluster(route({ llm: 100 }), 99), "/r", isLeaving),
      /somebody else/,
    );
  });

  it("writes nothing while the route sends customers to a pool that goes", async () => {
    const cluster = new Cluster(route({ llm: 70, "llm-new": 30 }));
    const result = await handBackLive(cluster, "/r", isLeaving);
    assert.ok("serving" in result && result.serving.name === "llm-new");
    assert.deepEqual(cluster.patches, []);
  });

  it("has nothing to do where there is nothing of this program, or no route", async () => {
    const clean = { ...route({ llm: 1 }), metadata: { name: "r", namespace: "default" } };
    assert.deepEqual(await handBackLive(new Cluster(clean), "/r", isLeaving), { changes: [] });
    assert.deepEqual(await handBackLive(new Cluster(undefined), "/r", isLeaving), { changes: [] });
  });
});
