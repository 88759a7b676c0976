import { leftBehind } from "../../../stacks/plan/rules/ownership-rules";
import {
  objectKey,
  ownId,
  whoseIs,
  type OwnedObject,
  type OwnState,
  type Recorded,
  type Self,
} from "../../../stacks/plan/claims";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { serviceConfig, planFor } from "../cases";
import { at, serving } from "./scenarios";
import { deployed, planned } from "./worlds";

const self: Self = { id: "id-a", stack: "acme/p/a", label: "p.a" };
const pool = (rest: Partial<OwnedObject> = {}): OwnedObject => ({
  group: "inference.networking.k8s.io",
  kind: "InferencePool",
  namespace: "default",
  name: "llm",
  service: "llm",
  pool: "llm",
  managers: [],
  ...rest,
});
const route: OwnedObject = {
  ...{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default" },
  ...{ name: "routes-to-llm", service: "llm", managers: [] },
};
const namespace = (rest: Partial<OwnedObject> = {}): OwnedObject => ({
  ...{ group: "", kind: "Namespace", name: "infra", managers: [] },
  ...rest,
});
const mine = { id: "id-a", stack: "acme/p/a" };
const holding = (...objects: OwnedObject[]): OwnState => new Map(objects.map((one) => [objectKey(one), {}]));
const recorded: Recorded = { service: "llm", pools: { llm: "default" } };
const empty: OwnState = new Map();

describe("whose an object is", () => {
  const cases: [string, OwnedObject, OwnState, Recorded, string, Self?][] = [
    ["marked ours and in the state", pool({ owner: mine }), holding(pool()), recorded, "own"],
    ["after `pulumi state delete` of a pool", pool({ owner: mine }), empty, recorded, "lost"],
    ["after `pulumi state delete` of the route", { ...route, owner: mine }, empty, recorded, "lost"],
    ["after `pulumi state delete` of a namespace", namespace({ owner: mine }), empty, {}, "lost"],
    [
      "after a rename, a move to another project, organisation or backend",
      pool({ owner: { id: "id-a", stack: "other/q/b" } }),
      holding(pool()),
      recorded,
      "own",
    ],
    [
      "the same, and not in the state",
      pool({ owner: { id: "id-a", stack: "other/q/b" } }),
      empty,
      recorded,
      "lost",
    ],
    ["another stack's", pool({ owner: { id: "id-b", stack: "acme/p/b" } }), empty, {}, "theirs"],
    [
      "another stack's of the same full name in another backend",
      pool({ owner: { id: "id-b", stack: "acme/p/a" } }),
      empty,
      {},
      "theirs",
    ],
    [
      "taken over on purpose by another stack",
      pool({ owner: { id: "id-b", stack: "acme/p/b" } }),
      holding(pool()),
      recorded,
      "theirs",
    ],
    ["made before there was a mark", pool(), holding(pool()), recorded, "own"],
    [
      "made before there was a mark, by a stack renamed since",
      namespace({ stackLabel: "p.old" }),
      holding(namespace()),
      {},
      "own",
    ],
    ["made before there was a mark, and lost", pool(), empty, recorded, "lost"],
    ["the route, made before there was a mark, and lost", route, empty, recorded, "lost"],
    ["another's, made before there was a mark", pool(), empty, {}, "theirs"],
    ["a pool of another service", pool({ service: "shop" }), empty, recorded, "theirs"],
    [
      "a pool that the record does not have, without a mark",
      pool({ pool: "other", name: "other" }),
      empty,
      recorded,
      "theirs",
    ],
    ["its namespace, by the label of before", namespace({ stackLabel: "p.a" }), empty, {}, "lost"],
    ["a namespace of another stack", namespace({ stackLabel: "p.b" }), empty, recorded, "theirs"],
    ["without a mark, in a first preview", pool(), undefined, { service: "llm", preview: true }, "own"],
    [
      "another's, in a first preview",
      pool({ owner: { id: "id-b", stack: "x/y/z" } }),
      undefined,
      { preview: true },
      "theirs",
    ],
  ];
  for (const [what, object, state, known, expected] of cases) {
    it(`is ${expected}: ${what}`, () => assert.equal(whoseIs(object, self, state, known), expected));
  }

  it("does not depend on what the stack is called", () => {
    const word = fc.constantFrom("acme/p/a", "organization/p/dev", "other/q/b");
    fc.assert(
      fc.property(word, word, fc.boolean(), fc.constantFrom("id-a", "id-b"), (now, then, held, id) => {
        const object = pool({ owner: { id, stack: then } });
        const state = held ? holding(object) : empty;
        const told = whoseIs(object, { ...self, stack: now, label: now }, state, recorded);
        assert.equal(told, id !== "id-a" ? "theirs" : held ? "own" : "lost");
      }),
    );
  });
});

describe("the id of a stack", () => {
  const never = (): string => assert.fail("a new id");
  it("is the one in its outputs", () => assert.equal(ownId("acme/p/a", "kept", [], empty, never), "kept"));
  it("is the one on what its state holds, where an older state was put back", () => {
    const object = pool({ owner: mine });
    assert.equal(ownId("acme/p/a", undefined, [object], holding(object), never), "id-a");
  });
  it("is the one of a first update that failed, where the state is not known", () => {
    assert.equal(ownId("acme/p/a", undefined, [pool({ owner: mine })], undefined, never), "id-a");
  });
  it("is new for a fresh stack, also where one of the same name serves", () => {
    assert.equal(
      ownId("acme/p/a", undefined, [pool({ owner: mine })], empty, () => "new"),
      "new",
    );
    assert.equal(
      ownId("acme/p/b", undefined, [pool({ owner: mine })], undefined, () => "new"),
      "new",
    );
  });
});

describe("a plan with other stacks", () => {
  const theirs = { id: "id-b", stack: "acme/p/b" };
  it("refuses what another stack has, by name, and takes it over only when told", () => {
    const world = {
      ...nothingDeployed,
      claims: [
        { object: pool({ owner: theirs }), whose: "theirs" as const },
        { object: { ...route, owner: theirs }, whose: "theirs" as const },
      ],
    };
    const [refusal, ...others] = planned(serving, world).refusals;
    assert.deepEqual(others, []);
    assert.equal(refusal?.rule, "another-stacks");
    assert.match(
      refusal.found,
      /stack acme\/p\/b \(id-b\): HTTPRoute default\/routes-to-llm, InferencePool default\/llm$/,
    );
    const allowed = planned({ ...serving, allow: ["take-over-service"] }, world);
    assert.deepEqual(allowed.refusals, []);
    assert.deepEqual(allowed.waived, ["take-over-service"]);
  });

  it("tells a stack that has lost its own state, and never to remove itself", () => {
    const object = { ...route, owner: theirs };
    const world = { ...nothingDeployed, stack: "acme/p/b", claims: [{ object, whose: "theirs" as const }] };
    const [refusal] = planned(serving, world).refusals;
    assert.match(refusal?.found ?? "", /a stack with this stack's name created \(acme\/p\/b, id-b\)/);
    assert.equal(refusal?.waiver, "take-over-service");
    assert.doesNotMatch(JSON.stringify(refusal.fix), /stack rm|--stack/);
  });

  it("refuses a pool of another service only where it would write it", () => {
    const other = (namespace: string): ReturnType<typeof planned> =>
      planned(serving, {
        ...nothingDeployed,
        claims: [{ object: pool({ service: "shop", namespace, owner: theirs }), whose: "theirs" }],
      });
    assert.deepEqual(
      other("default").refusals.map(({ rule }) => rule),
      ["another-stacks"],
    );
    assert.deepEqual(other("elsewhere").refusals, []);
  });

  it("leaves a service of the same name in another namespace alone", () => {
    const elsewhere = [
      pool({ namespace: "b" }),
      { ...route, namespace: "b" },
      { ...route, kind: "ValidatingAdmissionPolicy", namespace: undefined, name: "b-llm-traffic-guard" },
      { ...pool({ kind: "ClusterRoleBinding", name: "b-llm-epp-reviewer" }), namespace: undefined },
    ] as unknown as OwnedObject[];
    for (const whose of ["theirs", "lost"] as const) {
      const claims = elsewhere.map((object) => ({ object: { ...object, owner: theirs }, whose }));
      assert.deepEqual(planned(serving, { ...deployed(serving), claims }).refusals, []);
    }
    const place = { home: "default", namespaces: ["default"] };
    const known = { ...recorded, place };
    for (const object of elsewhere) assert.equal(whoseIs(object, self, empty, known), "theirs", object.name);
    const here = {
      ...route,
      kind: "ValidatingAdmissionPolicy",
      namespace: undefined,
    } as unknown as OwnedObject;
    assert.equal(whoseIs({ ...here, name: "default-llm-traffic-guard" }, self, empty, known), "lost");
    assert.equal(whoseIs(pool(), self, empty, known), "lost");
  });

  it("refuses a route of another service that the config names as its own", () => {
    const shop = { ...route, name: "routes-to-shop", service: "shop", owner: theirs };
    const world = { ...deployed(serving), claims: [{ object: shop, whose: "theirs" as const }] };
    assert.deepEqual(planned(serving, world).refusals, []);
    const named = planned({ ...serving, route: "routes-to-shop" }, world).refusals;
    assert.ok(named.some(({ rule }) => rule === "another-stacks"));
  });

  it("tells of what the state lost: adopted where the config has it, to be removed by hand where not", () => {
    const lost = (name: string) => ({
      object: pool({ name, pool: name, owner: mine }),
      whose: "lost" as const,
    });
    const notes = planned(serving, { ...deployed(serving), claims: [lost("llm"), lost("old")] }).notes.join(
      "\n",
    );
    assert.match(notes, /this update imports them: InferencePool default\/llm$/m);
    assert.match(notes, /kubectl delete -n default inferencepool\.inference\.networking\.k8s\.io\/old$/m);
  });

  it("keeps a candidate that serves and that an older state lacks; without it in the config it is refused", () => {
    const before = deployed(serving);
    const world = {
      ...deployed(at(0), at(30)),
      claims: [{ object: pool({ name: "llm-new", pool: "llm-new", owner: mine }), whose: "lost" as const }],
    };
    const old = { ...world, record: before.record! };
    assert.deepEqual(planned(at(30), old).refusals, []);
    assert.deepEqual(leftBehind(serviceConfig(at(30)), old.claims, planFor(serviceConfig(at(30)), old)), []);
    assert.ok(planned(serving, old).refusals.some(({ rule }) => rule === "pool-has-traffic"));
  });

  it("does not want back what an older state has and the cluster has no more, unless the config does", () => {
    const promoted = deployed(at(0), at(100), { ...serving, stable: "llm-new" });
    const old = { ...promoted, record: deployed(at(0), at(30)).record! };
    assert.deepEqual(planned({ ...serving, stable: "llm-new" }, old).refusals, []);
    assert.ok(planned(at(30), old).refusals.some(({ rule }) => rule === "pool-missing"));
  });
});

describe("what belongs to no namespace", () => {
  const wide = (kind: string, name: string): Observed => ({
    ...deployed({ ...serving, namespace: "prod-eu" }),
    claims: [
      {
        whose: "theirs",
        object: {
          ...{ group: "", kind, name, service: "eu-llm", pool: "eu-llm", managers: [] },
          owner: { id: "b1c2", stack: "acme/inference-rollout/prod" },
        },
      },
    ],
  });
  const rules = (kind: string, name: string, more: object = {}): string[] =>
    planned({ ...serving, namespace: "prod-eu", ...more }, wide(kind, name)).refusals.map(({ rule }) => rule);

  it("is another stack's where its name is, whatever service it is for", () => {
    for (const [kind, name] of [
      ["ValidatingAdmissionPolicy", "prod-eu-llm-traffic-guard"],
      ["ValidatingAdmissionPolicyBinding", "prod-eu-llm-traffic-guard-prod-eu"],
      ["ClusterRole", "prod-eu-llm-metrics"],
      ["ClusterRoleBinding", "prod-eu-llm-epp-reviewer"],
    ] as const) {
      assert.deepEqual(rules(kind, name), ["another-stacks"], name);
      assert.deepEqual(rules(kind, name, { clusterScoped: false }), [], `${name}: not written here`);
    }
  });

  it("is nobody's business under another name", () => {
    assert.deepEqual(rules("ValidatingAdmissionPolicy", "prod-eu-llm-2-traffic-guard"), []);
    assert.deepEqual(rules("ValidatingAdmissionPolicy", "prod-eu-llm-route-shape"), []);
    assert.deepEqual(rules("ClusterRole", "prod-eu-llm-traffic-guard"), []);
  });
});
