import { fix } from "../../../stacks/plan/config-edits";
import { fixText } from "../../../stacks/messages/edits";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { windowNow } from "../../../stacks/plan/freeze";
import { holds, parseLatches } from "../../../stacks/plan/latch";
import { after, serviceConfig, sourceCase } from "../cases";
import { at, edited, foreign, less, promoted, resumed, rolledBack, serving, without } from "./scenarios";
import { deployed, planned, rulesOf } from "./worlds";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

describe("a candidate that was rolled back", () => {
  const back = { ...at(0), rolledBack };
  const world = deployed(at(0), at(60), back);

  it("is written down with where it was, on the route and in the record", () => {
    const latch = { ...rolledBack, from: 60 };
    assert.deepEqual(world.route?.latches, [latch]);
    assert.deepEqual(world.record?.latches, [latch]);
  });

  it("does not come back by a config that knows nothing of it", () => {
    assert.deepEqual(rulesOf(at(30), world), ["latched"]);
    assert.deepEqual(rulesOf(at(0), world), []);
    const { found } = planned(at(30), world).refusals[0]!;
    assert.match(found, /llm-new was rolled back from 60 % at 2026-11-20T09:00:00Z \(worse answers\)/);
  });

  it("goes back in steps where somebody asks for it: down, and never up again", () => {
    const step = { ...at(30), rolledBack };
    const first = planned(step, deployed(at(0), at(60)));
    assert.deepEqual(first.refusals, []);
    assert.deepEqual(first.latches, [{ ...rolledBack, from: 60 }]);
    const there = after(serviceConfig(step), first, deployed(at(0), at(60)));
    for (const raw of [step, at(30), at(29), { ...at(0), rolledBack }])
      assert.deepEqual(rulesOf(raw, there), []);
    for (const raw of [at(31), at(60), { ...at(60), rolledBack }])
      assert.deepEqual(rulesOf(raw, there), ["latched"]);
    // Rolled back in the config, and not less weight than it has: one without the other is a slip.
    assert.deepEqual(rulesOf({ ...at(60), rolledBack }, deployed(at(0), at(60))), ["latched"]);
    // Weight that somebody else gave it is no step of ours.
    const byHand = edited(world, { llm: 70, "llm-new": 30 });
    assert.ok(rulesOf({ ...at(30), allow: ["route-edited"] }, byHand).includes("latched"));
  });

  it("stays latched when candidate or key leave the config, and when only one source still knows it", () => {
    const gone = after(serviceConfig(serving), planned(serving, world), world);
    assert.deepEqual(rulesOf(at(10), gone), ["latched"]);
    const route = less(gone.route ?? { backends: [] }, "latches");
    assert.deepEqual(rulesOf(at(10), { ...gone, route }), ["latched"]);
    assert.deepEqual(rulesOf(at(10), less(gone, "record")), ["latched"]);
  });

  it("does not become the stable pool behind its own back, where no live route says who serves", () => {
    const lost = less(world, "route");
    assert.ok(rulesOf({ ...promoted, allow: ["route-missing"] }, lost).includes("latched"));
  });

  it("comes back once it was resumed later than it was rolled back", () => {
    assert.deepEqual(rulesOf({ ...at(30), resumed }, world), []);
    const early = { ...resumed, time: "2026-11-19T09:00:00Z" };
    assert.deepEqual(rulesOf({ ...at(30), resumed: early }, world), ["latched"]);
    const other = { ...resumed, candidate: "llm" };
    assert.deepEqual(rulesOf({ ...at(30), resumed: other }, world), ["latched"]);
  });

  it("stays resumed when the key leaves the config, also where the old key is still there", () => {
    const open = { ...at(30), resumed };
    const next = after(serviceConfig(open), planned(open, world), world);
    assert.deepEqual(rulesOf(at(60), next), []);
    assert.deepEqual(rulesOf({ ...at(0), rolledBack }, next), []);
    assert.ok(!planned({ ...at(0), rolledBack }, next).latches.some(holds));
    // A second time is a second latch.
    const again = { ...rolledBack, time: "2026-11-22T09:00:00Z" };
    const latched = planned({ ...at(0), rolledBack: again }, next).latches;
    assert.deepEqual(latched, [{ ...again, from: 30 }]);
  });

  it("can be rolled back from a live share that no successful update knows of", () => {
    const before = deployed(at(0));
    const half = after(serviceConfig(at(60)), planned(at(60), before), before, false);
    assert.equal(planned(back, half).latches[0]?.from, 60);
  });

  it("is read from an annotation only as far as it makes sense", () => {
    assert.deepEqual(parseLatches(undefined), []);
    assert.deepEqual(parseLatches("{"), []);
    assert.deepEqual(parseLatches('{"candidate": "a"}'), []);
    assert.deepEqual(
      parseLatches('[null, 1, {"candidate": "a", "from": 1, "reason": "", "time": "yesterday"}]'),
      [],
    );
    const latch = { ...rolledBack, from: 60 };
    assert.deepEqual(parseLatches(JSON.stringify([latch])), [latch]);
  });
});

describe("a freeze", () => {
  const freeze = [{ from: "2026-11-27T00:00:00Z", to: "2026-11-30T00:00:00+01:00", reason: "Black Friday" }];
  const during = (world: Observed): Observed => ({ ...world, now: new Date("2026-11-28T00:00:00Z") });
  const frozen = (raw: RawConfig): RawConfig => ({ ...raw, freeze });
  const world = during(deployed(at(0), at(30)));

  it("holds from its beginning to just before its end, and where the time is not known", () => {
    const holdsAt = (time: string): boolean => windowNow(freeze, new Date(time)) !== undefined;
    assert.deepEqual(
      ["2026-11-26T23:59:59Z", "2026-11-27T00:00:00Z", "2026-11-29T22:59:59Z", "2026-11-29T23:00:00Z"].map(
        holdsAt,
      ),
      [false, true, true, false],
    );
    assert.ok(windowNow(freeze, undefined) !== undefined);
    assert.ok(windowNow([{ reason: "incident" }], new Date()) !== undefined);
    assert.equal(windowNow([], undefined), undefined);
  });

  it("lets a service go back, stay, and grow", () => {
    assert.deepEqual(rulesOf(frozen(at(10)), world), []);
    assert.deepEqual(rulesOf(frozen(at(0)), world), []);
    assert.deepEqual(rulesOf(frozen(at(30)), world), []);
    const pools = { ...sourceCase.pools, llm: { accelerator: "nvidia-l4", replicas: 9 } };
    const grown = planned(frozen({ ...at(30), pools }), world);
    assert.deepEqual(grown.refusals, []);
    assert.equal(grown.pools[0]?.replicas, 9);
  });

  for (const [what, raw, before] of [
    ["a higher weight", at(31), world],
    ["a new candidate", at(0), during(deployed(serving))],
    ["promotion", promoted, during(deployed(at(0), at(100)))],
    ["the removal of a candidate", serving, during(deployed(at(0)))],
    [
      "other objectives",
      { ...serving, objectives: [{ name: "batch", priority: 1 }] },
      during(deployed(serving)),
    ],
    ["the service's end", { ...at(30), allow: ["destroy"] }, world],
  ] as const) {
    it(`refuses ${what}, unless it is told not to`, () => {
      assert.ok(rulesOf(frozen(raw), before).includes("frozen"));
      assert.deepEqual(rulesOf(raw, before), []);
      const allow = [...((raw as { allow?: readonly string[] }).allow ?? []), "frozen"];
      assert.deepEqual(rulesOf(frozen({ ...raw, allow }), before), []);
    });
  }

  it("keeps what would shrink", () => {
    const pools = { ...sourceCase.pools, llm: { accelerator: "nvidia-l4", replicas: 2 } };
    const done = planned(frozen({ ...at(30), pools }), world);
    assert.equal(done.pools[0]?.replicas, 6);
    assert.match(done.notes.join(), /pool llm keeps 6 replicas while the service is frozen/);
  });

  it("does not stand in the way of a service's beginning", () => {
    assert.deepEqual(rulesOf(frozen(serving), during(nothingDeployed)), []);
  });
});

describe("a route that somebody edited", () => {
  const world = edited(deployed(at(0), at(30)), { llm: 1, "llm-new": 1 });

  it("is told with what is live, what was written and what the config asks for", () => {
    const [refusal] = planned(at(30), world).refusals;
    assert.match(
      refusal?.found ?? "",
      /sends llm 50 %, llm-new 50 %, this stack wrote llm 70 %, llm-new 30 %, but the config says llm 70 %, llm-new 30 %/,
    );
    assert.match(fixText(refusal?.fix ?? fix``), /pulumi config set weight 50 && pulumi up/);
  });

  it("stays as it is when the config says the same, with a note", () => {
    const done = planned(at(50), world);
    assert.deepEqual(done.refusals, []);
    assert.deepEqual(done.rising, []);
    assert.match(done.notes.join(), /edited outside this stack .* so the edit stays/);
  });

  it("stays with a backend that somebody added, once that is the candidate", () => {
    const pools = { ...sourceCase.pools, "llm-canary": { existing: true } };
    const canary = { name: "llm-canary", namespace: "default", owned: false, replicas: 1 };
    const before = deployed(serving);
    const added = edited({ ...before, pools: [...before.pools, canary] }, { llm: 9, "llm-canary": 1 });
    assert.deepEqual(rulesOf(serving, added), ["unknown-backend"]);
    assert.deepEqual(rulesOf({ ...serving, pools, candidate: "llm-canary", weight: 10 }, added), []);
  });

  it("is put right when told to, by force and by a change that Pulumi's state cannot miss", () => {
    const done = planned({ ...at(30), allow: ["route-edited"] }, world);
    assert.deepEqual(done.refusals, []);
    assert.deepEqual(done.route, { moves: (world.route?.moves ?? 0) + 1, force: true, takeOver: false });
  });

  it("is forced in the next move too, where the one who edited it still owns the weights with us", () => {
    const adopted = after(serviceConfig(at(50)), planned(at(50), world), world);
    const shared = { ...adopted, route: { ...adopted.route!, coOwners: ["kubectl-edit"] } };
    // The list of rules is atomic and has the API server's defaults in it: even the same weights would conflict.
    assert.equal(planned(at(50), shared).route.force, true);
    assert.equal(planned(at(60), shared).route.force, true);
  });

  it("is not what an update leaves that broke off after the route had moved", () => {
    const before = deployed(at(0), at(30));
    const half = after(serviceConfig(at(60)), planned(at(60), before), before, false);
    for (const weight of [0, 30, 60, 100]) assert.deepEqual(rulesOf(at(weight), half), []);
  });

  it("is told of rules that the program's route would not have", () => {
    const before = deployed(at(0), at(30));
    const filtered = {
      ...before,
      route: { ...before.route!, differences: { rules: ["rules[0].filters"], attachment: ["the gateway"] } },
    };
    const [refusal] = planned(at(30), filtered).refusals;
    assert.equal(refusal?.rule, "route-edited");
    assert.match(refusal.found, /rules\[0\]\.filters/);
  });

  it("does not take a Service that is called like a pool for the pool", () => {
    const other = edited(deployed(at(0), at(30)), { llm: 70, "Service/llm-new": 30 });
    assert.deepEqual(rulesOf(at(30), other), ["unknown-backend"]);
  });
});

describe("a pool that is gone", () => {
  it("is made anew when told to", () => {
    const world = without(deployed(at(0), at(30)), "llm-new");
    assert.deepEqual(rulesOf(at(30), world), ["pool-missing"]);
    assert.deepEqual(rulesOf(at(60), world), ["pool-missing"]);
    assert.deepEqual(rulesOf({ ...at(30), allow: ["pool-missing"] }, world), []);
  });

  it("does not hold up the way off it, in either direction", () => {
    const world = deployed(at(0), at(30));
    const back = planned(at(0), without(world, "llm-new"));
    assert.deepEqual(back.refusals, []);
    assert.match(back.notes.join(), /llm-new no longer exists in namespace default/);
    assert.deepEqual(rulesOf(at(100), without(world, "llm")), []);
    assert.deepEqual(rulesOf(at(0), without(world, "llm")), ["pool-missing"]);
  });

  it("does not stand in the way of taking the service down", () => {
    const world = less(without(deployed(at(0), at(30)), "llm-new"), "route");
    assert.deepEqual(rulesOf({ ...at(30), allow: ["destroy"] }, world), []);
  });
});

describe("a route of somebody else", () => {
  const pools = { ...sourceCase.pools, llm: { existing: true } };
  const theirs: Observed = {
    ...nothingDeployed,
    pools: [{ name: "llm", namespace: "default", owned: false, replicas: 4, readyReplicas: 4 }],
  };
  const staged = { ...at(0), pools };
  const take = { ...staged, allow: ["take-over-route"] };

  it("is taken over only when told to, and changes nothing", () => {
    const world = foreign(theirs, { llm: 1 });
    assert.deepEqual(rulesOf(staged, world), ["route-not-ours"]);
    const done = planned(take, world);
    assert.deepEqual(done.refusals, []);
    assert.deepEqual(done.route, { moves: 0, force: true, takeOver: true, isTakenOver: true });
    assert.deepEqual(done.rising, []);
  });

  it("is not taken over in an update that would change anything for its customers", () => {
    const world = foreign(theirs, { llm: 1 });
    const [moved] = planned({ ...take, weight: 10 }, world).refusals;
    assert.match(moved?.found ?? "", /the shares from llm 100 % to llm 90 %, llm-new 10 %/);
    assert.equal(moved?.waiver, undefined);
    const differences = { rules: ["rules[0].timeouts"], attachment: ["the gateway from a/b to default/c"] };
    const [changed] = planned(take, foreign(theirs, { llm: 1 }, differences)).refusals;
    assert.match(changed?.found ?? "", /rules\[0\]\.timeouts; the gateway from a\/b to default\/c/);
  });

  it("asks an existing pool for what its size tells", () => {
    const world = without(deployed(at(0), at(100)), "llm");
    const later = { ...world, pools: [...world.pools, ...theirs.pools] };
    assert.deepEqual(planned(staged, later).rising, [
      { pool: "llm", namespace: "default", share: 100, needs: 4, existing: true },
    ]);
  });
});
