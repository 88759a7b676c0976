import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

const pools = "inference.networking.k8s.io/v1";

/**
 * What a move of the weight touches: the route in the cluster, and a component that is nothing but the move's record
 * for policies.
 */
const moved = ["inference-rollout:index:RolloutPlan", "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"];

/** Types of the resources that a preview or an update changes, by what it prints of each. */
function touched(text: string): string[] {
  const lines = text.matchAll(/^ *[~+-]+ +(\S+:\S+:\S+) \S+ (?:updat|creat|delet|replac)/gm);
  return [...new Set([...lines].map(([, type = ""]) => type))].sort();
}

/** The program as it is, with the real engine, API server, pickers and Envoy: what a person types, in turn. */
describe("the program in a lab", minutes(12), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  before(async () => {
    lab = await StackLab.start();
    stack = await lab.stack("dev");
  }, minutes(3));
  after(async () => lab.stop());

  test("a config with mistakes: all of them in one message, nothing registered, no stack trace", async () => {
    const broken = await lab.stack("broken", {
      weight: -1,
      candidate: "llm",
      stable: "LLM",
      pools: {
        llm: { accelerator: "nvidia-l5", replicas: 0 },
        "Not a name": { accelerator: "nvidia-l4", replicas: 2 },
        "llm-new": { accelerator: "nvidia-l4" },
      },
    });
    const text = await broken.refusedUp();
    for (const part of [
      "weight",
      "stable",
      "pools.llm.accelerator",
      "nvidia-l4",
      "pools.llm.replicas",
      'pools["Not a name"]',
      "pools.llm-new.replicas",
      "fix:",
    ]) {
      assert.ok(text.includes(part), `${part} is not in:\n${text}`);
    }
    assert.ok(!/\n\s+at .*\(.*:\d+:\d+\)/.test(text), `a stack trace:\n${text}`);
    const types = (await broken.resources()).map(({ type }) => type);
    assert.deepEqual(
      types.filter((type) => type !== "pulumi:pulumi:Stack"),
      [],
    );
  });

  test("a weight that is none, as the CLI stores it: -1, 12.5, empty", async () => {
    const wrong = await lab.stack("weights");
    for (const value of ["-1", "12.5", ""]) {
      await wrong.set("weight", value);
      const text = await wrong.refusedUp();
      assert.match(text, /weight[^]*a whole number from 0 to 100[^]*pulumi config set weight/, value);
      assert.ok(!/\n\s+at .*\(.*:\d+:\d+\)/.test(text), text);
    }
  });

  test("from an empty stack, one pulumi up makes both pools and only then splits the traffic", async () => {
    const text = await stack.up();
    assert.match(text, /created/);
    assert.deepEqual(weightsOf(await lab.route()), { llm: 90, "llm-new": 10 });
    const outputs = await stack.pulumi.outputs();
    assert.equal(outputs["state"], "shifting");
    assert.deepEqual(outputs["weights"], { llm: 90, "llm-new": 10 });
    assert.match(String(outputs["next"]), /pulumi config set weight 30 && pulumi up/);
    assert.match(String(outputs["back"]), /pulumi config set weight 0 && pulumi up/);
  });

  test("without objectives the route is the source's manifest", async () => {
    const route = await lab.route();
    const pool = (name: string, weight: number): object => ({
      group: "inference.networking.k8s.io",
      kind: "InferencePool",
      name,
      weight,
    });
    assert.deepEqual(route?.spec, {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "my-inference-gateway" }],
      rules: [
        {
          backendRefs: [pool("llm", 90), pool("llm-new", 10)],
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
        },
      ],
    });
  });

  test("a second pulumi up changes nothing, and a preview says so", async () => {
    assert.match(await stack.up(), /\d+ unchanged/);
    const preview = await stack.pulumi.run(["preview", "--expect-no-changes"]);
    assert.match(preview, /\d+ unchanged/);
  });

  test("pulumi config set weight 30 && pulumi up changes the route and nothing else", async () => {
    await stack.set("weight", "30");
    const before = (await lab.route())?.metadata.generation ?? 0;
    const preview = await stack.pulumi.run(["preview"]);
    assert.deepEqual(touched(preview), moved, preview);
    assert.equal((await lab.route())?.metadata.generation, before, "a preview moved the route");
    const text = await stack.up();
    assert.deepEqual(touched(text), moved, text);
    assert.doesNotMatch(text, /created|deleted|replaced/);
    assert.deepEqual(weightsOf(await lab.route()), { llm: 70, "llm-new": 30 });
  });

  test("refresh finds nothing to change, history has the updates", async () => {
    const text = await stack.pulumi.run(["refresh", "--yes", "--skip-preview"]);
    // The engine counts the stack's reference to its own last outputs as updated; it is read, not a resource.
    const touched = text.split("\n").filter((line) => /\b(updated|deleted|created)\b.*\(/.test(line));
    assert.ok(
      touched.every((line) => line.includes("pulumi:pulumi:StackReference")),
      touched.join("\n"),
    );
    const history = JSON.parse(await stack.pulumi.run(["stack", "history", "--json"])) as {
      kind: string;
      result: string;
      config: Record<string, { value: string }>;
    }[];
    const weights = history
      .filter(({ kind, result }) => kind === "update" && result === "succeeded")
      .map(({ config }) => Number(config["inference-rollout:weight"]?.value));
    assert.deepEqual(weights, [30, 10, 10]);
  });

  test("hardware of a pool is not edited in place", async () => {
    await stack.setPath("pools.llm.accelerator", "nvidia-h100-80gb");
    const text = await stack.refusedUp();
    assert.match(text, /edited-in-place[^]*pools\.llm\.accelerator is deployed as nvidia-l4/);
    assert.match(
      text,
      /roll that out as the candidate, or restore the value: pulumi config set --path 'pools\.llm\.accelerator' nvidia-l4/,
    );
    await stack.setPath("pools.llm.accelerator", "nvidia-l4");
  });

  test("a pool with traffic is not removed by an edit of the config", async () => {
    await stack.unset("candidate");
    await stack.unset("weight");
    const text = await stack.refusedUp();
    assert.match(text, /pool-has-traffic[^]*llm-new would be removed[^]*30 % of the traffic/);
    assert.match(text, /pulumi config set weight 0 && pulumi up/);
    await stack.set("candidate", "llm-new");
    await stack.set("weight", "30");
    assert.match(await stack.up(), /\d+ unchanged/);
  });

  test("kubectl delete of what has traffic is refused by the cluster itself", async () => {
    for (const [apiVersion, kind, name] of [
      [pools, "InferencePool", "llm-new"],
      [pools, "InferencePool", "llm"],
      ["apps/v1", "Deployment", "llm-new"],
      ["apps/v1", "Deployment", "llm-new-epp"],
      ["gateway.networking.k8s.io/v1", "HTTPRoute", "routes-to-llm"],
    ] as const) {
      const said = await lab.remove(apiVersion, kind, "default", name);
      assert.match(said ?? "nothing: it was deleted", /pulumi config set/, `${kind} ${name}`);
    }
  });

  test("what customers come through and run on stays, whoever the config says made it", async () => {
    await stack.setPath("gateway.existing", "true");
    assert.match(
      await stack.refusedUp(),
      /address-dropped[^]*created Gateway .*, and the update would delete it/,
    );
    await stack.unset("gateway");
    await stack.setPath("cluster.create", "false");
    assert.match(await stack.refusedUp(), /platform-changed[^]*created cluster .* would delete it/);
    await stack.unset("cluster");
    const held = (await stack.resources()).filter(({ protect }) => protect === true);
    assert.deepEqual(held.map(({ type }) => type.replace(/^.*:/, "")).sort(), [
      "Account",
      "Cluster",
      "Gateway",
      "Network",
      "NodePool",
      "Subnetwork",
      "Subnetwork",
    ]);
    assert.match(await stack.up(), /\d+ unchanged/);
  });

  test("a plain pulumi destroy stops at the route, takes nothing down, and says what to run", async () => {
    const { status, output } = await stack.pulumi.attempt(["destroy", "--yes", "--skip-preview"]);
    assert.notEqual(status, 0);
    assert.match(
      output,
      /pulumi config set --path 'allow\[0\]' destroy && pulumi up && pulumi destroy --run-program/,
    );
    assert.deepEqual(weightsOf(await lab.route()), { llm: 70, "llm-new": 30 });
    assert.ok((await lab.pool("llm")) !== undefined && (await lab.pool("llm-new")) !== undefined);
    assert.match(await stack.up(), /\d+ unchanged/);
  });
});
