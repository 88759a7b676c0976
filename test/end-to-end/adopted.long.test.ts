import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubernetesObject } from "@kubernetes/client-node";
import type { Traffic } from "../../lab/traffic/traffic";
import { adoptingConfig, customers, makeCluster, serve } from "./production/production";
import { minutes, nobodyNoticed, percentOf, splitAt, StackLab, type StackUnderTest } from "./stack-lab";

/*
 * A cluster, a Gateway, a pool and its route that were made without this project, with customers on them: the way in
 * of who serves already. The example's config is carried out as it stands, to the promotion and with a way back.
 */

/** What was there before, and has to be there unchanged in the end. */
const others = [
  ["inference.networking.k8s.io/v1", "InferencePool", "llm"],
  ["apps/v1", "Deployment", "vllm-qwen3-8b"],
  ["apps/v1", "Deployment", "llm-epp"],
  ["gateway.networking.k8s.io/v1", "Gateway", "my-inference-gateway"],
] as const;

describe("a service that somebody else made", minutes(20), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let traffic: Traffic;
  let made: string[];
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    const address = await serve(lab);
    made = await theirs();
    traffic = await customers(lab, address, { plain: 20, streams: 3, seconds: 1800 });
    stack = await lab.stack("adopted", {}, adoptingConfig);
  }, minutes(5));
  after(async () => {
    await traffic.drain(30);
    await lab.stop();
  });

  /** Identity and spec of what is not ours, as text. */
  const theirs = (): Promise<string[]> =>
    Promise.all(
      others.map(async ([apiVersion, kind, name]) => {
        const found = await lab.get<KubernetesObject & { spec: unknown }>(apiVersion, kind, "default", name);
        const { uid, generation, labels, ownerReferences } = found?.metadata ?? {};
        return JSON.stringify({ kind, name, uid, generation, labels, ownerReferences, spec: found?.spec });
      }),
    );

  test("its route is not taken over unasked", async () => {
    assert.match(await stack.refusedUp(), /route-not-ours[^]*it sends llm 100 %, as the config does/);
    assert.deepEqual(percentOf(await lab.route()), { llm: 100 });
  });

  test("asked, it is; the new pool is built beside the old one, from its pod template", async () => {
    await stack.setPath("allow[0]", "take-over-route");
    const preview = await stack.pulumi.run(["preview"]);
    assert.match(preview, /HTTPRoute \S+ +import/);
    await stack.up();
    await stack.unset("allow");
    assert.deepEqual(percentOf(await lab.route()), { llm: 100 });
    assert.ok((await lab.pool("llm-new")) !== undefined);
  });

  for (const weight of [10, 30, 60, 100, 0, 100]) {
    test(`to ${weight}`, async () => {
      const updated = await stack.update({ weight: String(weight) });
      assert.equal(updated.status, 0, updated.output);
      assert.deepEqual(percentOf(await lab.route()), splitAt(weight));
    });
  }

  test("promoted; the old pool is not ours to remove, and stays as it was", async () => {
    const updated = await stack.update({ stable: "llm-new", candidate: undefined, weight: undefined });
    assert.equal(updated.status, 0, updated.output);
    assert.deepEqual(percentOf(await lab.route()), { "llm-new": 100 });
    assert.deepEqual(await theirs(), made);
  });

  test("no customer has noticed", async () => {
    assert.deepEqual(await nobodyNoticed(traffic), ["llm", "llm-new"]);
  });
});
