import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { LiveObject } from "../../stacks/state/cluster-reader";
import { apply } from "../../lab/cluster/objects";
import { makeCluster } from "./production/production";
import { minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/*
 * A cluster that is known by its kubeconfig only, with nodes that somebody else made, and a Gateway that somebody else
 * made in a namespace of its own (kserve#5007): no cloud is asked for anything, nothing that exists is made, and the
 * rollout is the same.
 */

const model = "Qwen/Qwen3-8B";

const sharedGateway = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "gateway-infra" } },
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "shared", namespace: "gateway-infra" },
    spec: {
      gatewayClassName: "gke-l7-rilb",
      listeners: [
        { name: "http", protocol: "HTTP", port: 80, allowedRoutes: { namespaces: { from: "All" } } },
      ],
    },
  },
];

describe("a cluster by its kubeconfig", minutes(10), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let theirs: string[];
  const nodes = async (): Promise<string[]> => {
    const { items } = await lab.objects.list("v1", "Node");
    return items.map(({ metadata }) => metadata?.name ?? "").sort();
  };
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    await apply(lab.lab.controlPlane.kubeconfig, sharedGateway);
    theirs = await nodes();
    stack = await lab.stack("by-kubeconfig", {
      "gcp:project": undefined,
      "gcp:region": undefined,
      cluster: { kubeconfig: lab.lab.controlPlane.kubeconfig },
      gateway: { name: "shared", namespace: "gateway-infra", existing: true },
      weight: 0,
      pools: {
        llm: { accelerator: "nvidia-l4", replicas: 2 },
        "llm-new": { like: "llm", nodeLabels: ["cloud.google.com/gke-nodepool=l4"] },
      },
    });
  }, minutes(4));
  after(async () => lab.stop());

  test("both pools start on the nodes that are there, and nothing of Google Cloud is made", async () => {
    await stack.up();
    const route = await lab.route();
    assert.deepEqual(weightsOf(route), { llm: 100 });
    assert.deepEqual(
      route?.spec.parentRefs.map(({ name, namespace }) => [namespace, name]),
      [["gateway-infra", "shared"]],
    );
    const types = (await stack.resources()).map(({ type }) => type);
    assert.deepEqual(
      types.filter((type) => type.startsWith("gcp:") || type.startsWith("pulumi:providers:gcp")),
      [],
    );
  });

  test("the weight moves, and back", async () => {
    const { address } = await stack.pulumi.outputs();
    for (const [weight, pools] of [
      [50, ["llm", "llm-new"]],
      [0, ["llm"]],
    ] as const) {
      const { status, output } = await stack.update({ weight: String(weight) });
      assert.equal(status, 0, output);
      assert.deepEqual(Object.keys(await lab.ask(String(address), 60, { model })).sort(), pools);
    }
  });

  test("what is taken down is what the stack made: the nodes stay", async () => {
    await stack.takeDown();
    assert.equal(await lab.route(), undefined);
    assert.deepEqual(await nodes(), theirs);
    for (const { apiVersion, kind, metadata } of sharedGateway) {
      const namespace = "namespace" in metadata ? metadata.namespace : "";
      const live = await lab.get<LiveObject>(apiVersion, kind, namespace, metadata.name);
      assert.ok(live !== undefined && live.metadata.deletionTimestamp === undefined, kind);
    }
  });
});
