import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Traffic } from "../../lab/traffic/traffic";
import { everything, leftAsBefore } from "./cluster-before";
import { OfficialChart, partsOfRelease } from "./production/official-chart";
import { adoptingConfig, customers, makeCluster } from "./production/production";
import { minutes, nobodyNoticed, percentOf, splitAt, StackLab, type StackUnderTest } from "./stack-lab";

/*
 * A service that was installed with the extension's own chart: half-way its team changes its mind, and the stack leaves.
 * Every object is as helm made it, and helm goes on with its release as if nothing had been.
 */

describe("a service of the official chart that is handed back", minutes(40), () => {
  let lab: StackLab;
  let chart: OfficialChart;
  let stack: StackUnderTest;
  let traffic: Traffic;
  let earlier: Record<string, unknown>;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    chart = await OfficialChart.in(lab);
    const address = await chart.serve(lab);
    earlier = await everything(lab);
    traffic = await customers(lab, address, { plain: 20, streams: 3, seconds: 2400, requests: 300_000 });
    const pools = {
      llm: { existing: true },
      "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    stack = await lab.stack("chart", { pools, route: "llm" }, adoptingConfig);
  }, minutes(10));
  after(async () => {
    await traffic.drain(30);
    await lab.stop();
  });

  test("taken over, and half-way", async () => {
    await stack.setPath("allow[0]", "take-over-route");
    await stack.up();
    await stack.unset("allow");
    const updated = await stack.update({ weight: "50" });
    assert.equal(updated.status, 0, updated.output);
    assert.deepEqual(percentOf(await lab.route("llm")), splitAt(50));
  });

  test("back, and released: every object is as helm made it", async () => {
    const back = await stack.rollout("rollback", "--yes", "--reason", "changed our mind");
    assert.equal(back.status, 0, back.output);
    const { status, output } = await stack.rollout("release", "--yes");
    assert.equal(status, 0, output);
    await leftAsBefore(lab, stack, earlier);
  });

  test("no customer has noticed", async () => {
    assert.deepEqual(await nobodyNoticed(traffic), ["llm", "llm-new"]);
  });

  test("helm upgrades and uninstalls its release as before", async () => {
    await chart.upgrade();
    const { status, output } = await chart.uninstall();
    assert.equal(status, 0, output);
    for (const [apiVersion, kind, name] of partsOfRelease)
      assert.equal(await lab.get(apiVersion, kind, "default", name), undefined, `${kind} ${name}`);
    assert.equal(await lab.route("llm"), undefined);
  });
});
