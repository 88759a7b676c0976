import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { annotations } from "../../../components/names";
import { liveRollback } from "../../../rollout/now/live-rollback";
import type { LiveObject } from "../../../stacks/state/cluster-reader";
import { knownOf, observedRoute } from "../../../stacks/state/observe";
import type { DeploymentRecord, ObservedRoute } from "../../../stacks/plan/model";
import { driftOf, trafficEvidence } from "../../../stacks/plan/drift";
import { liveShares } from "../../../stacks/plan/shares";
import { planFor, serviceConfig, sourceCase } from "../cases";
import {
  brown,
  service,
  filters,
  timeouts,
  theirs,
  gateway,
  records,
  worldOf,
  write,
  take,
  rulesOf,
  ownersPart,
  weightsIn,
} from "./kept-route-cases";
import { poolRef, prefix } from "./route-fixtures";
import { less } from "./scenarios";

/*
 * A route that was created outside the stack keeps its shape: whatever the program and the command do, everything in it
 * but the weights of the stack's pools stays as its owner has it.
 */

describe("a route created outside the stack", () => {
  it("is taken over as it is: nothing in its spec changes, marks are added", () => {
    const route = theirs();
    const before = structuredClone(route);
    const refused = write(structuredClone(route), brown(0));
    assert.deepEqual(
      refused.refusals.map(({ rule, waiver }) => [rule, waiver]),
      [["route-not-ours", "take-over-route"]],
    );
    assert.match(refused.refusals[0]?.found ?? "", /writes weights in rules\[0\], rules\[2\]; the rest/);
    const done = write(route, brown(0, take));
    assert.deepEqual(done.refusals, []);
    assert.deepEqual(route["spec"], before["spec"]);
    assert.equal(route.metadata.labels?.["team"], "search");
    assert.equal(route.metadata.labels["app.kubernetes.io/managed-by"], "Helm");
    assert.equal(route.metadata.annotations?.["meta.helm.sh/release-name"], "chat");
    assert.match(done.notes.join("\n"), /rules\[1\] sends its requests to Service docs: they are not part/);
    assert.match(done.notes.join("\n"), /rules\[2\] also sends to Service docs: .* split the 90 % /);
  });

  it("has the split in every rule that names the pools, and the weights of others stay", () => {
    const route = theirs();
    write(route, brown(0, take));
    assert.deepEqual(write(route, brown(40)).refusals, []);
    assert.deepEqual(weightsIn(route), [
      { llm: 60, "llm-new": 40 },
      { docs: 100 },
      { docs: 100, llm: 540, "llm-new": 360 },
    ]);
    assert.deepEqual(liveShares(worldOf(route, brown(40))), { llm: 60, "llm-new": 40 });
    assert.deepEqual(write(route, brown(100)).refusals, []);
    assert.deepEqual(weightsIn(route), [{ "llm-new": 1 }, { docs: 100 }, { docs: 100, "llm-new": 900 }]);
    const promoted = { ...brown(0), stable: "llm-new", candidate: "" };
    assert.deepEqual(write(route, promoted).refusals, []);
    assert.deepEqual(weightsIn(route), [{ "llm-new": 1 }, { docs: 100 }, { docs: 100, "llm-new": 900 }]);
  });

  it("is exactly as it was found once the candidate has nothing again", () => {
    const route = theirs();
    const spec = structuredClone(route["spec"]);
    for (const weight of [0, 10, 100, 60, 0]) {
      assert.deepEqual(write(route, brown(weight, weight === 0 ? take : {})).refusals, []);
    }
    assert.deepEqual(route["spec"], spec);
  });

  it("keeps what its owner edits on the way, and the update says so once", () => {
    const route = theirs();
    write(route, brown(0, take));
    write(route, brown(30));
    const [rule] = rulesOf(route);
    assert.ok(rule !== undefined);
    rule["timeouts"] = { request: "900s" };
    route.metadata.generation = 9;
    assert.equal(driftOf(worldOf(route, brown(30))), undefined);
    const done = write(route, brown(60));
    assert.deepEqual(done.refusals, []);
    assert.match(done.notes.join("\n"), /was changed by its owner since the last update: this update keeps/);
    assert.deepEqual(rulesOf(route)[0]?.["timeouts"], { request: "900s" });
    assert.equal(done.shape?.writtenFrom, "9");
    assert.doesNotMatch(write(route, brown(60)).notes.join("\n"), /changed by its owner/);
  });

  it("is written again by no update that changes nothing", () => {
    const route = theirs();
    write(route, brown(0, take));
    write(route, brown(30));
    const before = structuredClone(route);
    write(route, brown(30));
    assert.deepEqual(route, before);
  });

  it("takes nothing for its own that only has the name of a pool", () => {
    const route = theirs((live) =>
      rulesOf(live).push({
        matches: [prefix("/b")],
        backendRefs: [poolRef("llm", { namespace: "team-b", weight: 1 })],
      }),
    );
    write(route, brown(0, take));
    assert.deepEqual(write(route, brown(50)).refusals, []);
    assert.deepEqual(rulesOf(route)[3]?.["backendRefs"], [
      poolRef("llm", { namespace: "team-b", weight: 1 }),
    ]);
  });

  it("is told where one rule is edited to another split, also where the average is the written one", () => {
    const route = theirs();
    write(route, brown(0, take));
    write(route, brown(30));
    const set = (at: number, weights: number[]): void => {
      const refs = (rulesOf(route)[at]?.["backendRefs"] as { group?: string; weight: number }[]).filter(
        ({ group }) => group !== undefined,
      );
      refs.forEach((ref, i) => (ref.weight = weights[i] ?? 0));
    };
    set(0, [90, 10]);
    set(2, [50, 50]);
    const [refusal] = write(route, brown(30)).refusals;
    assert.equal(refusal?.rule, "route-edited");
    assert.match(refusal.found, /rules\[0\] llm 90 %, llm-new 10 %; rules\[2\] llm 50 %, llm-new 50 %/);
    assert.deepEqual(write(route, brown(30, { allow: ["route-edited"] })).refusals, []);
    assert.deepEqual(liveShares(worldOf(route, brown(30))), { llm: 70, "llm-new": 30 });
  });

  it("refuses a split that the numbers of a rule with others cannot say, with the command that makes room", () => {
    const route = theirs((live) => {
      const [rule] = rulesOf(live);
      if (rule !== undefined) rule["backendRefs"] = [service, poolRef("llm", { weight: 4 })];
    });
    write(route, brown(0, take));
    assert.deepEqual(
      write(structuredClone(route), brown(25)).refusals.map(({ rule }) => rule),
      [],
    );
    const [refusal] = write(route, brown(30)).refusals;
    assert.equal(refusal?.rule, "route-shape");
    assert.match(
      refusal.found,
      /rules\[0\] .* its weights \(100, 4\) cannot be split into llm 70 %, llm-new 30 %/,
    );
    assert.equal(refusal.waiver, undefined);
    assert.match(JSON.stringify(refusal.fix), /multiply all weights of the rule by .*"25"/);
  });

  it("refuses where no rule names the pools any more, and adapters where a rule opens their paths", () => {
    const route = theirs();
    write(route, brown(0, take));
    const bare = structuredClone(route);
    for (const rule of rulesOf(bare)) rule["backendRefs"] = [service];
    assert.ok(write(bare, brown(0)).refusals.some(({ rule }) => rule === "route-shape"));
    const rewriting = theirs((live) => {
      const [rule] = rulesOf(live);
      if (rule === undefined) return;
      rule["filters"] = [{ type: "URLRewrite", urlRewrite: { path: { type: "ReplacePrefixMatch" } } }];
    });
    const adapters = [{ name: "shop", source: "acme/shop", bases: [sourceCase.model] }];
    const loading = write(rewriting, brown(0, { adapters }));
    assert.ok(
      loading.refusals.some(({ rule, found }) => rule === "open-adapter-paths" && /rewrites/.test(found)),
    );
  });

  it("does not let a pool go that a filter of it mirrors to", () => {
    const mirror = [{ type: "RequestMirror", requestMirror: { backendRef: poolRef("llm-new") } }];
    const route = theirs((live) => Object.assign(rulesOf(live)[0] ?? {}, { filters: mirror }));
    write(route, brown(0, take));
    assert.match(trafficEvidence("llm-new", worldOf(route, brown(0))) ?? "", /sends it copies of requests/);
  });

  it("keeps its shape too where somebody took the mark off", () => {
    const route = theirs();
    write(route, brown(0, take));
    Reflect.deleteProperty(route.metadata.annotations ?? {}, annotations.shape);
    const config = serviceConfig(brown(0));
    const record = { route: "default/chat", keptShape: true, pools: {}, weights: { llm: 100 } };
    const known = knownOf(config, record as never);
    assert.ok(observedRoute(route, gateway, known).kept !== undefined);
  });

  it("is not made anew by this stack where somebody deleted it: its rules were its owner's", () => {
    const route = theirs();
    write(route, brown(0, take));
    const gone = less(worldOf(route, brown(0)), "route");
    const [refusal] = planFor(serviceConfig(brown(0, { allow: ["route-missing"] })), gone).refusals;
    assert.equal(refusal?.rule, "route-missing");
    assert.match(refusal.found, /was created outside this stack/);
    // Its owner's new one is taken over again.
    const anew = theirs();
    records.set(anew, records.get(route) as DeploymentRecord);
    assert.deepEqual(
      write(anew, brown(0)).refusals.map(({ rule }) => rule),
      ["route-not-ours"],
    );
  });

  it("says that sessions which a rule keeps together are not moved", () => {
    const route = theirs((live) => Object.assign(rulesOf(live)[0] ?? {}, { sessionPersistence: {} }));
    assert.match(write(route, brown(0, take)).notes.join("\n"), /rules\[0\] has sessionPersistence/);
  });

  it("is found by its Gateway and hostname, whatever else it has", () => {
    const at = (change: Partial<typeof gateway>): readonly string[] => {
      const known = knownOf(serviceConfig(brown(0)), undefined);
      return observedRoute(theirs(), { ...gateway, ...change }, known).differences?.attachment ?? [];
    };
    assert.deepEqual(at({}), []);
    assert.deepEqual(at({ name: "public", hostname: "b.example.org" }), []);
    assert.match(
      at({ name: "another" }).join(),
      /config has Gateway default\/another, and the route attaches to/,
    );
    assert.match(
      at({ hostname: "c.example.org" }).join(),
      /answers only for a\.example\.org, b\.example\.org/,
    );
  });
});

describe("what a write repeats", () => {
  const field = (manager: string, operation: string, what: object): object => ({
    manager,
    operation,
    fieldsV1: what,
  });
  it("is what kubectl wrote, and nothing that only others apply", () => {
    const team = { "f:metadata": { "f:labels": { "f:team": {} } } };
    const tier = { "f:metadata": { "f:labels": { "f:tier": {} } }, "f:spec": { "f:hostnames": {} } };
    const route = theirs((live) => {
      live.metadata.labels = { team: "search", tier: "gold" };
      live.metadata.annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}" };
      live.metadata.managedFields = [
        field("kubectl-client-side-apply", "Update", team),
        field("kustomize-controller", "Apply", tier),
      ] as NonNullable<LiveObject["metadata"]["managedFields"]>;
    });
    const { kept } = worldOf(route, brown(0)).route as ObservedRoute & { kept: object };
    const {
      labels: marks,
      annotations: notes,
      spec,
    } = kept as {
      labels: object;
      annotations: object;
      spec: object;
    };
    assert.deepEqual(marks, { team: "search" });
    assert.deepEqual(notes, { "kubectl.kubernetes.io/last-applied-configuration": "{}" });
    assert.deepEqual(Object.keys(spec), ["parentRefs"]);
  });
});

/** Routes of any shape that the program can take over. */
const anyRoute: fc.Arbitrary<LiveObject> = fc
  .array(
    fc.record({
      path: fc.constantFrom("/", "/v1", "/beta"),
      timeout: fc.boolean(),
      filter: fc.boolean(),
      pool: fc.boolean(),
      weight: fc.constantFrom(0, 1, 100, 200),
      other: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((rules) =>
    theirs((live) => {
      const made = rules.map(({ path, timeout, filter, pool, weight, other }, at) => {
        // Beside others the weight has room for every split.
        const own = other ? Math.round(weight / 100) * 100 : weight;
        const named = pool || at === 0;
        return {
          matches: [prefix(path)],
          ...(timeout ? { timeouts } : {}),
          ...(filter ? { filters } : {}),
          backendRefs: [
            ...(other || !named ? [service] : []),
            ...(named ? [poolRef("llm", { weight: at === 0 ? Math.max(own, 100) : own })] : []),
          ],
        };
      });
      live["spec"] = { ...(live["spec"] as object), rules: made };
    }),
  );

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ weight: fc.integer({ min: 0, max: 100 }) }) },
  { weight: 1, arbitrary: fc.constant("now" as const) },
  { weight: 2, arbitrary: fc.constant("owner" as const) },
);

describe("whatever happens to such a route", () => {
  it("everything in it but the split is as its owner left it, and the split is one", () => {
    fc.assert(
      fc.property(anyRoute, fc.array(step, { minLength: 1, maxLength: 8 }), (made, steps) => {
        const route = structuredClone(made);
        const found = structuredClone(route["spec"]);
        assert.deepEqual(write(route, brown(0, take)).refusals, []);
        let edits = 0;
        for (const what of steps) {
          const before = structuredClone(route);
          if (what === "owner") {
            const [rule] = rulesOf(route);
            if (rule !== undefined) rule["timeouts"] = { request: `${++edits}s` };
            route.metadata.generation = (route.metadata.generation ?? 0) + 1;
            continue;
          }
          if (what === "now") {
            const rolled = liveRollback(
              { route, pools: [{ name: "llm-new", namespace: "default" }] },
              { reason: "worse", now: new Date(), from: "llm-new", to: "default/llm" },
            );
            if (rolled.outcome !== "move") continue;
            const { metadata, spec } = rolled.object as LiveObject & { spec: object };
            route["spec"] = structuredClone(spec);
            route.metadata = {
              ...route.metadata,
              generation: (route.metadata.generation ?? 0) + 1,
              annotations: { ...route.metadata.annotations, ...metadata.annotations },
            };
            // The latch ends the climb; what follows would be refused, rightly.
            Reflect.deleteProperty(route.metadata.annotations ?? {}, annotations.latched);
          } else {
            assert.deepEqual(write(route, brown(what.weight)).refusals, []);
          }
          assert.deepEqual(ownersPart(route), ownersPart(before));
          const world = worldOf(route, brown(0));
          assert.equal(world.route?.uneven, undefined);
          const share = what === "now" ? 0 : what.weight;
          assert.ok(Math.abs((liveShares(world)["llm-new"] ?? 0) - share) < 0.01);
        }
        assert.deepEqual(write(route, brown(0)).refusals, []);
        if (edits === 0) assert.deepEqual(route["spec"], found);
      }),
      { numRuns: 300, includeErrorInReport: true },
    );
  });
});
