import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed, ZoneSearch } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { identityChanges } from "../../../stacks/plan/identity";
import { poolsWithoutZones } from "../../../stacks/plan/zones";
import { after, serviceConfig, sourceCase } from "../cases";
import { planned } from "./worlds";

const serving: RawConfig = { ...sourceCase, candidate: "", weight: 0 };
type Zones = NonNullable<Observed["zones"]>;
const l4 = (zones: readonly string[], rest: Partial<ZoneSearch> = {}): Zones => ({
  llm: { machineType: "g2-standard-12", region: "us-central1", zones, ...rest },
});
const found = ["us-central1-a", "us-central1-c"];
const zonesOf = (raw: RawConfig, world: Observed): readonly string[] | undefined =>
  planned(raw, world).pools.find(({ pool }) => pool.name === "llm")?.pool.hardware.zones;
const named: RawConfig = {
  ...serving,
  pools: { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, zones: ["us-central1-b"] } },
};

describe("zones of a pool whose config names none", () => {
  it("are those that have its machine type; the update names them and the pool's identity keeps them", () => {
    const plan = planned(serving, { ...nothingDeployed, zones: l4(found) });
    assert.deepEqual(plan.refusals, []);
    assert.deepEqual(plan.pools[0]?.pool.hardware.zones, found);
    assert.equal(plan.pools[0].identity["zones"], "us-central1-a,us-central1-c");
    assert.match(plan.notes.join(), /llm: nodes in us-central1-a, us-central1-c, the zones that have g2/);
  });

  it("stay what they were when the pool was created: found ones, and all of the cluster's for older pools", () => {
    for (const zones of [found, undefined]) {
      const before = { ...nothingDeployed, ...(zones === undefined ? {} : { zones: l4(zones) }) };
      const plan = planned(serving, before);
      const world = after(serviceConfig(serving), plan);
      const pools = world.pools.map((pool) => ({ ...pool, identity: plan.pools[0]!.identity }));
      const now = { ...world, pools };
      assert.deepEqual(poolsWithoutZones(serviceConfig(serving), now), []);
      assert.deepEqual(zonesOf(serving, now), zones);
      const again = planned(serving, now);
      assert.deepEqual(again.refusals, []);
      assert.deepEqual(identityChanges(plan.pools[0]!.identity, again.pools[0]!.identity), []);
    }
  });

  it("are searched only for pools that the update creates", () => {
    const names = (raw: RawConfig, world: Observed): string[] =>
      poolsWithoutZones(serviceConfig(raw), world).map(({ name }) => name);
    const world = after(serviceConfig(serving), planned(serving));
    assert.deepEqual(names(sourceCase, nothingDeployed), ["llm", "llm-new"]);
    assert.deepEqual(names(sourceCase, world), ["llm-new"]);
    assert.deepEqual(names(named, nothingDeployed), []);
    const existing = { ...serving, pools: { ...sourceCase.pools, llm: { existing: true } } };
    assert.deepEqual(names(existing, nothingDeployed), []);
  });

  it("refuse the update where there are none, or nobody may read them; named zones are not checked", () => {
    const refusals = (raw: RawConfig, zones: Zones): string =>
      planned(raw, { ...nothingDeployed, zones })
        .refusals.map(({ rule, found: text }) => `${rule}: ${text}`)
        .join();
    assert.match(
      refusals(serving, l4([])),
      /no-zone: pool llm: no zone of us-central1 has .* g2-standard-12/,
    );
    assert.match(
      refusals(serving, l4([], { unread: "Error 403: off" })),
      /cannot be read \(Error 403: off\)/,
    );
    assert.equal(refusals(named, l4([])), "");
  });
});
