import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/* A platform stack with cluster and gateway, and the stack of a service that stands on it. */

const notOfAPlatform = ["model", "stable", "candidate", "weight", "pools"];

describe("a platform stack and a service stack", minutes(20), () => {
  let lab: StackLab;
  let platform: StackUnderTest;
  let service: StackUnderTest;
  before(async () => {
    lab = await StackLab.start();
    platform = await lab.stack("platform", {
      role: "platform",
      gate: {},
      ...Object.fromEntries(notOfAPlatform.map((key) => [key, undefined])),
    });
    service = await lab.stack("service", {
      role: "service",
      platform: "organization/inference-rollout/platform",
      weight: 10,
    });
  }, minutes(3));
  after(async () => lab.stop());

  const typesOf = async (stack: StackUnderTest): Promise<string[]> =>
    (await stack.resources()).map(({ type }) => type);

  test("the service is refused before its platform is there, in words", async () => {
    const text = await service.refusedUp();
    assert.match(text, /platform/);
    assert.doesNotMatch(text, /\n\s+at .*:\d+:\d+/);
  });

  test("the platform makes cluster and gateway, and no service", async () => {
    await platform.up();
    const types = await typesOf(platform);
    assert.ok(types.includes("gcp:container/cluster:Cluster"));
    assert.ok(types.includes("kubernetes:gateway.networking.k8s.io/v1:Gateway"));
    assert.ok(!types.some((type) => type.endsWith(":HTTPRoute") || type.endsWith(":InferencePool")));
  });

  test("the service stands on it, and its weight moves", async () => {
    await service.up();
    const types = await typesOf(service);
    assert.ok(!types.includes("gcp:container/cluster:Cluster"));
    assert.ok(types.includes("gcp:container/nodePool:NodePool"));
    assert.deepEqual(weightsOf(await lab.route()), { llm: 90, "llm-new": 10 });
    await service.set("weight", "30");
    await service.up();
    assert.deepEqual(weightsOf(await lab.route()), { llm: 70, "llm-new": 30 });
    const { address } = await service.pulumi.outputs();
    const counts = await lab.ask(String(address), 200, { model: "Qwen/Qwen3-8B" });
    assert.deepEqual(Object.keys(counts).sort(), ["llm", "llm-new"], JSON.stringify(counts));
  });

  test("both go down in order", async () => {
    await service.takeDown();
    assert.deepEqual(await service.resources(), []);
    assert.equal(await lab.route(), undefined);
  });
});
