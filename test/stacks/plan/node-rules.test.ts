import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nothingDeployed } from "../../../stacks/plan/model";
import { fixText } from "../../../stacks/messages/edits";
import { holdsNothing } from "../../../stacks/plan/standing";
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

describe("TPU 7x", () => {
  it("is refused where the cluster or the nodes are older than it", () => {
    const ironwood = of({ accelerator: "tpu7x", provisioning: "spot" });
    assert.deepEqual(rules(ironwood, { version: "1.34.0-gke.2200999" }), ["gke-version"]);
    assert.deepEqual(rules(ironwood, { version: "1.34.0-gke.2201000" }), []);
  });
});

describe("Ubuntu nodes", () => {
  it("are refused with the latest driver, which is the default, unless they are there", () => {
    const ubuntu = { accelerator: "nvidia-l4", nodeImage: "ubuntu" };
    assert.deepEqual(rules(of(ubuntu), {}), ["ubuntu-driver"]);
    for (const driver of ["default", "disabled"])
      assert.deepEqual(rules(of({ ...ubuntu, driver }), {}), [], driver);
    const kept = of({ ...ubuntu, driver: "default" });
    const world = after(serviceConfig(kept), planned(kept));
    assert.ok(!rulesOf(of({ ...ubuntu, driver: "latest" }), world).includes("ubuntu-driver"));
  });
});

describe("a cluster without Workload Identity Federation", () => {
  it("gets no new node pools, and is told how to have it; pools that are there stay", () => {
    const l4 = of({ accelerator: "nvidia-l4" });
    assert.deepEqual(rules(l4, { workloadIdentity: false }), ["workload-identity"]);
    assert.deepEqual(rules(l4, { workloadIdentity: true }), []);
    assert.deepEqual(rules(l4, {}), []);
    const world = after(serviceConfig(l4), planned(l4));
    assert.deepEqual(rulesOf(l4, { ...world, cluster: { created: false, workloadIdentity: false } }), []);
    const place = { name: "prod", location: "us-central1", project: "acme-ml" };
    const standing = { held: holdsNothing, wanted: { role: "all", mode: "adopt", place } } as const;
    const { refusals } = planned(l4, {
      ...nothingDeployed,
      ...{ standing, cluster: { created: false, workloadIdentity: false } },
    });
    assert.equal(
      refusals.map((refusal) => fixText(refusal.fix)).join(),
      "gcloud container clusters update prod --location us-central1 --project acme-ml --workload-pool=acme-ml.svc.id.goog (existing node pools stay as they are)",
    );
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

describe("whose nodes a pool runs on", () => {
  it("is no matter where nobody says whose the update would create: the rollout commands", () => {
    const raw = of({ accelerator: "nvidia-l4" });
    const seen = (ownNodes: boolean): object => ({
      pools: [{ name: "llm", namespace: "default", owned: true, pods: { ownNodes, token: false } }],
    });
    for (const made of [true, false]) {
      assert.ok(!rulesOf(raw, { ...nothingDeployed, ...seen(made) }).includes("nodes-changed"));
      assert.ok(
        rulesOf(raw, { ...nothingDeployed, ...seen(made), ownNodes: !made }).includes("nodes-changed"),
        `made: ${made}`,
      );
    }
  });
});
