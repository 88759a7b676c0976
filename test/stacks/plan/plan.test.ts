import { fix } from "../../../stacks/plan/config-edits";
import { fixText } from "../../../stacks/messages/edits";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { after, serviceConfig, sourceCase } from "../cases";
import { deployed, planned, rulesOf } from "./worlds";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

const serving = { ...sourceCase, candidate: "", weight: 0 };
const at = (weight: number): RawConfig => ({ ...sourceCase, weight });
const promoted = { ...serving, stable: "llm-new" };

describe("the plan of a node update", () => {
  it("goes through the whole ladder of the source and back", () => {
    deployed(serving, at(0), at(10), at(30), at(60), at(100), at(0), at(100), promoted);
  });

  it("goes from nothing to weight 10 in one update, with both pools and a candidate that has to prove itself", () => {
    const result = planned(at(10));
    assert.deepEqual(result.refusals, []);
    assert.deepEqual(
      result.pools.map(({ pool, replicas }) => [pool.name, replicas]),
      [
        ["llm", 6],
        ["llm-new", 2],
      ],
    );
    assert.deepEqual(result.backends, [
      { namespace: "default", pool: "llm", weight: 90 },
      { namespace: "default", pool: "llm-new", weight: 10 },
    ]);
    assert.ok(result.candidateRises);
    assert.deepEqual(result.rising, [
      { pool: "llm", namespace: "default", share: 90, needs: 6 },
      { pool: "llm-new", namespace: "default", share: 10, needs: 1 },
    ]);
    assert.equal(result.kind, "node-update");
  });

  it("leaves a pool without weight out of the route", () => {
    assert.deepEqual(planned(at(0)).backends, [{ namespace: "default", pool: "llm", weight: 100 }]);
    assert.deepEqual(planned(at(100)).backends, [{ namespace: "default", pool: "llm-new", weight: 100 }]);
  });

  it("does not change the route when it promotes", () => {
    const shifted = planned(at(100), deployed(at(0), at(100)));
    const result = planned(promoted, deployed(at(0), at(100)));
    assert.deepEqual(result.backends, shifted.backends);
    assert.deepEqual(result.removed, [{ name: "llm", namespace: "default" }]);
    assert.deepEqual(result.refusals, []);
  });

  it("asks for proof only when the candidate's share rises", () => {
    const world = deployed(at(0), at(30));
    assert.ok(planned(at(60), world).candidateRises);
    assert.ok(!planned(at(30), world).candidateRises);
    assert.ok(!planned(at(10), world).candidateRises);
    assert.ok(!planned(at(0), world).candidateRises);
  });

  it("measures the rise against the live route, not against the record", () => {
    const world: Observed = {
      ...deployed(at(0), at(30)),
      route: { backends: [{ namespace: "default", pool: "llm", weight: 1 }] },
    };
    assert.ok(planned(at(30), world).candidateRises);
  });
});

describe("what the plan refuses", () => {
  it("removes no pool that the live route sends traffic to", () => {
    for (const weight of [1, 10, 99]) {
      const world = deployed(at(0), at(weight));
      assert.deepEqual(rulesOf(serving, world), ["pool-has-traffic"], `candidate dropped at ${weight}`);
      assert.ok(rulesOf(promoted, world).includes("pool-has-traffic"), `promoted at ${weight}`);
    }
  });

  it("removes no pool that had weight in the last successful update, even if the live route has moved", () => {
    const world = {
      ...deployed(at(0), at(30)),
      route: { backends: [{ namespace: "default", pool: "llm", weight: 1 }] },
    };
    assert.deepEqual(rulesOf(serving, world), ["pool-has-traffic"]);
  });

  it("removes no pool whose last update failed after the route moved", () => {
    const before = deployed(at(0));
    const config = serviceConfig(at(30));
    const world = after(config, planned(at(30), before), before, false);
    assert.deepEqual(rulesOf(serving, world), ["pool-has-traffic"]);
  });

  it("names the commands that lead out", () => {
    const [dropped] = planned(serving, deployed(at(0), at(30))).refusals;
    assert.equal(
      fixText(dropped?.fix ?? fix``),
      "pulumi config set candidate llm-new && pulumi config set weight 0 && pulumi up; then pulumi config rm candidate && pulumi up",
    );
    const [early] = planned(promoted, deployed(at(0), at(60))).refusals;
    assert.match(
      fixText(early?.fix ?? fix``),
      /set stable llm && .*set candidate llm-new && .*set weight 60 && pulumi up/,
    );
  });

  it("gives no pool all of the traffic that was never the candidate", () => {
    const world: Observed = {
      ...deployed(serving),
      pools: [{ name: "llm", namespace: "default", owned: false }],
    };
    const pools = { ...sourceCase.pools, llm: { existing: true } };
    assert.deepEqual(rulesOf({ ...promoted, pools }, world), ["unproven-stable"]);
  });

  it("does not let stable and candidate change places on the way", () => {
    const swapped = { ...sourceCase, stable: "llm-new", candidate: "llm", weight: 10 };
    assert.deepEqual(rulesOf(swapped, deployed(at(0), at(40))), ["unproven-stable"]);
  });

  it("lets the stable pool have everything back at once", () => {
    assert.deepEqual(rulesOf(at(0), deployed(at(0), at(100))), []);
  });

  it("changes no hardware, model or server in place", () => {
    const world = deployed(at(0), at(10));
    for (const change of [
      { accelerator: "nvidia-b200", acceleratorsPerReplica: 8, provisioning: "spot" },
      { model: "Qwen/Qwen3-14B" },
      { server: { version: "v0.20.0" } },
      { server: { args: ["--max-model-len", "4096"] } },
      { provisioning: "spot" },
    ]) {
      const pools = { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, ...change } };
      const found = planned({ ...at(10), pools }, world).refusals;
      assert.ok(found.length > 0, JSON.stringify(change));
      for (const { rule, waiver } of found) {
        assert.equal(rule, "edited-in-place");
        assert.equal(waiver, undefined, "a pool with traffic is not edited, whoever allows it");
      }
    }
  });

  it("lets the model of a pod template that was taken over be named at any time", () => {
    const pools = {
      llm: { existing: true },
      "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    const unnamed = { stable: "llm", candidate: "llm-new", weight: 10, pools };
    const result = planned(unnamed);
    const world = after(serviceConfig(unnamed), result, nothingDeployed);
    const theirs = { name: "llm", namespace: "default", owned: false };
    const next = { ...world, pools: [theirs, ...world.pools] };
    assert.deepEqual(rulesOf({ ...unnamed, model: "Qwen/Qwen3-8B" }, next), []);
    const other = { ...pools, "llm-new": { ...pools["llm-new"], accelerator: "nvidia-l4" } };
    assert.deepEqual(rulesOf({ ...unnamed, pools: other }, next), ["edited-in-place"]);
  });

  it("changes replicas in place", () => {
    const pools = { ...sourceCase.pools, llm: { accelerator: "nvidia-l4", replicas: 9 } };
    assert.deepEqual(rulesOf({ ...at(10), pools }, deployed(at(0), at(10))), []);
  });

  it("lets a candidate without traffic be edited when told so, for one update", () => {
    const pools = { ...sourceCase.pools, "llm-new": { accelerator: "nvidia-l4", replicas: 2 } };
    const edited = { ...at(0), pools };
    const world = deployed(at(0));
    assert.deepEqual(rulesOf(edited, world), ["edited-in-place"]);
    const allowed = { ...edited, allow: ["edited-in-place"] };
    const result = planned(allowed, world);
    assert.deepEqual(result.refusals, []);
    assert.deepEqual(result.waived, ["edited-in-place"]);
    assert.match(result.notes.join(), /this update used allow: edited-in-place/);
    // The same waiver does not serve a second edit.
    const next = after(serviceConfig(allowed), result, world);
    const again = {
      ...allowed,
      pools: { ...pools, "llm-new": { accelerator: "nvidia-a100-80gb", replicas: 2 } },
    };
    assert.deepEqual(rulesOf(again, next), ["edited-in-place"]);
  });

  it("changes no objective while a rollout is under way", () => {
    const objectives = [{ name: "batch", priority: -10 }];
    const world = deployed({ ...at(0), objectives });
    assert.deepEqual(rulesOf({ ...at(0), objectives: [{ name: "batch", priority: 5 }] }, world), [
      "objectives-under-way",
    ]);
    assert.deepEqual(
      rulesOf({ ...at(0), objectives: [...objectives, { name: "chat", priority: 5 }] }, world),
      ["objectives-under-way"],
    );
  });

  it("holds the rollout to what the user says it is", () => {
    const pools = {
      ...sourceCase.pools,
      "llm-new": { ...sourceCase.pools["llm-new"], model: "Qwen/Qwen3-14B" },
    };
    assert.equal(planned({ ...at(0), pools }).kind, "base-model");
    assert.deepEqual(rulesOf({ ...at(0), pools, rollout: "node-update" }, nothingDeployed), ["not-the-kind"]);
    assert.deepEqual(rulesOf({ ...at(0), pools, rollout: "base-model" }, nothingDeployed), []);
  });

  it("wants an existing pool to exist", () => {
    const pools = { ...sourceCase.pools, llm: { existing: true } };
    const found = planned({ ...at(0), pools }).refusals;
    assert.deepEqual(
      found.map(({ rule }) => rule),
      ["existing-pool-missing"],
    );
  });
});

describe("where pools live", () => {
  const objectives = [{ name: "batch", priority: -10 }];

  it("is a namespace of their own with objectives, made by the stack", () => {
    const result = planned({ ...at(0), objectives });
    assert.deepEqual(result.namespaces, [
      { name: "llm-llm", pool: "llm", create: true, maker: "llm", makers: ["llm", "llm-new"] },
      { name: "llm-llm-new", pool: "llm-new", create: true, maker: "llm-new", makers: ["llm", "llm-new"] },
    ]);
    assert.ok(result.pools.every((entry) => entry.objectives));
  });

  it("never changes for a pool that exists, also when objectives come later or the pool is promoted", () => {
    const world = deployed(serving);
    const result = planned({ ...at(0), objectives }, world);
    assert.deepEqual(result.refusals, []);
    assert.deepEqual(
      result.pools.map(({ pool, namespace }) => [pool.name, namespace]),
      [
        ["llm", "default"],
        ["llm-new", "llm-llm-new"],
      ],
    );
  });

  it("tells when objectives are lost because two pools share a namespace", () => {
    const pools = {
      llm: { ...sourceCase.pools.llm, namespace: "default" },
      "llm-new": { ...sourceCase.pools["llm-new"], namespace: "default" },
    };
    const result = planned({ ...at(0), objectives, pools });
    assert.deepEqual(
      result.pools.map((entry) => entry.objectives),
      [true, false],
    );
    assert.match(result.notes.join(), /objectives do not apply to llm-new/);
  });

  it("is not moved by naming another namespace", () => {
    const pools = { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, namespace: "elsewhere" } };
    assert.deepEqual(rulesOf({ ...at(0), pools }, deployed(at(0))), ["moved-namespace"]);
  });
});
