import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { makeCluster } from "./production/production";
import { minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/*
 * A cluster that is known by its kubeconfig only, with nodes that somebody else made: no cloud is asked for anything,
 * and the roll-out is the same.
 */

const model = "Qwen/Qwen3-8B";

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
    theirs = await nodes();
    stack = await lab.stack("by-kubeconfig", {
      "gcp:project": undefined,
      "gcp:region": undefined,
      cluster: { kubeconfig: lab.lab.controlPlane.kubeconfig },
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
    assert.deepEqual(weightsOf(await lab.route()), { llm: 100 });
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
  });
});
