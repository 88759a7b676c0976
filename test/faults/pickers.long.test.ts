import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubernetesObject } from "@kubernetes/client-node";
import type { Outcome } from "../../lab/traffic/outcome";
import { now } from "../../rollout/traffic/client";
import { eventually, minutes } from "../end-to-end/stack-lab";
import { ServiceUnderLoad } from "./service-under-load";

/*
 * Why another picker is another pool: what customers see while a picker is replaced in place, alone and with one that
 * stands by; and what may change in place, at no cost.
 */

const model = "Qwen/Qwen3-8B";
const alias = "chat";

type Deployment = KubernetesObject & { status?: { readyReplicas?: number; replicas?: number } };

describe("pickers in the path of every response", minutes(20), () => {
  let service: ServiceUnderLoad;
  before(async () => {
    service = await ServiceUnderLoad.start({
      weight: 50,
      aliases: [alias],
      pools: {
        llm: { accelerator: "nvidia-l4", replicas: 4 },
        "llm-new": { like: "llm", picker: { replicas: 2 } },
      },
    });
    service.traffic.setRates({ plain: 20, streams: 4, models: [model, alias] });
  }, minutes(5));
  after(async () => service.stop());

  const deployment = (pool: string): Promise<Deployment | undefined> =>
    service.lab.get<Deployment>("apps/v1", "Deployment", "default", `${pool}-epp`);
  const pods = async (pool: string): Promise<{ name: string; ready: boolean; going: boolean }[]> => {
    const found = await service.lab.objects.list<
      KubernetesObject & { status?: { conditions?: { type: string; status: string }[] } }
    >("v1", "Pod", "default");
    return found.items
      .filter(({ metadata }) => metadata?.labels?.["app"] === `${pool}-epp`)
      .map(({ metadata, status }) => ({
        name: metadata?.name ?? "",
        ready: status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false,
        going: metadata?.deletionTimestamp !== undefined,
      }));
  };
  /** A picker is ready that was not there before. */
  const replaced = (pool: string, before: readonly string[], seconds: number): Promise<void> =>
    eventually(
      `another picker of ${pool} is ready`,
      async () =>
        (await pods(pool)).some(({ name, ready, going }) => ready && !going && !before.includes(name)),
      seconds,
    );
  const names = async (pool: string): Promise<string[]> => (await pods(pool)).map(({ name }) => name);

  /** What `kubectl rollout restart` does, and what a change of the config in place would do. */
  const restart = (pool: string): Promise<void> =>
    service.lab.edit({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: `${pool}-epp`, namespace: "default" },
      spec: { template: { metadata: { annotations: { restarted: String(now()) } } } },
    });

  const told = async (what: string, pool: string, from: number, backAt: number): Promise<Outcome[]> => {
    const { requests, streams, failed } = await service.seen(from);
    const of = (kind: Outcome["kind"], name: string): number =>
      failed.filter((one) => one.kind === kind && one.model === name).length;
    console.log(
      `# ${what}: no picker of ${pool} for ${((backAt - from) / 1000).toFixed(1)} s; of ${requests} requests and ${streams} streams of both pools failed: ` +
        `${of("plain", alias)} and ${of("stream", alias)} for ${alias}, ${of("plain", model)} and ${of("stream", model)} for ${model}; statuses ${[...new Set(failed.map(({ status }) => status))].join(", ")}`,
    );
    return [...failed];
  };

  /** The gateway has to see the picker too, which takes longer on a busy machine; from then on nothing fails. */
  const recovered = async (): Promise<void> => {
    const from = now();
    await eventually(
      "nothing fails any more",
      async () => (await service.seen(await service.wait(2))).failed.length === 0,
      90,
    );
    console.log(`# nothing fails from ${((now() - from) / 1000).toFixed(1)} s later on`);
    await service.nothingFailed(await service.wait(5));
  };

  test("one picker that is replaced in place: what was rewritten fails meanwhile", async () => {
    const before = await names("llm");
    const from = now();
    await restart("llm");
    await replaced("llm", before, 120);
    const backAt = now();
    await service.wait(3);
    const failed = await told("one picker, restarted", "llm", from, backAt);
    assert.ok(
      failed.some((one) => one.model === alias && one.status === 404),
      "nobody rewrites the alias",
    );
    await recovered();
  });

  test("a leader whose process dies: nobody leads until its lease has run out", async () => {
    const leader = (await pods("llm-new")).find(({ ready }) => ready)?.name ?? "";
    const from = now();
    process.kill(await service.pickerPid(leader), "SIGKILL");
    await eventually("none is ready", async () => !(await pods("llm-new")).some(({ ready }) => ready), 30);
    await eventually("one is ready", async () => (await pods("llm-new")).some(({ ready }) => ready), 60);
    const backAt = now();
    await service.wait(3);
    await told("a leader, killed", "llm-new", from, backAt);
    await recovered();
  });

  test("a leader that is deleted: the one that stands by takes over", async () => {
    const before = await names("llm-new");
    assert.equal(before.length, 2);
    const leader = (await pods("llm-new")).find(({ ready }) => ready)?.name ?? "";
    const from = now();
    await service.lab.remove("v1", "Pod", "default", leader);
    await replaced("llm-new", [leader], 120);
    const backAt = now();
    await service.wait(3);
    await told("a leader, deleted", "llm-new", from, backAt);
    await recovered();
  });

  test("another number of those that stand by applies in place, and nobody sees it", async () => {
    const leader = (await pods("llm-new")).find(({ ready }) => ready)?.name ?? "";
    const from = now();
    const more = await service.stack.update({ "pools.llm-new.picker.replicas": "3" });
    assert.equal(more.status, 0, more.output);
    await eventually("there are three", async () => (await deployment("llm-new"))?.status?.replicas === 3);
    assert.equal((await deployment("llm-new"))?.status?.readyReplicas, 1);
    assert.equal((await pods("llm-new")).find(({ ready }) => ready)?.name, leader);
    await service.wait(3);
    await service.nothingFailed(from);
  });

  test("everything else of a picker with traffic is refused", async () => {
    for (const [key, value] of [
      ["pools.llm.picker.replicas", "2"],
      ["pools.llm.picker.featureGates[0]", "flowControl"],
      ["pools.llm.picker.config.queue", "1"],
    ] as const) {
      await service.stack.setPath(key, value);
      const text = await service.stack.refusedUp();
      assert.match(text, /edited-in-place/);
      assert.doesNotMatch(text, /allow\[0\]' edited-in-place/);
      await service.stack.unset("pools.llm.picker");
    }
    await service.nothingFailed(await service.wait(2));
  });
});
