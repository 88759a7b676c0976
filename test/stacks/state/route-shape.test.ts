import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LiveObject } from "../../../stacks/state/cluster-reader";
import { observedRoute } from "../../../stacks/state/observe";
import { annotations, labels, managedBy } from "../../../components/names";
import { routeAnnotations } from "../../../stacks/state/route-annotations";

const wanted = { name: "my-inference-gateway", namespace: "default" };
const ref = (name: string, weight?: number): object => ({
  group: "inference.networking.k8s.io",
  kind: "InferencePool",
  name,
  ...(weight === undefined ? {} : { weight }),
});

/** A route as the API server returns the program's own. */
function live(change: {
  metadata?: Partial<LiveObject["metadata"]>;
  rule?: object;
  spec?: object;
}): LiveObject {
  const matches = [{ path: { type: "PathPrefix", value: "/" } }];
  return {
    metadata: { name: "routes-to-llm", namespace: "default", ...change.metadata },
    spec: {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "my-inference-gateway" }],
      rules: [{ matches, backendRefs: [ref("llm", 70), ref("llm-new", 30)], ...change.rule }],
      ...change.spec,
    },
  };
}

describe("a live route", () => {
  it("gives back what the program wrote on it", () => {
    const latch = { candidate: "llm-new", from: 60, reason: "it's worse", time: "2026-11-20T09:00:00Z" };
    const written = routeAnnotations(
      {
        shares: { "llm-new": 30, llm: 70 },
        latches: [latch],
        carried: { llm: 3 },
        route: { moves: 4, force: true, takeOver: false },
      },
      false,
    );
    assert.deepEqual(written, {
      [annotations.weights]: '{"llm":70,"llm-new":30}',
      [annotations.moves]: "4",
      [annotations.latched]: JSON.stringify([latch]),
      [annotations.carried]: '{"llm":3}',
      "pulumi.com/patchForce": "true",
    });
    const route = live({ metadata: { labels: { [labels.managedBy]: managedBy }, annotations: written } });
    assert.deepEqual(observedRoute(route, wanted), {
      backends: [
        { pool: "llm", namespace: "default", weight: 70 },
        { pool: "llm-new", namespace: "default", weight: 30 },
      ],
      written: { llm: 70, "llm-new": 30 },
      moves: 4,
      latches: [latch],
      texts: { weights: '{"llm":70,"llm-new":30}', latched: JSON.stringify([latch]) },
      carried: { llm: 3 },
      differences: { rules: [], attachment: [] },
    });
  });

  it("without our label and annotation is somebody else's; with either it is ours", () => {
    const foreign = (metadata: object): boolean => observedRoute(live({ metadata })).foreign === true;
    assert.ok(foreign({}));
    assert.ok(
      foreign({ labels: { [labels.managedBy]: "Helm" }, annotations: { [annotations.weights]: "nonsense" } }),
    );
    assert.ok(!foreign({ labels: { [labels.managedBy]: managedBy } }));
    assert.ok(!foreign({ annotations: { [annotations.weights]: '{"llm":100}' } }));
  });

  it("keeps apart what is an InferencePool and what is only called like one", () => {
    const backendRefs = [
      ref("llm"),
      { name: "llm-new", port: 80 },
      { kind: "Other", group: "a.b", name: "x" },
    ];
    assert.deepEqual(
      observedRoute(live({ rule: { backendRefs } })).backends.map(({ pool, weight }) => [pool, weight]),
      [
        ["llm", 1],
        ["Service/llm-new", 1],
        ["Other/x", 1],
      ],
    );
  });

  for (const [what, change, rules, attachment] of [
    ["the program's own", {}, [], []],
    ["no matches", { rule: { matches: [] } }, [], []],
    [
      "a match",
      { rule: { matches: [{ path: { type: "PathPrefix", value: "/v1" } }] } },
      ["rules[0].matches"],
      [],
    ],
    [
      "a match by header",
      {
        rule: {
          matches: [{ path: { type: "PathPrefix", value: "/" }, headers: [{ name: "a", value: "b" }] }],
        },
      },
      ["rules[0].matches"],
      [],
    ],
    [
      "filters and timeouts",
      { rule: { filters: [{}], timeouts: { request: "5m" } } },
      ["rules[0].filters", "rules[0].timeouts"],
      [],
    ],
    [
      "filters of a backend",
      { rule: { backendRefs: [{ ...ref("llm"), filters: [] }] } },
      ["rules[0].backendRefs[0].filters"],
      [],
    ],
    ["two rules", { spec: { rules: [{}, {}] } }, ["2 rules instead of 1"], []],
    [
      "another gateway",
      { spec: { parentRefs: [{ name: "other", namespace: "infra", sectionName: "https" }] } },
      [],
      ["the gateway from infra/other/https to default/my-inference-gateway"],
    ],
    ["host names", { spec: { hostnames: ["a.example"] } }, [], ["the hostnames from a.example to any"]],
  ] as const) {
    it(`with ${what} differs from the program's by exactly that`, () => {
      const metadata = { labels: { [labels.managedBy]: managedBy } };
      const route = live({ ...change, metadata });
      assert.deepEqual(observedRoute(route, wanted).differences, { rules, attachment });
    });
  }

  it("tells who owns the rules besides Pulumi", () => {
    const rules = { "f:spec": { "f:rules": {} } };
    const managedFields = [
      { manager: "pulumi-kubernetes-1a2b", fieldsV1: rules },
      { manager: "helm", fieldsV1: rules },
      { manager: "helm", fieldsV1: rules },
      { manager: "kubectl-label", fieldsV1: { "f:metadata": {} } },
      { manager: "gateway", subresource: "status", fieldsV1: rules },
    ];
    assert.deepEqual(observedRoute(live({ metadata: { managedFields } })).coOwners, ["helm"]);
  });
});
