import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesObject } from "@kubernetes/client-node";
import { Traffic } from "../../lab/traffic/traffic";
import { eventually, minutes, nobodyNoticed, StackLab, type StackUnderTest } from "./stack-lab";

/*
 * Two owners of a pool's size, through a whole ladder: the plan sets the minimum and moves it with the weight, the real
 * HorizontalPodAutoscaler controller chooses above it by the servers' real queues. Both pools grow and shrink under
 * way, every change of a number is the autoscaler's, and no customer notices.
 */

const model = "Qwen/Qwen3-8B";
const [llm, next] = ["llm", "llm-new"] as const;
type PoolName = typeof llm | typeof next;

type Deployment = KubernetesObject & { spec?: { replicas?: number }; status?: { readyReplicas?: number } };
type Hpa = KubernetesObject & {
  spec?: { minReplicas?: number; maxReplicas?: number };
  status?: { conditions?: { type: string; status: string; message?: string }[] };
};

/** What somebody wrote of an object, as far as it is looked at here. */
interface Fields {
  "f:spec"?: { "f:replicas"?: object };
}

/** Every number of replicas that a pool's Deployment had, and who wrote it. */
class Sizes {
  readonly seen: Record<PoolName, { replicas: number; by: string[]; at: string }[]> = {
    [llm]: [],
    [next]: [],
  };
  private ended = false;
  private readonly running: Promise<void>;

  constructor(private readonly lab: StackLab) {
    this.running = this.follow();
  }

  of(pool: PoolName): number[] {
    return this.seen[pool].map(({ replicas }) => replicas);
  }

  last(pool: PoolName): number {
    return this.of(pool).at(-1) ?? 0;
  }

  /** Steps of a pool since a place in its history. */
  steps(pool: PoolName, from = 0): { up: number; down: number } {
    const sizes = this.of(pool).slice(from);
    const changes = sizes.slice(1).map((size, i) => size - (sizes[i] ?? size));
    return { up: changes.filter((by) => by > 0).length, down: changes.filter((by) => by < 0).length };
  }

  async stop(): Promise<void> {
    this.ended = true;
    await this.running;
  }

  private async follow(): Promise<void> {
    while (!this.ended) {
      for (const pool of [llm, next] as const) {
        const live = await this.lab.get<Deployment>("apps/v1", "Deployment", "default", pool);
        const replicas = live?.spec?.replicas;
        if (replicas !== undefined && replicas !== this.last(pool)) {
          const owners = (live?.metadata?.managedFields ?? []).filter(
            ({ fieldsV1 }) => (fieldsV1 as Fields | undefined)?.["f:spec"]?.["f:replicas"] !== undefined,
          );
          const by = owners.map(({ manager, subresource }) => `${manager ?? ""}/${subresource ?? ""}`);
          this.seen[pool].push({ replicas, by, at: new Date().toISOString().slice(11, 19) });
        }
      }
      await sleep(150);
    }
  }
}

describe("a ladder whose pools an autoscaler scales", { concurrency: false, ...minutes(29) }, () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let traffic: Traffic;
  let sizes: Sizes;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    stack = await lab.stack("dev", {
      ...{ model, weight: 0, stable: llm, candidate: next, adapters: undefined, objectives: undefined },
      capacity: { mode: "follow-weight", rollbackReserve: 0.5 },
      pools: {
        llm: {
          ...{ accelerator: "nvidia-l4", replicas: 3 },
          autoscaling: { max: 5, target: 2, shrinkAfterSeconds: 15 },
        },
        "llm-new": { like: llm },
      },
      // Four streams at once on a server, of five and a half seconds each: less than one a second.
      server: { args: ["--max-num-seqs", "4"] },
    });
    await stack.up();
    const address = String((await stack.pulumi.outputs())["address"]);
    const target = { host: address, port: await lab.lab.boundPort(address) };
    traffic = Traffic.start(target, { requests: 100_000, seconds: 1750 });
    sizes = new Sizes(lab);
  }, minutes(5));
  after(async () => {
    await sizes.stop();
    traffic.kill();
    await lab.stop();
  });

  const load = (streams: number): void => traffic.setRates({ plain: 2, streams, models: [model] });
  /** Three replicas carry 2.2 streams a second, five 3.6. */
  const [high, low] = [3, 0.3];
  const minimum = async (pool: PoolName): Promise<number | undefined> =>
    (await lab.get<Hpa>("autoscaling/v2", "HorizontalPodAutoscaler", "default", pool))?.spec?.minReplicas;
  const minima = async (): Promise<(number | undefined)[]> => [await minimum(llm), await minimum(next)];
  const move = async (weight: number): Promise<void> => {
    const moved = await stack.update({ weight: String(weight) });
    assert.equal(moved.status, 0, moved.output);
  };
  const say = (what: string): void => {
    const text = ([llm, next] as const).map((pool) => `${pool} ${sizes.of(pool).join(" ")}`);
    console.log(`# ${what}: ${text.join("; ")}`);
  };
  /** Whoever else writes a number of replicas takes the field from the autoscaler. */
  const onlyTheAutoscaler = (): void => {
    for (const pool of [llm, next] as const) {
      for (const { replicas, by, at } of sizes.seen[pool].slice(1)) {
        assert.ok(
          by.includes("kube-controller-manager/scale"),
          `${pool} to ${replicas} by ${by.join(", ")} at ${at}`,
        );
      }
    }
  };

  test(
    "the autoscaler reads the servers' queues, and grows the stable pool under load",
    minutes(4),
    async () => {
      load(low);
      await eventually("the autoscaler has its metric", async () => {
        const found = await lab.get<Hpa>("autoscaling/v2", "HorizontalPodAutoscaler", "default", llm);
        return (
          found?.status?.conditions?.some(
            ({ type, status }) => type === "ScalingActive" && status === "True",
          ) ?? false
        );
      });
      assert.deepEqual(await minima(), [3, 1]);
      load(high);
      await eventually("llm grows", () => Promise.resolve(sizes.last(llm) > 3), 120);
      say("grown");
    },
  );

  test(
    "an update that changes nothing leaves its number alone, also one that refreshes",
    minutes(8),
    async () => {
      for (const args of [[], ["--refresh"]]) {
        const done = await stack.pulumi.attempt(["up", "--yes", "--skip-preview", ...args]);
        assert.equal(done.status, 0, done.output);
      }
      assert.deepEqual(await minima(), [3, 1]);
      say("two updates later");
      onlyTheAutoscaler();
    },
  );

  test("up the ladder under load, the candidate grows", minutes(10), async () => {
    await move(30);
    assert.deepEqual(await minima(), [3, 1]);
    await move(60);
    assert.deepEqual((await minima())[1], 2);
    await eventually("llm-new grows above its minimum", () => Promise.resolve(sizes.last(next) > 2), 120);
    say("at 60");
  });

  test("both shrink when the load goes, and grow again", minutes(14), async () => {
    const from = { [llm]: sizes.of(llm).length - 1, [next]: sizes.of(next).length - 1 };
    load(low);
    for (const pool of [llm, next] as const) {
      await eventually(`${pool} shrinks`, () => Promise.resolve(sizes.steps(pool, from[pool]).down > 0), 150);
    }
    say("with little load");
    load(high);
    await move(100);
    // The one that moves takes nothing away; the next one leaves the old pool its reserve.
    await stack.up();
    assert.deepEqual(await minima(), [2, 3]);
    await eventually("llm-new grows at 100", () => Promise.resolve(sizes.last(next) > 3), 150);
    await eventually("llm shrinks to its reserve", () => Promise.resolve(sizes.last(llm) === 2), 400);
    say("at 100");
  });

  test("back to 30 under load: the old pool has what that needs before it gets it", minutes(10), async () => {
    await move(30);
    assert.equal(await minimum(llm), 3);
    const ready = (await lab.get<Deployment>("apps/v1", "Deployment", "default", llm))?.status?.readyReplicas;
    assert.ok((ready ?? 0) >= 3, `${ready ?? 0} replicas of llm are ready`);
    await move(100);
    say("back and forth");
  });

  test("every change was the autoscaler's", async () => {
    for (const pool of [llm, next] as const) {
      const { up, down } = sizes.steps(pool);
      assert.ok(up > 0 && down > 0, `${pool}: ${sizes.of(pool).join(" ")}`);
    }
    onlyTheAutoscaler();
    await sizes.stop();
  });

  test("promoted; nobody noticed anything", minutes(5), async () => {
    const { status, output } = await stack.rollout("promote", "--yes");
    assert.equal(status, 0, output);
    assert.equal(await minimum(llm), undefined);
    assert.equal(await minimum(next), 3);
    load(low);
    assert.deepEqual(await nobodyNoticed(traffic), [llm, next]);
  });
});
