import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PatchStrategy, type KubernetesObject } from "@kubernetes/client-node";
import type { Traffic } from "../../lab/traffic/traffic";
import type { LiveObject } from "../../stacks/state/cluster-reader";
import { asHelmMadeIt, customersRoute, everything, leftAsBefore } from "./cluster-before";
import { adoptingConfig, customers, makeCluster, serve } from "./production/production";
import { minutes, nobodyNoticed, splitAt, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/*
 * In and out again: a service that serves is taken over, goes half-way to a new pool and back, and the stack leaves.
 * Everything is as it was before, field owners included, and no customer has noticed.
 */

const route = customersRoute;

describe("a service that is taken over and handed back", minutes(40), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let traffic: Traffic;
  let earlier: Record<string, unknown>;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    const address = await serve(lab);
    await asHelmMadeIt(lab);
    earlier = await everything(lab);
    traffic = await customers(lab, address, { plain: 20, streams: 3, seconds: 3000 });
    stack = await lab.stack("adopted", {}, adoptingConfig);
  }, minutes(10));
  after(async () => {
    await traffic.drain(30);
    await lab.stop();
  });

  async function adopt(): Promise<void> {
    await stack.setPath("allow[0]", "take-over-route");
    await stack.up();
    await stack.unset("allow");
    assert.deepEqual(weightsOf(await lab.route()), { llm: 1 });
  }

  test("taken over, with a note of what it was", async () => {
    await adopt();
    const live = await lab.get<LiveObject>(...route);
    assert.match(live?.metadata.annotations?.["inference-rollout/taken-over"] ?? "", /"helm"/);
    assert.match(await stack.pulumi.run(["preview"]), /unchanged/);
  });

  test("half-way, the stack cannot leave: its pool serves", async () => {
    const updated = await stack.update({ weight: "30" });
    assert.equal(updated.status, 0, updated.output);
    const { status, output } = await stack.rollout("release", "--yes");
    assert.equal(status, 1, output);
    assert.match(output, /pool llm-new was created by this stack, and the live route sends it 30 %/);
    assert.match(output, /npm run rollout -- rollback/);
    assert.deepEqual(weightsOf(await lab.route()), splitAt(30));
  });

  test("no way of destroying the stack takes the route away", async () => {
    const { status, output } = await stack.rollout("destroy", "--yes", "--service", "llm");
    assert.equal(status, 1, output);
    assert.match(output, /existed before this stack[^]*npm run rollout -- release/);
    await stack.setPath("allow[0]", "destroy");
    assert.match(await stack.refusedUp(), /taken-over-route[^]*npm run rollout -- release/);
    await stack.unset("allow");
    for (const words of [[], ["--run-program"]]) {
      const plain = await stack.pulumi.attempt(["destroy", "--yes", "--skip-preview", ...words]);
      assert.notEqual(plain.status, 0, plain.output);
    }
    assert.deepEqual(weightsOf(await lab.route()), splitAt(30));
  });

  test("back at 0, a dry run says what would happen, and changes nothing", async () => {
    const updated = await stack.update({ weight: "0" });
    assert.equal(updated.status, 0, updated.output);
    const resources = await stack.resources();
    const { status, output } = await stack.rollout("release", "--dry-run");
    assert.equal(status, 0, output);
    assert.match(
      output,
      /hand back[^]*HTTPRoute routes-to-llm[^]*InferencePool llm-new[^]*Nothing was changed/,
    );
    assert.deepEqual(await stack.resources(), resources);
  });

  test("released: every object is as it was, its owners too", async () => {
    const { status, output } = await stack.rollout("release", "--yes", "--json");
    assert.equal(status, 0, output);
    assert.match(output, /"ok": true/);
    await leftAsBefore(lab, stack, earlier);
    assert.doesNotMatch(await stack.pulumi.run(["config"]), /allow/);
  });

  test("its owner writes it as before, without forcing anything", async () => {
    const object = {
      apiVersion: route[0],
      kind: route[1],
      metadata: { name: route[3], namespace: route[2] },
    };
    const refs = [{ group: "inference.networking.k8s.io", kind: "InferencePool", name: "llm", weight: 1 }];
    const spec = {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "my-inference-gateway" }],
      rules: [{ backendRefs: refs }],
    };
    await lab.objects.patch(
      { ...object, spec } as KubernetesObject,
      undefined,
      undefined,
      "lab",
      false,
      PatchStrategy.ServerSideApply,
    );
  });

  test("and it is taken over again as the first time", async () => {
    await adopt();
    assert.ok((await lab.pool("llm-new")) !== undefined);
  });

  test("no customer has noticed", async () => {
    assert.deepEqual(await nobodyNoticed(traffic), ["llm", "llm-new"]);
  });
});
