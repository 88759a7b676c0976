import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chanceOf, wrong } from "../../rollout/traffic/split-odds";
import { runCommand, type CommandResult } from "../../lab/tools/command";
import type { Traffic } from "../../lab/traffic/traffic";
import { adoptingConfig, customers, makeCluster, serve, withRoute } from "./production/production";
import {
  eventually,
  minutes,
  nobodyNoticed,
  percentOf,
  StackLab,
  weightsOf,
  type StackUnderTest,
} from "./stack-lab";

/*
 * A pool whose live route has another name than this program's own, as the extension's sample route has: whatever the
 * program says of a split is what customers get, or it says that it is not.
 */

const model = "Qwen/Qwen3-8B";
const pool = "inference.networking.k8s.io/v1";
const gatewayApi = "gateway.networking.k8s.io/v1";

describe("a service whose live route has a name of its own", minutes(20), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let traffic: Traffic;
  let address: string;
  let uid: string | undefined;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    address = await serve(lab, withRoute("llm-route"));
    uid = (await lab.get<Live>(gatewayApi, "HTTPRoute", "default", "llm-route"))?.metadata.uid;
    traffic = await customers(lab, address, { plain: 10, streams: 2, seconds: 1800 });
    const config = {
      service: "shop",
      gateway: { existing: true },
      stable: "llm",
      candidate: "new",
      weight: 50,
      pools: { llm: { existing: true }, new: { like: "llm", accelerator: "nvidia-l4", replicas: 1 } },
    };
    stack = await lab.stack("other-routes", config, adoptingConfig);
  }, minutes(5));
  after(async () => {
    await traffic.drain(30);
    await lab.stop();
  });

  /** Commands as the program prints them, typed into a shell. */
  const type = (commands: string): Promise<CommandResult> =>
    runCommand("bash", ["-c", commands], {
      cwd: stack.workspace.folder,
      env: { ...stack.pulumi.environment, NO_COLOR: "1", PULUMI_SKIP_CONFIRMATIONS: "true" },
    });

  /** Whether customers get a split: counted answers, and a second sample where the first is doubtful. */
  async function customersGet(percent: number): Promise<void> {
    const sample = async (requests: number): Promise<number> => {
      const counts = await lab.ask(address, requests, { model });
      assert.equal((counts["llm"] ?? 0) + (counts["new"] ?? 0), requests, JSON.stringify(counts));
      return chanceOf({ requests, candidate: counts["new"] ?? 0 }, percent / 100);
    };
    if ((await sample(300)) >= 0.0027) return;
    const chance = await sample(1200);
    assert.ok(chance >= wrong, `not ${percent} %`);
  }

  const edit = (name: string, spec: object): object => ({
    apiVersion: gatewayApi,
    kind: "HTTPRoute",
    metadata: { name, namespace: "default" },
    spec: { parentRefs: [{ name: "my-inference-gateway" }], ...(spec as Record<string, unknown>) },
  });

  test("a second route beside it is refused by name, with the way to take it over", async () => {
    const text = await stack.refusedUp();
    assert.match(
      text,
      /other-route[^]*HTTPRoute default\/llm-route takes precedence over HTTPRoute default\/routes-to-shop for customers' requests/,
    );
    assert.match(text, /pulumi config set route llm-route/);
    assert.doesNotMatch(text, /config set service/);
    assert.equal(await lab.route("routes-to-shop"), undefined);
  });

  test("made all the same, nothing says that the split is what customers get", async () => {
    await stack.setPath("allow[0]", "other-route");
    const updated = await stack.update({ weight: "50" });
    assert.equal(updated.status, 0, updated.output);
    await stack.unset("allow");
    assert.deepEqual(weightsOf(await lab.route("routes-to-shop")), { llm: 50, new: 50 });
    await customersGet(0);
    const outputs = await stack.pulumi.outputs();
    assert.equal(outputs["state"], "overridden");
    assert.equal(outputs["weights"], undefined);
    assert.equal(outputs["next"], undefined);
    assert.doesNotMatch(JSON.stringify(outputs["pools"]), /"weight"/);
    const status = await stack.rollout("status");
    assert.match(status.output, /state +overridden/);
    assert.match(status.output, /customers do not get these weights: HTTPRoute default\/llm-route/);
  });

  test("the fix, typed as printed, takes it over; this stack's former route goes, and nobody notices", async () => {
    const text = await stack.refusedUp();
    const printed = /under its own name: (.*)$/m.exec(text)?.[1] ?? "";
    assert.match(printed, /pulumi up$/);
    const { status, output } = await type(printed);
    assert.equal(status, 0, `${printed}\n${output}`);
    await stack.unset("allow");
    const live = await lab.get<Live>(gatewayApi, "HTTPRoute", "default", "llm-route");
    assert.equal(live?.metadata.uid, uid, "it is the same route, never deleted");
    assert.deepEqual(percentOf(await lab.route("llm-route")), { llm: 100 });
    assert.equal(await lab.route("routes-to-shop"), undefined);
    assert.equal((await stack.pulumi.outputs())["state"], "staged");
  });

  for (const weight of [50, 100, 50]) {
    test(`customers get ${weight} %`, async () => {
      const updated = await stack.update({ weight: String(weight) });
      assert.equal(updated.status, 0, updated.output);
      await customersGet(weight);
    });
  }

  test("a route that comes later and gets their requests is refused, and told; going back is not held up", async () => {
    const rules = [
      {
        matches: [{ path: { type: "PathPrefix", value: "/v1" } }],
        backendRefs: [{ group: "inference.networking.k8s.io", kind: "InferencePool", name: "llm" }],
      },
    ];
    await lab.objects.create(edit("rival", { rules }));
    await eventually("it is in force", async () => {
      const counts = await lab.ask(address, 40, { model });
      return counts["llm"] === 40;
    });
    assert.match(await stack.refusedUp(), /other-route[^]*HTTPRoute default\/rival[^]*path \/v1/);
    assert.match(
      (await stack.rollout("status")).output,
      /customers do not get these weights: HTTPRoute default\/rival/,
    );
    const back = await stack.update({ weight: "0" });
    assert.equal(back.status, 0, back.output);
    assert.match(back.output, /customers do not get these weights: HTTPRoute default\/rival/);
    assert.deepEqual(percentOf(await lab.route("llm-route")), { llm: 100 });
    assert.equal(await lab.remove(gatewayApi, "HTTPRoute", "default", "rival"), undefined);
  });

  test("a pool that any route sends to is not removed, by the program or by kubectl", async () => {
    const tester = (weight: number): object[] => [
      {
        matches: [{ headers: [{ name: "x-tester", value: "1" }] }],
        backendRefs: [
          { group: "inference.networking.k8s.io", kind: "InferencePool", name: "new", weight },
          { group: "inference.networking.k8s.io", kind: "InferencePool", name: "llm", weight: 1 },
        ],
      },
    ];
    await lab.objects.create(edit("testers", { rules: tester(1) }));
    const refused = await stack.update({ candidate: undefined });
    assert.match(refused.output, /pool-has-traffic[^]*HTTPRoute default\/testers sends requests to it/);
    for (const [apiVersion, kind, name] of [
      [pool, "InferencePool", "new"],
      ["apps/v1", "Deployment", "new"],
      ["apps/v1", "Deployment", "new-epp"],
    ] as const) {
      const said = await lab.remove(apiVersion, kind, "default", name);
      assert.match(String(said), /HTTPRoute default\/testers gives it weight/, kind);
    }
    await lab.edit(edit("testers", { rules: tester(0) }) as never);
    const removed = await stack.update({});
    assert.equal(removed.status, 0, removed.output);
    assert.equal(await lab.pool("new"), undefined);
  });

  test("the route keeps its name", async () => {
    await stack.setPath("route", "another");
    const text = await stack.refusedUp();
    assert.match(text, /pulumi config set route llm-route/);
    await stack.setPath("route", "llm-route");
    await stack.up();
  });

  test("no customer has noticed anything of it", async () => {
    await nobodyNoticed(traffic);
    assert.ok(traffic.outcomes.length > 500);
  });
});

interface Live {
  metadata: { uid: string };
}
