import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { annotations, labels, managedBy } from "../../../components/names";
import { handBack, handBackManager } from "../../../rollout/steps/hand-back";
import type { LiveObject, ManagedFields } from "../../../stacks/state/cluster-reader";
import type { LiveBackendRef } from "../../../stacks/plan/kept-route";
import { originalText, parseOriginal, wasTakenOver } from "../../../stacks/state/taken-over";

/* A route is taken over, moved, and handed back: it is what it was, and what others did meanwhile stays. */

const ref = (name: string, weight?: number): LiveBackendRef => ({
  ...{ group: "inference.networking.k8s.io", kind: "InferencePool", name },
  ...(weight === undefined ? {} : { weight }),
});

const fields = (...keys: string[]): Record<string, unknown> =>
  Object.fromEntries(keys.map((key) => [`f:${key}`, {}]));

const entry = (manager: string, operation: string, fieldsV1: Record<string, unknown>): ManagedFields => ({
  ...{ manager, operation, apiVersion: "gateway.networking.k8s.io/v1" },
  ...{ time: "2026-11-20T09:00:00Z", fieldsType: "FieldsV1", fieldsV1 },
});

const status: ManagedFields = {
  ...entry("gateway-controller", "Update", { "f:status": {} }),
  subresource: "status",
};

const helms = entry("helm", "Update", {
  "f:metadata": { "f:labels": fields("team") },
  "f:spec": fields("parentRefs", "rules"),
});

const theirs = (refs: LiveBackendRef[] = [ref("llm", 1)]): LiveObject => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: {
    name: "llm-route",
    namespace: "default",
    labels: { team: "search", [labels.managedBy]: "Helm" },
    annotations: { "meta.helm.sh/release-name": "llm" },
    managedFields: [helms, status],
  },
  spec: {
    parentRefs: [{ name: "my-gateway" }],
    rules: [{ backendRefs: refs, timeouts: { request: "300s" } }],
  },
});

interface Ways {
  /** Labels and annotations of others stay on the route. */
  keepsLabels: boolean;
  refs: LiveBackendRef[];
}

/** The route as this program leaves it, in either of the ways in which it has taken routes over. */
function takenOver(route: LiveObject, { keepsLabels, refs }: Ways): LiveObject {
  const { metadata } = route;
  const ours = entry("pulumi-kubernetes-1234", "Apply", { "f:spec": fields("rules") });
  const [rule] = (route["spec"] as { rules: object[] }).rules;
  return {
    ...route,
    metadata: {
      ...metadata,
      labels: {
        ...(keepsLabels ? metadata.labels : {}),
        ...{ [labels.managedBy]: managedBy, [labels.service]: "llm" },
      },
      annotations: {
        ...(keepsLabels ? metadata.annotations : {}),
        [annotations.takenOver]: originalText(route),
        [annotations.owner]: '{"id":"a","stack":"b"}',
        [annotations.weights]: '{"llm":100}',
        [annotations.moves]: "1800000000",
        [annotations.latched]: "[]",
        "pulumi.com/patchForce": "true",
      },
      managedFields: [ours, status],
    },
    spec: { ...(route["spec"] as object), rules: [{ ...rule, backendRefs: refs }] },
  };
}

/** JSON merge patch (RFC 7386). */
function merged(value: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const object = {
    ...(typeof value === "object" && value !== null && !Array.isArray(value) ? value : {}),
  } as Record<string, unknown>;
  for (const [key, inner] of Object.entries(patch)) {
    if (inner === null) Reflect.deleteProperty(object, key);
    else object[key] = merged(object[key], inner);
  }
  return object;
}

/** What the API server makes of patches, its own note of who sent them included. */
function patched(route: LiveObject, patches: readonly object[]): LiveObject {
  return patches.reduce<LiveObject>((live, patch) => {
    const after = merged(live, patch) as LiveObject;
    const names = (patch as { metadata?: { managedFields?: object } }).metadata?.managedFields !== undefined;
    const { managedFields = [] } = after.metadata;
    return names
      ? after
      : {
          ...after,
          metadata: {
            ...after.metadata,
            managedFields: [
              ...managedFields,
              entry(handBackManager, "Update", { "f:spec": fields("rules") }),
            ],
          },
        };
  }, route);
}

const isLeaving = ({ name }: { name: string }): boolean => name === "llm-new";

function handedBack(route: LiveObject): LiveObject {
  const back = handBack(route, isLeaving);
  assert.ok(back !== undefined);
  return patched(route, back.patches);
}

const ways = [true, false];

describe("a route that is handed back", () => {
  for (const keepsLabels of ways) {
    it(`is what it was, labels ${keepsLabels ? "kept" : "replaced"} meanwhile`, () => {
      const before = theirs();
      const refs = [ref("llm", 100)];
      assert.deepEqual(handedBack(takenOver(before, { keepsLabels, refs })), before);
    });

    it("is what it was with the candidate's backend left at weight 0", () => {
      const before = theirs();
      const refs = [ref("llm", 100), ref("llm-new", 0)];
      assert.deepEqual(handedBack(takenOver(before, { keepsLabels, refs })), before);
    });

    it("keeps the live weights where they are others", () => {
      const before = theirs([ref("llm", 3), ref("llm-b", 1), ref("off", 0)]);
      const after = handedBack(takenOver(before, { keepsLabels, refs: [ref("llm", 50), ref("llm-b", 50)] }));
      assert.deepEqual(after["spec"], theirs([ref("llm", 50), ref("llm-b", 50), ref("off", 0)])["spec"]);
      assert.deepEqual(after.metadata, before.metadata);
    });

    it("keeps what its owners changed meanwhile", () => {
      const before = theirs();
      const live = takenOver(before, { keepsLabels, refs: [ref("llm", 100)] });
      const edit = entry("kubectl-edit", "Update", { "f:metadata": { "f:labels": fields("cost") } });
      live.metadata.labels = { ...live.metadata.labels, cost: "42" };
      live.metadata.managedFields = [...(live.metadata.managedFields ?? []), edit];
      const after = handedBack(live);
      assert.deepEqual(after.metadata.labels, { ...before.metadata.labels, cost: "42" });
      assert.deepEqual(after.metadata.managedFields, [helms, edit, status]);
    });
  }

  it("goes on where an interrupted command stopped", () => {
    const before = theirs();
    const live = takenOver(before, { keepsLabels: false, refs: [ref("llm", 100)] });
    const back = handBack(live, isLeaving);
    assert.equal(back?.patches.length, 2);
    const half = patched(live, back.patches.slice(0, 1));
    assert.deepEqual(handedBack(half), before);
  });

  it("needs nothing more afterwards, also where another Pulumi program owns it", () => {
    const before = theirs();
    before.metadata.managedFields = [entry("pulumi-kubernetes-9", "Apply", helms.fieldsV1 ?? {}), status];
    const after = handedBack(takenOver(before, { keepsLabels: true, refs: [ref("llm", 100)] }));
    assert.deepEqual(after, before);
    assert.equal(handBack(after, isLeaving), undefined);
  });

  it("of which nobody wrote down what it was, loses the marks and the owner, and keeps its backends", () => {
    const live = takenOver(theirs(), { keepsLabels: false, refs: [ref("llm", 100)] });
    Reflect.deleteProperty(live.metadata.annotations ?? {}, annotations.takenOver);
    const after = handedBack(live);
    assert.deepEqual(after.metadata.labels, {});
    assert.deepEqual(after.metadata.annotations, {});
    assert.deepEqual(after.metadata.managedFields, [status]);
    assert.deepEqual(after["spec"], theirs([ref("llm", 100)])["spec"]);
  });

  it("is the same for any labels, annotations and weights", () => {
    const key = fc.stringMatching(/^[a-z]{1,6}(\.io\/[a-z]{1,4})?$/);
    const weight = fc.integer({ min: 0, max: 9 });
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.string(), { noNullPrototype: true }),
        fc.dictionary(key, fc.string(), { noNullPrototype: true }),
        weight,
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        (marks, notes, second, factor, keepsLabels) => {
          const before = theirs([ref("llm", 5), ref("llm-b", second)]);
          before.metadata.labels = marks;
          before.metadata.annotations = notes;
          // As the program writes it: other numbers in the same proportion, without a backend of weight 0.
          const refs = [ref("llm", 5 * factor), ...(second > 0 ? [ref("llm-b", second * factor)] : [])];
          assert.deepEqual(handedBack(takenOver(before, { keepsLabels, refs })), before);
        },
      ),
    );
  });
});

describe("what a route was before it was taken over", () => {
  it("is read back", () => {
    const { labels: marks, spec, managers } = parseOriginal(originalText(theirs())) ?? {};
    assert.deepEqual(marks, theirs().metadata.labels);
    assert.deepEqual(spec, theirs()["spec"]);
    assert.deepEqual(managers, [helms]);
    for (const text of [undefined, "", "{", "[]", "{}", '"x"', "null"])
      assert.equal(parseOriginal(text), undefined);
  });

  it("is told from a route that this program made by its age, where no note says so", () => {
    const at = (created: string, moves?: string): LiveObject => ({
      metadata: {
        name: "r",
        creationTimestamp: created,
        annotations: moves === undefined ? {} : { [annotations.moves]: moves },
      },
    });
    const base = Date.parse("2026-11-26T12:00:00Z") / 1000;
    assert.equal(wasTakenOver(at("2026-11-26T12:00:40Z", String(base + 12))), false);
    assert.equal(wasTakenOver(at("2026-11-20T12:00:00Z", String(base))), true);
    assert.equal(wasTakenOver(at("2026-11-20T12:00:00Z")), false);
    assert.equal(wasTakenOver(takenOver(theirs(), { keepsLabels: true, refs: [] })), true);
  });
});
