import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodePoolSpecs } from "../../../components/cluster/node-pool-spec";
import { nothingDeployed, type PlannedPool } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
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
