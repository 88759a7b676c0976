import { adapterListFor } from "../../../stacks/plan/adapter-versions";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import { loadedBefore, proveVersions, type AdapterWaits } from "../../../stacks/gates/adapter-waits";
import type { RawConfig } from "../../../stacks/config/parse";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { adapterCase, v2 } from "../adapter-cases";
import { after, ownedPool, serviceConfig, planFor } from "../cases";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

const gate = { timeoutSeconds: 1 };
const at = (weight: number, rest: RawConfig = {}): RawConfig =>
  adapterCase({}, { candidate: "llm-new", weight, gate, ...rest });
const alone = adapterCase({}, { gate });

function world(...raws: RawConfig[]): Observed {
  return raws.reduce<Observed>((observed, raw) => {
    const config = serviceConfig(raw);
    return after(config, planFor(config, observed), observed);
  }, nothingDeployed);
}

function waitsFor(raw: RawConfig, observed: Observed, pods: LiveObject[] = []): AdapterWaits {
  const config = serviceConfig(raw);
  const reader: ClusterReader = { get: () => Promise.resolve(undefined), list: () => Promise.resolve(pods) };
  return { config, observed, plan: planFor(config, observed), reader: () => Promise.resolve(reader) };
}

/** Pools that something waits for. */
function waited(raw: RawConfig, observed: Observed): string[] {
  const waits = waitsFor(raw, observed);
  return waits.plan.pools
    .filter((planned) => loadedBefore(waits)(planned) !== undefined)
    .map(({ pool }) => pool.name);
}

describe("waiting for pools with adapters", () => {
  it("is for those that are new, until an update has succeeded with them", () => {
    assert.deepEqual(waited(alone, nothingDeployed), ["llm"]);
    assert.deepEqual(waited(at(0), world(alone)), ["llm-new"]);
    const config = serviceConfig(at(0));
    const failed = after(config, planFor(config, world(alone)), world(alone), false);
    assert.deepEqual(waited(at(0), failed), ["llm-new"]);
    assert.deepEqual(waited(at(10), world(alone, at(0))), []);
  });

  it("is for those that grow", () => {
    const pools = {
      llm: { accelerator: "nvidia-l4", replicas: 4 },
      "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    assert.deepEqual(waited(at(10, { pools }), world(alone, at(0), at(10))), ["llm"]);
  });

  it("is never for one that loses traffic: going back waits for nothing", () => {
    const grown = {
      llm: { accelerator: "nvidia-l4", replicas: 2 },
      "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 4 },
    };
    assert.deepEqual(waited(at(0, { pools: grown }), world(alone, at(0), at(30))), []);
    const config = serviceConfig(at(30));
    const broken = after(config, planFor(config, world(alone)), world(alone), false);
    assert.deepEqual(waited(at(0), broken), []);
  });

  it("is never for a pool without adapters: there the provider waits", () => {
    assert.deepEqual(waited({ ...alone, adapters: [] }, nothingDeployed), []);
  });
});

describe("a version that is to get requests", () => {
  const split = (weight: number): RawConfig => adapterCase({ candidate: v2, weight }, { gate });
  const before = world(alone, split(0));
  const revision = (): string => {
    const config = serviceConfig(split(10));
    return adapterListFor(config, ownedPool(config, "llm"))?.revision ?? "";
  };
  const pod = (message: string, reason: string): LiveObject => ({
    metadata: { name: "llm-1", labels: { app: "llm" } },
    status: {
      conditions: [
        { type: "Ready", status: "True" },
        {
          type: "inference-rollout/adapters",
          status: reason === "Loaded" ? "True" : "False",
          reason,
          message,
        },
      ],
    },
  });

  it("has been loaded by every pod", async () => {
    await proveVersions(waitsFor(split(10), before, [pod(`revision ${revision()}: all`, "Loaded")]), "llm");
    const old = waitsFor(split(10), before, [pod("revision old: all", "Loaded")]);
    await assert.rejects(proveVersions(old, "llm"), (error: Error) => {
      assert.match(error.message, /pod llm-1 has not loaded the current list of adapters yet/);
      assert.match(error.message, /The split of the requests to food-review-v2 was not changed/);
      return true;
    });
  });

  it("is asked for on its own pool only, and not where requests go back", async () => {
    await proveVersions(waitsFor(split(10), before), "llm-new");
    await proveVersions(waitsFor(split(0), world(alone, split(0), split(50))), "llm");
  });

  it("is not asked for where the gate is off", async () => {
    const off = { gate: { via: "off" } };
    await proveVersions(waitsFor({ ...split(10), ...off }, before), "llm");
  });
});
