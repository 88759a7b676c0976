import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { CoreV1Api } from "@kubernetes/client-node";
import { loadKubeconfig } from "../../lab/cluster/objects";
import { eventually, minutes } from "../end-to-end/stack-lab";
import { now } from "../../rollout/traffic/client";
import { describeSeen, ServiceUnderLoad } from "./service-under-load";

/** What goes wrong with pods, pickers and nodes, while customers are connected. */
describe("faults of pods, pickers and nodes", minutes(30), () => {
  let service: ServiceUnderLoad;
  before(async () => {
    service = await ServiceUnderLoad.start();
  }, minutes(4));
  after(async () => service.stop());

  const core = (): CoreV1Api =>
    loadKubeconfig(service.lab.lab.controlPlane.kubeconfig).makeApiClient(CoreV1Api);
  const readyServers = async (pool: string): Promise<number> => {
    const found = await service.lab.get<{ status?: { readyReplicas?: number } }>(
      "apps/v1",
      "Deployment",
      "default",
      pool,
    );
    return found?.status?.readyReplicas ?? 0;
  };

  test("a candidate's pod crashes at 30: what it was answering breaks, nothing else", async () => {
    await service.steady(30);
    const from = await service.wait(3);
    const [victim] = await service.servers("llm-new");
    assert.ok(victim !== undefined);
    const crashedAt = now();
    await service.fault(victim, "crash");
    await service.wait(8);
    const { failed, ...rest } = await service.seen(from);
    console.log(describeSeen({ failed, ...rest }));
    // Only what that pod had accepted, or was given before its picker could know.
    for (const one of failed) {
      assert.ok(one.pod === victim.pod || one.startedAt < crashedAt + 2000, JSON.stringify(one));
      assert.ok(one.startedAt < crashedAt + 2000, `failed long after: ${JSON.stringify(one)}`);
    }
    await eventually("it is back", async () => (await readyServers("llm-new")) === 2, 120);
  });

  test("a candidate that is not ready gets no more: the update stops with the route untouched", async () => {
    await service.steady(30);
    await service.stack.setPath("gate.timeoutSeconds", "5");
    const from = now();
    for (const server of await service.servers("llm-new")) await service.fault(server, "unready");
    await eventually("nothing is ready", async () => (await readyServers("llm-new")) === 0, 60);
    await service.stack.set("weight", "60");
    const text = await service.stack.refusedUp();
    assert.match(text, /The route was not changed[^]*0 of 2 model servers of llm-new are ready/);
    await service.weights(30);
    // Back to the stable pool is open, and then nobody is harmed by it any more.
    await service.stack.set("weight", "0");
    await service.stack.up();
    await service.weights(0);
    await service.nothingFailed(await service.wait(5));
    const harmed = await service.seen(from);
    console.log(`while the candidate was unready at 30: ${describeSeen(harmed)}`);
    for (const server of await service.servers("llm-new")) await service.fault(server, "none");
    await eventually("it is ready again", async () => (await readyServers("llm-new")) === 2, 120);
    await service.stack.unset("gate");
  });

  test("every candidate is too busy to say in time how it is: it goes on answering customers", async () => {
    await service.steady(30);
    const from = await service.wait(3);
    for (const server of await service.servers("llm-new")) await service.fault(server, "busy:3s");
    await service.wait(25);
    assert.equal(await readyServers("llm-new"), 2);
    await service.nothingFailed(from);
    for (const server of await service.servers("llm-new")) await service.fault(server, "none");
  });

  for (const pool of ["llm", "llm-new"]) {
    test(`the picker of ${pool} is killed: its own streams break, none after it is back`, async () => {
      await service.steady(30);
      const from = await service.wait(3);
      const killedAt = now();
      process.kill(await service.pickerPid(pool), "SIGKILL");
      await sleep(1000);
      await eventually("it runs again", async () => {
        const deployment = await service.lab.get<{ status?: { readyReplicas?: number } }>(
          "apps/v1",
          "Deployment",
          "default",
          `${pool}-epp`,
        );
        return deployment?.status?.readyReplicas === 1;
      });
      const backAt = now();
      await service.wait(3);
      const { failed, ...rest } = await service.seen(from);
      console.log(
        `${pool}'s picker was away for ${((backAt - killedAt) / 1000).toFixed(1)} s: ${describeSeen({ failed, ...rest })}`,
      );
      for (const one of failed) {
        assert.ok(one.pool === pool || one.pool === undefined, `another pool's: ${JSON.stringify(one)}`);
        assert.ok(one.startedAt < backAt + 2000, `failed after it was back: ${JSON.stringify(one)}`);
      }
      await service.nothingFailed(await service.wait(5));
    });
  }

  test("a node is drained under streams: nothing fails", async () => {
    await service.steady(30);
    const from = await service.wait(2);
    const pods = await core().listNamespacedPod({ namespace: "default", labelSelector: "app=llm" });
    const pod = pods.items.find(({ status }) => status?.phase === "Running");
    const node = pod?.spec?.nodeName ?? "";
    await core().patchNode({ name: node, body: [{ op: "add", path: "/spec/unschedulable", value: true }] });
    const name = pod?.metadata?.name ?? "";
    await core().createNamespacedPodEviction({
      name,
      namespace: "default",
      body: { metadata: { name, namespace: "default" } },
    });
    await eventually(
      "the pod is gone, and another is ready elsewhere or waits for a node",
      async () => {
        const now = await core().listNamespacedPod({ namespace: "default", labelSelector: "app=llm" });
        return !now.items.some(({ metadata }) => metadata?.name === name);
      },
      200,
    );
    await service.nothingFailed(from);
    await core().patchNode({ name: node, body: [{ op: "remove", path: "/spec/unschedulable" }] });
    await eventually("the pool is whole again", async () => (await readyServers("llm")) === 6, 120);
  });

  test("the candidate is emptied by hand at 50: a rise is refused, going back ends the harm", async () => {
    await service.steady(50);
    await service.stack.setPath("gate.timeoutSeconds", "5");
    const from = now();
    await service.lab.edit({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "llm-new", namespace: "default" },
      spec: { replicas: 0 },
    });
    await eventually("it is empty", async () => (await readyServers("llm-new")) === 0, 120);
    await service.stack.set("weight", "60");
    assert.match(await service.stack.refusedUp(), /0 of 2 model servers of llm-new/);
    await service.weights(50);
    await service.stack.set("weight", "0");
    await service.stack.up();
    await service.nothingFailed(await service.wait(5));
    console.log(`while it was empty at 50: ${describeSeen(await service.seen(from))}`);
    await service.stack.pulumi.run(["up", "--yes", "--skip-preview", "--refresh"]);
    await eventually("it is whole again", async () => (await readyServers("llm-new")) === 2, 120);
    await service.stack.unset("gate");
    await service.steady(50);
  });

  test("a candidate whose servers never start: the update ends in its time, and it gets no traffic", async () => {
    await service.stack.set("weight", "0");
    await service.stack.up();
    const from = now();
    await service.stack.setPath("pools.llm-wrong.like", "llm-new");
    // An image that is nowhere to be had: here nobody runs it, on GKE nobody pulls it.
    await service.stack.setPath("pools.llm-wrong.server.image", "acme/no-such-server:v1");
    await service.stack.setPath("pools.llm-wrong.server.loadingMinutes", "1");
    await service.stack.set("candidate", "llm-wrong");
    await service.stack.set("weight", "10");
    const text = await service.stack.refusedUp();
    assert.match(text, /llm-wrong/);
    await service.weights(0);
    await service.stack.set("candidate", "llm-new");
    await service.stack.set("weight", "0");
    await service.stack.unset("pools.llm-wrong");
    await service.stack.up();
    await service.nothingFailed(from);
  });

  test("nodes that do not come: no traffic for the candidate, no harm, and the update says that Google has none", async () => {
    // A second candidate, whose nodes are never made: Spot node pools begin empty, so its pods wait for them.
    await service.stack.set("weight", "0");
    await service.stack.up();
    const faults = path.join(service.lab.lab.folder, "faults.json");
    fs.writeFileSync(faults, JSON.stringify({ nodePools: { "llm-b200": "stockout" } }));
    const from = now();
    await service.stack.setPath("pools.llm-b200.accelerator", "nvidia-b200");
    await service.stack.setPath("pools.llm-b200.acceleratorsPerReplica", "8");
    await service.stack.setPath("pools.llm-b200.provisioning", "spot");
    await service.stack.setPath("pools.llm-b200.replicas", "1");
    await service.stack.setPath("pools.llm-b200.server.loadingMinutes", "1");
    await service.stack.set("candidate", "llm-b200");
    await service.stack.set("weight", "10");
    const text = await service.stack.refusedUp();
    const told = text.split("\n").filter((line) => line.includes("GCE_STOCKOUT"));
    assert.match(
      told[0] ?? text,
      /llm-b200: waiting for 1 of 1 nodes: GCE_STOCKOUT: Node scale up in zones /,
    );
    assert.equal(told.length, 1, told.join("\n"));
    await service.weights(0);
    const status = await service.stack.rollout("status");
    assert.match(status.output, /note +llm-b200: waiting for 1 of 1 nodes: GCE_STOCKOUT/);
    // And it can be given up again.
    await service.stack.unset("candidate");
    await service.stack.set("weight", "0");
    await service.stack.unset("pools.llm-b200");
    await service.stack.up();
    await service.nothingFailed(from);
  });
});
