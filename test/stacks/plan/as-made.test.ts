import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newestRendering } from "../../../components/engines/catalogue";
import { nodePoolSpecs } from "../../../components/cluster/node-pool-spec";
import { nothingDeployed, type PlannedPool } from "../../../stacks/plan/model";
import type { Observed, ObservedPool } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { renderService } from "../rendered-service";
import { sourceCase } from "../cases";
import { deployed, planned, rulesOf } from "./worlds";

/* Pools that an earlier version of this program made, and what its defaults were then. */

const serving = { ...sourceCase, candidate: "", weight: 0 };

/** The world as it is, with pools that were made with other values. */
function madeAs(world: Observed, fields: Record<string, string>): Observed {
  const pools = world.pools.map((pool) => ({ ...pool, identity: { ...pool.identity, ...fields } }));
  return { ...world, pools };
}

function driverOf({ pool }: PlannedPool): unknown {
  const needs = { service: "llm", ...pool, pool: pool.name };
  const [gpu] = nodePoolSpecs(needs)[0]?.args.nodeConfig.guestAccelerators as {
    gpuDriverInstallationConfig: { gpuDriverVersion: string };
  }[];
  return gpu?.gpuDriverInstallationConfig.gpuDriverVersion;
}

const tpu = (pool: object): RawConfig => ({
  ...{ model: "Qwen/Qwen3-8B", stable: "llm" },
  pools: { llm: { accelerator: "tpu7x", replicas: 1, ...pool } },
});

/** The world after an earlier version made the pool, which wrote nothing of how it renders. */
function madeEarlier(world: Observed, fields: Record<string, string> = {}): Observed {
  return madeAs({ ...world, pools: world.pools.map(withoutRendering) }, fields);
}

function withoutRendering(pool: ObservedPool): ObservedPool {
  const identity = Object.fromEntries(
    Object.entries(pool.identity ?? {}).filter(([key]) => key !== "rendering"),
  );
  return { ...pool, identity };
}

async function containersOf(config: RawConfig, world?: Observed): Promise<string> {
  const resources = await renderService(config, world);
  return JSON.stringify(resources.filter(({ type }) => /:Deployment$|:LeaderWorkerSet$/.test(type)));
}

describe("pod templates", () => {
  it("split a model over both devices of a TPU 7x chip in a new pool, and as before in one that serves", async () => {
    const config = tpu({});
    assert.match(await containersOf(config), /"--tensor-parallel-size","8"/);
    const world = madeEarlier(deployed(config));
    assert.deepEqual(rulesOf(config, world), []);
    assert.match(await containersOf(config, world), /"--tensor-parallel-size","4"/);
    assert.equal(planned(config, world).pools[0]?.identity["rendering"], undefined);
    assert.equal(planned(config, deployed(config)).pools[0]?.identity["rendering"], String(newestRendering));
  });

  it("name Ray to every pod of a slice of several hosts, whose leader waits for all of them", async () => {
    const config = tpu({ acceleratorsPerReplica: 16, zones: ["us-central1-a"] });
    const text = await containersOf(config);
    assert.equal(text.split("TPU_MULTIHOST_BACKEND").length - 1, 2, "leader and workers");
    assert.match(
      text,
      /ray\.nodes\(\)\)\)' 2>\/dev\/null \| tail -n 1\)\\" = 4 \]; do sleep 2; done && exec/,
    );
    const before = await containersOf(config, madeEarlier(deployed(config)));
    assert.doesNotMatch(before, /TPU_MULTIHOST_BACKEND|until \[/);
  });

  it("show vLLM v0.9 to v0.11 the driver's libraries, and leave other images and older pools as they are", async () => {
    const gpu = (version: string): RawConfig => ({ ...serving, server: { version } });
    assert.match(await containersOf(gpu("v0.11.0")), /LD_LIBRARY_PATH.*\/usr\/local\/nvidia\/lib64/);
    for (const version of ["v0.8.5", "v0.12.0", "v0.21.0", "v1.9.0"])
      assert.doesNotMatch(await containersOf(gpu(version)), /LD_LIBRARY_PATH/, version);
    const world = madeEarlier(deployed(gpu("v0.11.0")));
    assert.deepEqual(rulesOf(gpu("v0.11.0"), world), []);
    assert.doesNotMatch(await containersOf(gpu("v0.11.0"), world), /LD_LIBRARY_PATH/);
  });

  it("request processors and memory in a new pool, and restart no pod of one that serves for it", async () => {
    const two = { ...serving, pools: { llm: { ...sourceCase.pools.llm, acceleratorsPerReplica: 2 } } };
    assert.match(await containersOf(two), /"requests":\{"cpu":"2","memory":"8Gi","nvidia.com\/gpu":"2"\}/);
    assert.equal(planned(two).pools[0]?.identity["rendering"], String(newestRendering));
    const world = madeEarlier(deployed(two));
    assert.deepEqual(rulesOf(two, world), []);
    assert.match(await containersOf(two, world), /"requests":\{"nvidia.com\/gpu":"2"\}/);
    assert.equal(planned(two, world).pools[0]?.identity["rendering"], undefined);
    // And of one that the version before made with what it rendered otherwise.
    const slice = tpu({ acceleratorsPerReplica: 16, zones: ["us-central1-a"] });
    const second = madeEarlier(deployed(slice), { rendering: "2" });
    assert.deepEqual(rulesOf(slice, second), []);
    assert.match(await containersOf(slice, second), /"requests":\{"google.com\/tpu":"4"\}/);
    const own = { ...two, server: { resources: { memory: "64Gi" } } };
    assert.match(await containersOf(own), /"requests":\{"cpu":"2","memory":"64Gi","nvidia.com\/gpu":"2"\}/);
  });

  it("leave busy servers in a new pool, and restart no pod of one that serves for it", async () => {
    for (const engine of ["vllm", "sglang"]) {
      const config = { ...serving, server: { engine } };
      assert.match(await containersOf(config), /"readinessProbe":\{"failureThreshold":3/, engine);
      const world = madeEarlier(deployed(config), { rendering: "3" });
      assert.deepEqual(rulesOf(config, world), []);
      assert.match(await containersOf(config, world), /"readinessProbe":\{"failureThreshold":1/, engine);
      assert.equal(planned(config, world).pools[0]?.identity["rendering"], "3");
    }
  });

  it("keep connections in a new pool for longer than the load balancer does, and restart no pod of one that serves", async () => {
    const idle = /"name":"VLLM_HTTP_TIMEOUT_KEEP_ALIVE","value":"620"/;
    assert.match(await containersOf(serving), idle);
    const world = madeEarlier(deployed(serving), { rendering: "4" });
    assert.deepEqual(rulesOf(serving, world), []);
    assert.doesNotMatch(await containersOf(serving, world), idle);
    const own = { ...serving, server: { env: { VLLM_HTTP_TIMEOUT_KEEP_ALIVE: "75" } } };
    assert.match(await containersOf(own), /"name":"VLLM_HTTP_TIMEOUT_KEEP_ALIVE","value":"75"/);
    assert.doesNotMatch(await containersOf(own), idle);
  });

  it("keep the image that was the default for TPUs when the pool was made", () => {
    const former = "vllm/vllm-tpu:v0.22.0";
    const world = madeEarlier(deployed(tpu({})), { "server.image": former });
    assert.deepEqual(rulesOf(tpu({}), world), []);
    assert.equal(planned(tpu({}), world).pools[0]?.pool.server.image, former);
    assert.deepEqual(rulesOf(tpu({ server: { version: "v0.21.0" } }), world), ["edited-in-place"]);
    const other = madeEarlier(deployed(tpu({})), { "server.image": "vllm/vllm-tpu:v0.19.0" });
    assert.deepEqual(rulesOf(tpu({}), other), ["edited-in-place"]);
  });
});

describe("the GPU driver", () => {
  it("is the latest on nodes of a new pool", () => {
    const [pool] = planned(serving).pools;
    assert.equal(pool?.identity["driver"], "latest");
    assert.equal(driverOf(pool), "LATEST");
  });

  it("stays what a pool was made with while the config does not say it", () => {
    const world = madeAs(deployed(serving), { driver: "default" });
    assert.deepEqual(rulesOf(serving, world), []);
    const [pool] = planned(serving, world).pools;
    assert.equal(pool?.identity["driver"], "default");
    assert.equal(driverOf(pool), "DEFAULT");
    const [, candidate] = planned({ ...sourceCase, weight: 0 }, world).pools;
    assert.equal(candidate?.identity["driver"], "latest", "the new pool beside it has the new default");
  });

  it("is an edit in place where the config names another one, or named one that is no default", () => {
    const pools = { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, driver: "latest" } };
    const before = madeAs(deployed(serving), { driver: "default" });
    assert.deepEqual(rulesOf({ ...serving, pools }, before), ["edited-in-place"]);
    assert.deepEqual(rulesOf(serving, madeAs(deployed(serving), { driver: "disabled" })), [
      "edited-in-place",
    ]);
  });

  it("is nothing to select by on nodes created outside the stack, unless the config says it", () => {
    const [pool] = planned(serving, { ...nothingDeployed, ownNodes: false }).pools;
    assert.equal(pool?.pool.hardware.driver, "default");
    const pools = { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, driver: "latest" } };
    const [named] = planned({ ...serving, pools }, { ...nothingDeployed, ownNodes: false }).pools;
    assert.equal(named?.pool.hardware.driver, "latest");
  });
});
