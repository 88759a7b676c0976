import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { capacityOf, poolStates } from "../../../stacks/outputs";
import type { RawConfig } from "../../../stacks/config/parse";
import { fixText } from "../../../stacks/messages/edits";
import type { Observed } from "../../../stacks/plan/observed";
import { serviceConfig, sourceCase } from "../cases";
import { known, othersOf, poolRef } from "./route-fixtures";
import { at } from "./scenarios";
import { deployed, planned, rulesOf } from "./worlds";

/* A pool that has no role any more, and that cannot be removed yet, does not hold up the way back. */

const third = { accelerator: "nvidia-l4", replicas: 4 };
const config = (weight: number, rest: RawConfig = {}): RawConfig => ({
  ...at(weight),
  pools: { ...sourceCase.pools, third },
  ...rest,
});
const freeze = [{ reason: "a sale" }];

/** An update took the third pool's role and did not come to its removal, and llm-new has 30 %. */
function withThird(replicas = 4): Observed {
  const world = deployed(config(0), config(30));
  const [llm] = world.pools;
  assert.ok(llm !== undefined);
  const left = { ...llm, name: "third", replicas, readyReplicas: replicas };
  return { ...world, pools: [...world.pools, left] };
}

const testers = known("testers", [{ backendRefs: [poolRef("third")] }], {
  parents: [{ name: "another-gateway" }],
});
const customers = known("routes-to-llm", [{ backendRefs: [poolRef("llm")] }], {
  created: "2025-06-01T00:00:00Z",
});
const sentTo = (world: Observed): Observed => ({ ...world, others: othersOf([testers], { customers }) });

describe("a pool without a role that another route sends to", () => {
  it("stays in an update that goes back, as it is, and nothing waits for it", () => {
    const { refusals, pools, removed, notes, backends } = planned(config(0), sentTo(withThird(2)));
    assert.deepEqual(refusals, []);
    assert.deepEqual(removed, []);
    assert.deepEqual(
      pools.map(({ pool: { name }, replicas, beforeRoute }) => ({ name, replicas, beforeRoute })),
      [
        { name: "llm", replicas: 6, beforeRoute: true },
        { name: "llm-new", replicas: 2, beforeRoute: false },
        { name: "third", replicas: 2, beforeRoute: false },
      ],
    );
    assert.deepEqual(backends, [{ namespace: "default", pool: "llm", weight: 100 }]);
    assert.match(notes.join("\n"), /pool third .* stays for this update.*HTTPRoute default\/testers sends/);
  });

  it("is shown as leaving, and counts for no stage of the ladder", () => {
    const plan = planned(config(0), sentTo(withThird()));
    assert.equal((poolStates(plan)["third"] as { role: string }).role, "leaving");
    const { ladder } = capacityOf(serviceConfig(config(0)), plan) as { ladder: { replicas: object }[] };
    assert.deepEqual(ladder[0]?.replicas, { llm: 6, "llm-new": 2 });
  });

  it("holds up every other update", () => {
    for (const weight of [30, 60])
      assert.deepEqual(rulesOf(config(weight), sentTo(withThird())), ["pool-has-traffic"]);
  });

  it("that the config declares no more is declared again first, by commands", () => {
    const { refusals } = planned(at(0), sentTo(withThird()));
    assert.deepEqual(
      refusals.map(({ rule }) => rule),
      ["pool-has-traffic"],
    );
    const text = refusals.map(({ fix }) => fixText(fix)).join("\n");
    assert.match(text, /^to go back at once, declare the pool again: pulumi config set .*pools\.third\./);
    assert.match(
      text,
      /pulumi up; to remove the pool, first remove the pool from that route: kubectl edit httproute/,
    );
  });
});

describe("a pool without a role, in a freeze", () => {
  const recorded = (world: Observed): Observed => {
    const { record } = world;
    assert.ok(record !== undefined);
    return { ...world, record: { ...record, pools: { ...record.pools, third: "default" } } };
  };

  it("stays in an update that goes back", () => {
    const { refusals, removed, notes } = planned(config(0, { freeze }), recorded(withThird()));
    assert.deepEqual(refusals, []);
    assert.deepEqual(removed, []);
    assert.match(notes.join("\n"), /pool third .* stays for this update.*the service is frozen/);
  });

  it("is removed by none", () => {
    assert.deepEqual(rulesOf(config(30, { freeze }), recorded(withThird())), ["frozen"]);
    const { refusals } = planned({ ...at(0), freeze }, recorded(withThird()));
    assert.match(refusals.map(({ fix }) => fixText(fix)).join("\n"), /^to go back at once, declare the pool/);
  });

  it("goes where an earlier update began to remove it", () => {
    const { refusals, removed } = planned(config(30, { freeze }), withThird());
    assert.deepEqual(refusals, []);
    assert.deepEqual(removed, [{ name: "third", namespace: "default" }]);
  });
});

describe("a pool that Pulumi's state has lost", () => {
  const object = (kind: string) => ({
    ...{ group: kind === "Deployment" ? "apps" : "inference.networking.k8s.io", kind },
    ...{ namespace: "default", name: "third", service: "llm", pool: "third", managers: [] },
  });
  const lost = { object: object("InferencePool"), whose: "lost" as const };

  it("is not removed, so what sends to it holds up no update", () => {
    const world = { ...sentTo(withThird()), claims: [lost] };
    for (const weight of [0, 30, 60]) {
      const { refusals, removed, notes } = planned(config(weight), world);
      assert.deepEqual(refusals, []);
      assert.deepEqual(removed, []);
      assert.match(
        notes.join("\n"),
        /testers sends requests to it \(third\), so take it out of there first; then/,
      );
    }
  });

  it("counts as removed where the state still has a part of it", () => {
    const part = { object: object("Deployment"), whose: "own" as const };
    const world = { ...sentTo(withThird()), claims: [lost, part] };
    assert.deepEqual(rulesOf(config(60), world), ["pool-has-traffic"]);
  });
});

describe("a pool of this stack that the config marks as created outside it", () => {
  const marked = (name: "llm" | "llm-new", weight: number, rest: RawConfig = {}): RawConfig => ({
    ...at(weight),
    pools: { ...sourceCase.pools, [name]: { ...sourceCase.pools[name], existing: true } },
    ...rest,
  });

  it("is kept from deletion, with traffic and without, on the way up and on the way back", () => {
    for (const share of [0, 60, 100]) {
      const world = share === 0 ? deployed(at(0)) : deployed(at(0), at(share));
      for (const name of ["llm", "llm-new"] as const) {
        for (const weight of [0, 30, 60, 100]) {
          const rules = rulesOf(marked(name, weight), world);
          assert.ok(rules.includes("existing-pool-ours"), `${name}, ${share} -> ${weight}: ${rules.join()}`);
          assert.ok(!rules.includes("pool-has-traffic"), "one mistake, one message");
        }
      }
    }
  });

  it("is kept from deletion where the mark comes with another namespace", () => {
    const pools = { ...sourceCase.pools, llm: { existing: true, namespace: "elsewhere" } };
    const { refusals } = planned({ ...at(60), pools }, deployed(at(0), at(60)));
    const own = refusals.find(({ rule }) => rule === "existing-pool-ours");
    assert.match(own?.found ?? "", /created InferencePool llm in namespace default .* sends it 40 %/);
    assert.equal(own?.waiver, undefined);
  });

  it("is somebody else's once Pulumi's state has nothing of it", () => {
    const world = deployed(at(0));
    const object = {
      ...{ group: "inference.networking.k8s.io", kind: "InferencePool", namespace: "default" },
      ...{ name: "llm", service: "llm", pool: "llm", managers: [] },
    };
    const claims = [{ object, whose: "lost" as const }];
    assert.ok(!rulesOf(marked("llm", 0), { ...world, claims }).includes("existing-pool-ours"));
  });
});
