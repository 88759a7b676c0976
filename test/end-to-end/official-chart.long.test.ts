import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubernetesObject, V1Deployment } from "@kubernetes/client-node";
import type { Traffic } from "../../lab/traffic/traffic";
import { OfficialChart, partsOfRelease } from "./production/official-chart";
import { adoptingConfig, customers, makeCluster } from "./production/production";
import {
  eventually,
  minutes,
  nobodyNoticed,
  percentOf,
  splitAt,
  StackLab,
  type StackUnderTest,
} from "./stack-lab";

/*
 * A service that was installed with the extension's own chart, route included, by the real helm: from the first update to
 * the second generation, and its owner uninstalls the release when nothing of it serves any more.
 */

const gatewayApi = "gateway.networking.k8s.io/v1";

describe("a service installed with the official chart", minutes(55), () => {
  let lab: StackLab;
  let chart: OfficialChart;
  let stack: StackUnderTest;
  let traffic: Traffic;
  let uid: string | undefined;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    chart = await OfficialChart.in(lab);
    const address = await chart.serve(lab);
    uid = (await route())?.metadata?.uid;
    traffic = await customers(lab, address, { plain: 20, streams: 3, seconds: 3300 });
    const pools = {
      llm: { existing: true },
      "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    stack = await lab.stack("chart", { pools }, adoptingConfig);
  }, minutes(10));
  after(async () => {
    await traffic.drain(30);
    await lab.stop();
  });

  const route = (): Promise<KubernetesObject | undefined> =>
    lab.get(gatewayApi, "HTTPRoute", "default", "llm");
  const split = async (): Promise<Record<string, number>> => percentOf(await lab.route("llm"));

  /** What of the release is in the cluster. */
  async function there(): Promise<string[]> {
    const found = await Promise.all(
      partsOfRelease.map(async ([apiVersion, kind, name]) =>
        (await lab.get(apiVersion, kind, "default", name)) === undefined ? [] : [`${kind} ${name}`],
      ),
    );
    return found.flat();
  }

  const everyPart = partsOfRelease.map(([, kind, name]) => `${kind} ${name}`);

  test("the config of the README is refused: the release's own route gets the requests", async () => {
    const text = await stack.refusedUp();
    assert.match(
      text,
      /other-route[^]*HTTPRoute default\/llm takes precedence over HTTPRoute default\/routes-to-llm/,
    );
    assert.match(text, /pulumi config set route llm/);
    assert.equal(await lab.route(), undefined);
  });

  test("its route is taken over by its name, in the shape that the chart gave it", async () => {
    const before = (await route()) as { spec?: { rules?: object[] } } | undefined;
    await stack.set("route", "llm");
    await stack.setPath("allow[0]", "take-over-route");
    await stack.up();
    await stack.unset("allow");
    const live = (await route()) as (KubernetesObject & { spec?: { rules?: object[] } }) | undefined;
    assert.equal(live?.metadata?.uid, uid);
    assert.deepEqual(live?.spec?.rules, before?.spec?.rules);
    assert.match(await stack.pulumi.run(["preview"]), /unchanged/);
  });

  test("the copy has the chart's picker, as it was tuned", async () => {
    const epp = await lab.get<V1Deployment>("apps/v1", "Deployment", "default", "llm-new-epp");
    assert.match(epp?.spec?.template.spec?.containers[0]?.image ?? "", /\/epp:v1\.5\.0$/);
    const outputs = (await stack.pulumi.outputs()) as {
      pools: Record<string, { copied?: { taken: string[] } }>;
    };
    const taken = outputs.pools["llm-new"]?.copied?.taken.join("; ") ?? "";
    assert.match(taken, /picker/);
  });

  test("helm hands the route over, without deleting it", async () => {
    const annotations = { "helm.sh/resource-policy": "keep" };
    const metadata = { name: "llm", namespace: "default", annotations };
    await lab.edit({ apiVersion: gatewayApi, kind: "HTTPRoute", metadata });
    await chart.upgrade({ "experimentalHttpRoute.enabled": "false" });
    assert.equal((await route())?.metadata?.uid, uid);
    assert.match(await stack.pulumi.run(["preview"]), /unchanged/);
  });

  for (const weight of [10, 50]) {
    test(`to ${weight}`, async () => {
      const updated = await stack.update({ weight: String(weight) });
      assert.equal(updated.status, 0, updated.output);
      assert.deepEqual(await split(), splitAt(weight));
    });
  }

  test("an upgrade of the release in the middle changes nothing of the split", async () => {
    await chart.upgrade({ "experimentalHttpRoute.enabled": "false" });
    assert.deepEqual(await split(), splitAt(50));
  });

  test("helm uninstall in the middle: everything that serves stays", async () => {
    const { status, output } = await chart.uninstall();
    assert.notEqual(status, 0);
    assert.match(output, /serves customers: HTTPRoute default\/llm gives it weight/);
    assert.deepEqual(await there(), everyPart);
    assert.deepEqual(await split(), splitAt(50));
  });

  for (const weight of [100, 0, 100]) {
    test(`to ${weight}`, async () => {
      const updated = await stack.update({ weight: String(weight) });
      assert.equal(updated.status, 0, updated.output);
      assert.deepEqual(await split(), splitAt(weight));
    });
  }

  test("promoted", async () => {
    const { status, output } = await stack.rollout("promote", "--yes");
    assert.equal(status, 0, output);
    assert.deepEqual(await split(), { "llm-new": 100 });
    assert.deepEqual(await there(), everyPart);
  });

  test("a second generation takes traffic", async () => {
    const { status, output } = await stack.update({
      'pools["llm-3"].like': "llm-new",
      'pools["llm-3"].accelerator': "nvidia-h200-141gb",
      'pools["llm-3"].provisioning': "spot",
      'pools["llm-3"].replicas': "1",
      candidate: "llm-3",
      weight: "10",
    });
    assert.equal(status, 0, output);
    assert.deepEqual(await split(), { "llm-new": 90, "llm-3": 10 });
  });

  test("its owner uninstalls the release, and takes its servers away", async () => {
    const { status, output } = await chart.uninstall();
    assert.equal(status, 0, output);
    await eventually("nothing of the release is left", async () => (await there()).length === 0);
    assert.equal(await lab.remove("apps/v1", "Deployment", "default", "vllm-qwen3-8b"), undefined);
    assert.equal((await route())?.metadata?.uid, uid);
    await stack.unset("pools.llm");
    await stack.up();
    assert.deepEqual(await split(), { "llm-new": 90, "llm-3": 10 });
  });

  test("the second generation takes over", async () => {
    const updated = await stack.update({ weight: "100" });
    assert.equal(updated.status, 0, updated.output);
    const { status, output } = await stack.rollout("promote", "--yes");
    assert.equal(status, 0, output);
    assert.deepEqual(await split(), { "llm-3": 100 });
    assert.equal((await route())?.metadata?.uid, uid);
  });

  test("no customer has noticed", async () => {
    assert.deepEqual(await nobodyNoticed(traffic), ["llm", "llm-3", "llm-new"]);
  });
});
