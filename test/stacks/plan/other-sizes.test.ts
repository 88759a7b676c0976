import { fixText } from "../../../stacks/messages/edits";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed, ObservedPool } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { sharesOf, shareIn } from "../../../stacks/plan/shares";
import { replicasFor } from "../../../stacks/plan/sizing";
import { after, serviceConfig, sourceCase } from "../cases";
import { less, rolledBack } from "./scenarios";
import { planned } from "./worlds";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { propertyRuns } from "../../property-runs";

/* The size of pools that were created outside the stack: an autoscaler changes it while the traffic is elsewhere. */

const pools = { ...sourceCase.pools, llm: { existing: true } };
const at = (weight: number, more: RawConfig = {}): RawConfig => ({ ...sourceCase, pools, weight, ...more });

const theirs = (replicas: number | undefined, more: Partial<ObservedPool> = {}): ObservedPool => ({
  name: "llm",
  namespace: "default",
  owned: false,
  ...(replicas === undefined ? {} : { replicas, readyReplicas: replicas }),
  workloads: [{ kind: "Deployment", name: "vllm", replicas: replicas ?? 0 }],
  ...more,
});

/** The same world with the pool of others at another size. */
const sized = (world: Observed, pool: ObservedPool): Observed => ({
  ...world,
  pools: [...world.pools.filter(({ name }) => name !== "llm"), pool],
});

function updated(world: Observed, raw: RawConfig): Observed {
  const done = planned(raw, world);
  assert.deepEqual(done.refusals, []);
  return after(serviceConfig(raw), done, world);
}

const adopted = updated(sized(nothingDeployed, theirs(3)), at(0));
const shifted = [10, 60, 100].reduce((world, weight) => updated(world, at(weight)), adopted);
const shrunk = sized(shifted, theirs(1));

const refusalOf = (
  raw: RawConfig,
  world: Observed,
): { rule: string; found: string; fix: string; waiver?: string } => {
  const { refusals } = planned(raw, world);
  assert.equal(refusals.length, 1, JSON.stringify(refusals));
  return { ...refusals[0]!, fix: fixText(refusals[0]!.fix) };
};

describe("a stable pool of others that shrank while the candidate had the traffic", () => {
  it("is asked for the size with which it carried the traffic, at once, with who can grow it and the step it allows", () => {
    const refusal = refusalOf(at(0), shrunk);
    assert.equal(refusal.rule, "existing-pool-too-small");
    assert.match(
      refusal.found,
      /pool llm is scaled to 1 replica \(1 ready\), but it last served the traffic with 3: 100 % of the traffic needs 3/,
    );
    assert.match(refusal.fix, /kubectl scale deployment vllm -n default --replicas 3/);
    assert.match(
      refusal.fix,
      /as far as its ready replicas can serve \(33 %\): pulumi config set weight 67 && pulumi up$/,
    );
    assert.equal(refusal.waiver, "unready-stable");
  });

  it("takes the step that is named, also by a rollback, and the rest once it has grown", () => {
    const back = { rolledBack };
    assert.equal(refusalOf(at(0, back), shrunk).rule, "existing-pool-too-small");
    const step = sized(updated(shrunk, at(67, back)), theirs(1));
    assert.equal(refusalOf(at(0, back), step).rule, "existing-pool-too-small");
    const more = planned(at(66, back), step).refusals;
    assert.deepEqual(
      more.map(({ rule }) => rule),
      ["existing-pool-too-small"],
    );
    assert.deepEqual(planned(at(0, back), sized(step, theirs(3))).refusals, []);
  });

  it("gets all of it at once where the user says so, and nobody waits for it", () => {
    const waived = planned(at(0, { allow: ["unready-stable"] }), shrunk);
    assert.deepEqual(waived.refusals, []);
    assert.deepEqual(waived.rising, []);
    assert.deepEqual(waived.waived, ["unready-stable"]);
  });

  it("has no step to offer at 0 replicas, and is not told to run pulumi up --refresh", () => {
    const { found, fix } = refusalOf(at(0), sized(shifted, theirs(0)));
    assert.match(found, /0 replicas \(0 ready\)/);
    assert.match(fix, /--replicas 3/);
    assert.doesNotMatch(fix, /config set weight|--refresh/);
  });

  it("does not count replicas that are asked for and not ready as a step", () => {
    assert.doesNotMatch(
      refusalOf(at(0), sized(shifted, theirs(2, { readyReplicas: 0 }))).fix,
      /config set weight/,
    );
    assert.match(
      refusalOf(at(0), sized(shifted, theirs(2, { readyReplicas: 1 }))).fix,
      /config set weight 67/,
    );
  });

  it("names the autoscaler and the owner that would undo a scaling", () => {
    const hpa = { kind: "HorizontalPodAutoscaler", name: "vllm", max: 2 } as const;
    const workloads = [
      { kind: "StatefulSet", name: "vllm", replicas: 1, autoscaler: hpa, owner: "Helm release llm" },
    ];
    const { fix } = refusalOf(at(0), sized(shifted, theirs(1, { workloads })));
    assert.match(
      fix,
      /HorizontalPodAutoscaler vllm sets its size: kubectl patch horizontalpodautoscaler vllm -n default --type merge -p '\{"spec":\{"minReplicas":3,"maxReplicas":3\}\}'/,
    );
    assert.match(fix, /Helm release llm manages it/);
    const scaled = { kind: "ScaledObject", name: "vllm", max: 9 } as const;
    const keda = refusalOf(
      at(0),
      sized(shifted, theirs(1, { workloads: [{ ...workloads[0]!, autoscaler: scaled }] })),
    );
    assert.match(keda.fix, /kubectl patch scaledobject vllm .*\{"spec":\{"minReplicaCount":3\}\}/);
  });

  for (const [what, world] of [
    ["the stack's outputs", less(shrunk, "record")],
    ["the route's annotation", { ...shrunk, route: less(shrunk.route!, "carried") }],
  ] as const) {
    it(`is remembered without ${what}`, () => {
      const found = planned(at(0), world).refusals.map(({ rule }) => rule);
      assert.ok(found.includes("existing-pool-too-small"), found.join());
    });
  }

  it("is told of before it is needed: when the last of its traffic goes, and while it is small", () => {
    const workloads = [
      {
        kind: "Deployment",
        name: "vllm",
        replicas: 3,
        autoscaler: { kind: "HorizontalPodAutoscaler", name: "vllm" } as const,
      },
    ];
    const before = sized(updated(adopted, at(60)), theirs(3, { workloads }));
    assert.match(
      planned(at(100), before).notes.join(),
      /HorizontalPodAutoscaler vllm may scale down pool llm .* needs 3 replicas/,
    );
    assert.match(
      planned(at(100), shrunk).notes.join(),
      /pool llm is scaled to 1 replica and last served all of the traffic with 3/,
    );
    assert.deepEqual(planned(at(100), shifted).notes, []);
  });
});

describe("replicas of an existing pool", () => {
  const declared = (replicas: number): RawConfig => ({
    pools: { ...pools, llm: { existing: true, replicas } },
  });

  it("are what it needs, whatever it had", () => {
    assert.match(
      refusalOf(at(0, declared(8)), sized(shifted, theirs(3))).found,
      /pools.llm.replicas says that it needs 8 to serve all/,
    );
    assert.deepEqual(planned(at(0, declared(1)), shrunk).refusals, []);
  });

  it("hold for an existing candidate too, which nothing waives", () => {
    const both = { ...pools, "llm-new": { existing: true, replicas: 4 } };
    const other = { ...theirs(2), name: "llm-new" };
    const world = { ...sized(nothingDeployed, theirs(3)), pools: [theirs(3), other] };
    const staged = updated(world, at(0, { pools: both }));
    const refusal = refusalOf(at(100, { pools: both }), staged);
    assert.match(refusal.found, /pool llm-new is scaled to 2 replicas/);
    assert.match(refusal.fix, /config set weight 50/);
    assert.equal(refusal.waiver, undefined);
    assert.deepEqual(planned(at(50, { pools: both }), staged).refusals, []);
  });
});

/*
 * Any history of weights, autoscalers, lost outputs, lost annotations and updates that break off: as the route is
 * moved, the pool of others has what its new share needs, of the size with which it last carried all of the traffic.
 */
interface Step {
  weight: number;
  size: number;
  lost: "nothing" | "outputs" | "annotation";
  ends: "succeeds" | "before the route" | "after the route";
  allow: "unready-stable"[];
}

const step: fc.Arbitrary<Step> = fc.record({
  weight: fc.oneof(fc.constantFrom(0, 10, 60, 100), fc.integer({ min: 0, max: 100 })),
  size: fc.nat(6),
  lost: fc.constantFrom("nothing" as const, "nothing" as const, "outputs" as const, "annotation" as const),
  ends: fc.constantFrom(
    "succeeds" as const,
    "succeeds" as const,
    "before the route" as const,
    "after the route" as const,
  ),
  allow: fc.constantFrom<Step["allow"][]>([], [], [], ["unready-stable"]),
});

describe("in no history of autoscalers and updates", () => {
  it("does traffic rise on a pool of others beyond the part that its size is of what carried it all", () => {
    const runs = propertyRuns(2000);
    const seen = { rises: 0, refused: 0, waived: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 3, maxLength: 14, size: "max" }), (history) => {
        let world = updated(sized(nothingDeployed, theirs(3)), at(0));
        /** Said once more, without the plan: the size when the route was last moved off 100 %, or the most since. */
        let needed = 3;
        for (const { weight, size, lost, ends, allow } of history) {
          world = sized(world, theirs(size));
          // What only one source knows, as after an update that broke off, is gone with it.
          const [onRoute, onRecord] = [world.route?.carried?.["llm"], world.record?.carried?.["llm"]];
          if (lost === "outputs" && onRoute !== undefined) world = less(world, "record");
          if (lost === "annotation" && onRecord === onRoute && world.route !== undefined)
            world = { ...world, route: less(world.route, "carried") };
          const raw = at(weight, { allow });
          const done = planned(raw, world);
          if (done.refusals.length > 0) {
            seen.refused++;
            continue;
          }
          const now = shareIn(sharesOf(world.route?.backends ?? []), "llm");
          const next = done.shares["llm"] ?? 0;
          if (next > now + 0.01) {
            seen.rises++;
            if (done.waived.length > 0) seen.waived++;
            else assert.ok(size >= replicasFor(needed, next), `${size} of ${needed} for ${next} %`);
          }
          if (ends === "before the route") continue;
          if (Math.abs(next - now) > 0.01 && now > 0 && size > 0)
            needed = now > 99.99 ? size : Math.max(needed, size);
          const complete = after(serviceConfig(raw), done, world, ends === "succeeds");
          world = complete;
        }
      }),
      { numRuns: runs },
    );
    for (const [what, count] of Object.entries(seen))
      assert.ok(count > runs / 20, `${what} was seen ${count} times: the property says nothing`);
  });
});
