import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually, minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

const model = "Qwen/Qwen3-8B";
const objectives = [
  { name: "chat", priority: 10 },
  { name: "batch", priority: -1 },
];

/** How often a picker has resolved a priority, by its own metric. */
function resolved(metrics: string, priority: number): number {
  const lines = metrics.split("\n").filter((line) => line.startsWith("inference_objective_request_total{"));
  return lines
    .filter((line) => line.includes(`priority="${priority}"`))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

describe("objectives", minutes(8), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  before(async () => {
    lab = await StackLab.start();
    stack = await lab.stack("objectives", { objectives, weight: 50 });
  }, minutes(3));
  after(async () => lab.stop());

  test("with objectives each pool has a namespace of its own, and the route reaches both", async () => {
    await stack.up();
    const route = await lab.route();
    assert.deepEqual(weightsOf(route), { llm: 50, "llm-new": 50 });
    const namespaces = route?.spec.rules[0]?.backendRefs.map(({ namespace }) => namespace);
    assert.deepEqual(namespaces, ["llm-llm", "llm-llm-new"]);
  });

  test("a priority is resolved by both pools' real pickers", async () => {
    const address = String((await stack.pulumi.outputs())["address"]);
    const before = await both();
    for (const { name } of objectives) {
      const headers = { "x-gateway-inference-objective": name };
      const counts = await lab.ask(address, 60, { model, headers });
      assert.equal((counts["llm"] ?? 0) + (counts["llm-new"] ?? 0), 60, JSON.stringify(counts));
      assert.ok((counts["llm"] ?? 0) > 0 && (counts["llm-new"] ?? 0) > 0, JSON.stringify(counts));
    }
    await eventually("both pickers have counted", async () => {
      const now = await both();
      return objectives.every(({ priority }) =>
        [0, 1].every((i) => resolved(now[i] ?? "", priority) > resolved(before[i] ?? "", priority)),
      );
    });
  });

  async function both(): Promise<string[]> {
    return Promise.all([lab.pickerMetrics("llm", "llm-llm"), lab.pickerMetrics("llm-new", "llm-llm-new")]);
  }

  test("an objective does not change while a rollout is under way", async () => {
    await stack.setPath("objectives[0].priority", "20");
    const text = await stack.refusedUp();
    assert.match(
      text,
      /objectives-under-way[^]*objective chat is deployed with priority 10, but the config says 20 while llm-new is being rolled out/,
    );
    await stack.setPath("objectives[0].priority", "10");
  });

  test("what has traffic in a namespace of its own is not deleted, nor is the namespace", async () => {
    for (const [apiVersion, kind, namespace, name] of [
      ["inference.networking.k8s.io/v1", "InferencePool", "llm-llm-new", "llm-new"],
      ["apps/v1", "Deployment", "llm-llm-new", "llm-new"],
      ["v1", "Service", "llm-llm-new", "llm-new-epp"],
      ["v1", "Namespace", undefined, "llm-llm-new"],
      ["v1", "Namespace", undefined, "llm-llm"],
      ["v1", "Namespace", undefined, "default"],
    ] as const) {
      const said = await lab.remove(apiVersion, kind, namespace, name);
      assert.match(
        said ?? "nothing: it was deleted",
        /HTTPRoute default\/routes-to-llm|forbidden/,
        `${kind} ${name}`,
      );
    }
  });

  test("what has none is free to go", async () => {
    await stack.set("weight", "0");
    await stack.up();
    assert.equal(await lab.remove("v1", "Service", "llm-llm-new", "llm-new-epp"), undefined);
  });
});
