import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { ObservedCluster } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { after, serviceConfig } from "../cases";
import { planned, rulesOf } from "./worlds";

const base = { model: "Qwen/Qwen3-8B", stable: "llm" };
const of = (pool: object): RawConfig => ({ ...base, pools: { llm: { replicas: 2, ...pool } } });
const h200 = { accelerator: "nvidia-h200-141gb", provisioning: "spot" };
const scaled = of({ accelerator: "nvidia-l4", autoscaling: { max: 8 } });

const rules = (raw: RawConfig, cluster: Partial<ObservedCluster>): string[] =>
  rulesOf(raw, { ...nothingDeployed, cluster: { created: false, ...cluster } });
const notes = (raw: RawConfig, cluster: Partial<ObservedCluster>): string =>
  planned(raw, { ...nothingDeployed, cluster: { created: false, ...cluster } }).notes.join();

describe("a GKE version that is too old", () => {
  it("refuses a pool whose accelerator network it cannot set up, by any part of the version", () => {
    for (const version of ["1.33.9-gke.9999999", "1.34.0-gke.9999999", "1.34.1-gke.1829000"])
      assert.deepEqual(rules(of(h200), { version }), ["gke-version"], version);
    for (const version of ["1.34.1-gke.1829001", "1.34.2-gke.1", "1.35.0-gke.1", "1.30.4"])
      assert.deepEqual(rules(of(h200), { version }), [], version);
    assert.deepEqual(rules(of(h200), {}), []);
  });

  it("is the nodes' own where they have one, and does not matter without the network", () => {
    const version = "1.35.0-gke.1";
    assert.deepEqual(rules(of({ ...h200, nodeVersion: "1.33.9-gke.1" }), { version }), ["gke-version"]);
    assert.deepEqual(rules(of({ ...h200, acceleratorNetwork: "none" }), { version: "1.33.9-gke.1" }), []);
    assert.deepEqual(rules(of({ accelerator: "nvidia-l4" }), { version: "1.33.9-gke.1" }), []);
  });

  it("leaves a pool that exists alone", () => {
    const world = after(serviceConfig(of(h200)), planned(of(h200)));
    const cluster = { created: false, version: "1.33.9-gke.1" };
    assert.deepEqual(rulesOf(of(h200), { ...world, cluster }), []);
  });
});

describe("GB300", () => {
  const gb300 = of({
    ...{ accelerator: "nvidia-gb300", provisioning: "reservation", reservation: "r" },
    zones: ["us-central1-a"],
  });

  it("is refused on a cluster that the stack creates, and on any that is too old", () => {
    assert.deepEqual(rules(gb300, { created: true }), ["bare-metal-cluster"]);
    assert.deepEqual(rules(gb300, { version: "1.34.1-gke.1829001" }), ["gke-version"]);
    assert.deepEqual(rules(gb300, { version: "1.34.3-gke.1318000" }), []);
  });
});

describe("an autoscaler without metrics", () => {
  it("is refused for a new pool on a cluster that serves none", () => {
    assert.deepEqual(rules(scaled, { customMetrics: false }), ["autoscaling-metrics"]);
    assert.deepEqual(rules(scaled, { customMetrics: true }), []);
  });

  it("is a note for a pool that exists, and on a cluster that is still to be created", () => {
    assert.match(notes(scaled, { created: true }), /finds no metrics until/);
    const world = after(serviceConfig(scaled), planned(scaled));
    const again = planned(scaled, { ...world, cluster: { created: false, customMetrics: false } });
    assert.deepEqual(again.refusals, []);
    assert.match(again.notes.join(), /finds no metrics until/);
    assert.doesNotMatch(notes(scaled, { customMetrics: true }), /metrics/);
  });
});
