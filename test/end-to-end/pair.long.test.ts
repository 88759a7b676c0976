import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually, minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/* A platform stack with cluster and gateway, and the stacks of two services that share it, each under its own name. */

const asked = (host: string): { model: string; headers: Record<string, string> } => ({
  model: "Qwen/Qwen3-8B",
  headers: { host },
});

describe("a platform stack and two service stacks", minutes(20), () => {
  let lab: StackLab;
  let platform: StackUnderTest;
  let service: StackUnderTest;
  let chat: StackUnderTest;
  before(async () => {
    lab = await StackLab.start();
    platform = await lab.platform({ hostname: "*.example.com", routesFrom: ["default", "chat"] });
    service = await lab.stack("service", {
      role: "service",
      platform: "organization/inference-rollout/platform",
      weight: 10,
    });
    chat = await lab.stack("chat", {
      role: "service",
      platform: "organization/inference-rollout/platform",
      ...{ service: "chat", namespace: "chat", stable: "chat", candidate: "chat-new", weight: 50 },
      pools: {
        chat: { accelerator: "nvidia-l4", replicas: 1 },
        "chat-new": { accelerator: "nvidia-l4", replicas: 1 },
      },
    });
  }, minutes(3));
  after(async () => lab.stop());

  const namespace = (name: string): Promise<object | undefined> => lab.get("v1", "Namespace", "", name);
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

  test("a service without a name of its own is told which names the Gateway takes", async () => {
    const text = await service.refusedUp();
    assert.match(text, /hostname\n.*\n\s+expected: .*\*\.example\.com/);
    await service.set("hostname", "llm.example.com");
    await chat.set("hostname", "chat.example.com");
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
    const counts = await lab.ask(String(address), 200, asked("llm.example.com"));
    assert.deepEqual(Object.keys(counts).sort(), ["llm", "llm-new"], JSON.stringify(counts));
  });

  test("a second service shares the Gateway: neither gets the other's requests, whoever moves", async () => {
    await chat.up();
    const { address } = await chat.pulumi.outputs();
    const who = async (host: string): Promise<string[]> =>
      Object.keys(await lab.ask(String(address), 100, asked(host))).sort();
    assert.deepEqual(await who("chat.example.com"), ["chat", "chat-new"]);
    assert.deepEqual(await who("llm.example.com"), ["llm", "llm-new"]);
    const { status, output } = await chat.rollout("rollback", "--yes");
    assert.equal(status, 0, output);
    assert.deepEqual(await who("chat.example.com"), ["chat"]);
    assert.deepEqual(await who("llm.example.com"), ["llm", "llm-new"]);
    assert.deepEqual(weightsOf(await lab.route()), { llm: 70, "llm-new": 30 });
  });

  test("the platform does not take their names away", async () => {
    await platform.setPath("gateway.hostname", "*.example.org");
    const text = await platform.refusedUp();
    assert.match(text, /address-dropped[^]*clients reach the Gateway as .*chat\.example\.com/);
    assert.match(text, /pulumi config set --path 'gateway\.hostname' '\*\.example\.com'/);
    await platform.setPath("gateway.hostname", "*.example.com");
    await platform.up();
    assert.deepEqual(weightsOf(await lab.route()), { llm: 70, "llm-new": 30 });
  });

  test("all go down in order", async () => {
    await chat.takeDown();
    assert.deepEqual(await chat.resources(), []);
    await eventually(
      "the namespace that it made is gone",
      async () => (await namespace("chat")) === undefined,
    );
    await service.takeDown();
    assert.deepEqual(await service.resources(), []);
    assert.equal(await lab.route(), undefined);
  });
});
