import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Registered } from "../rendering";
import { annotations } from "../../components/names";
import { inventory } from "../../stacks/state/inventory";
import type { ClusterReader, LiveObject } from "../../stacks/state/cluster-reader";
import { customersRoutes } from "../../rollout/now/route-writer";
import type { ClusterWriter } from "../../stacks/state/cluster-reader";
import { knownOf, observedRoute } from "../../stacks/state/observe";
import type { Observed } from "../../stacks/plan/observed";
import { adapterCase } from "./adapter-cases";
import { serviceConfig, sourceCase } from "./cases";
import { liveRoute, poolRef, prefix } from "./plan/route-fixtures";
import { deployed } from "./plan/worlds";
import { renderService } from "./rendered-service";

/* What is registered for a customers' route that keeps the shape of its owner. */

const rules = [
  { matches: [prefix("/v1")], timeouts: { request: "300s" }, backendRefs: [poolRef("llm", { weight: 1 })] },
  { matches: [prefix("/docs")], backendRefs: [{ name: "docs", port: 80 }] },
];
const parents = [{ name: "my-inference-gateway", sectionName: "http" }, { name: "public" }];
const theirs = (): LiveObject =>
  liveRoute("routes-to-llm", rules, {
    parents,
    hostnames: ["a.example.org"],
    labels: { team: "search", "app.kubernetes.io/managed-by": "Helm" },
    annotations: { "argocd.argoproj.io/instance": "chat", [annotations.weights]: '{"llm":100}' },
  });

function world(raw: Parameters<typeof deployed>[0]): Observed {
  const before = deployed(raw);
  const known = { ...knownOf(serviceConfig(raw), before.record), kept: true };
  return { ...before, route: observedRoute(theirs(), undefined, known) };
}

const named = (resources: readonly Registered[], kind: string, name: string): Record<string, unknown> => {
  const found = resources.find(
    ({ inputs, type }) =>
      (inputs["kind"] === kind || type.endsWith(`:${kind}`)) &&
      (inputs["metadata"] as { name?: string } | undefined)?.name === name,
  );
  assert.ok(found !== undefined, `no ${kind} ${name}`);
  return found.inputs;
};

describe("a customers' route that keeps its owner's shape", () => {
  const staged = { ...sourceCase, weight: 0 };

  it("is written as it is, with this stack's marks and weights", async () => {
    const resources = await renderService({ ...sourceCase, weight: 30 }, world(staged));
    const { metadata, spec } = named(resources, "HTTPRoute", "routes-to-llm") as {
      metadata: { labels: object; annotations: Record<string, string> };
      spec: object;
    };
    assert.deepEqual(metadata.labels, {
      team: "search",
      "app.kubernetes.io/managed-by": "Helm",
      "inference-rollout/service": "llm",
    });
    assert.equal(metadata.annotations["argocd.argoproj.io/instance"], "chat");
    assert.equal(metadata.annotations[annotations.weights], '{"llm":70,"llm-new":30}');
    assert.equal(metadata.annotations[annotations.writtenFrom], "1");
    assert.deepEqual(JSON.parse(metadata.annotations[annotations.found] ?? ""), {
      0: [poolRef("llm", { weight: 1 })],
    });
    assert.deepEqual(spec, {
      parentRefs: parents,
      hostnames: ["a.example.org"],
      rules: [
        { ...rules[0], backendRefs: [poolRef("llm", { weight: 70 }), poolRef("llm-new", { weight: 30 })] },
        rules[1],
      ],
    });
  });

  it("has a guard of its own; a route that this stack created has none", async () => {
    const guard = "default-llm-route-shape";
    const kept = await renderService(staged, world(staged));
    assert.match(
      JSON.stringify(named(kept, "ValidatingAdmissionPolicy", guard)),
      /request\.\?options.*string\(oldObject\.metadata\.generation\)/,
    );
    const own = await renderService(staged, deployed(staged));
    assert.doesNotMatch(JSON.stringify(own.map(({ inputs }) => inputs)), /route-shape|written-from/);
  });

  it("lets the preview route win over its longer paths", async () => {
    const resources = await renderService(staged, world(staged));
    const { spec } = named(resources, "HTTPRoute", "preview-of-llm") as {
      spec: { rules: { matches: { path: { value: string }; headers: object[] }[] }[] };
    };
    assert.deepEqual(
      spec.rules.map(({ matches }) => matches.map(({ path, headers }) => [path.value, headers.length])),
      [
        [
          ["/", 1],
          // What the gate asks, whatever else takes these paths.
          ["/v1/models", 1],
          ["/metrics", 1],
          ["/v1", 1],
        ],
        [
          ["/", 1],
          // What the gate asks, whatever else takes these paths.
          ["/v1/models", 1],
          ["/metrics", 1],
          ["/v1", 1],
        ],
      ],
    );
  });

  it("has the adapters' paths closed wherever it attaches", async () => {
    const loading = adapterCase({});
    const resources = await renderService(loading, world(loading));
    const { spec } = named(resources, "HTTPRoute", "closed-paths-of-llm") as {
      spec: Record<string, unknown>;
    };
    assert.deepEqual([spec["parentRefs"], spec["hostnames"]], [parents, ["a.example.org"]]);
  });

  it("is found by whoever looks for this service's objects, whatever else manages it", async () => {
    const route = theirs();
    route.metadata.labels = { ...route.metadata.labels, "inference-rollout/service": "llm" };
    route.metadata.annotations = {
      ...route.metadata.annotations,
      [annotations.shape]: "abc",
      [annotations.owner]: '{"id":"id-a","stack":"acme/p/a"}',
    };
    const reader: ClusterReader = {
      get: () => Promise.resolve(undefined),
      list: (path) =>
        Promise.resolve(
          path.includes("/httproutes") && decodeURIComponent(path).endsWith("=inference-rollout/service")
            ? [route]
            : [],
        ),
    };
    const [found] = await inventory(reader, { namespaces: ["default"] });
    assert.deepEqual([found?.name, found?.owner?.id], ["routes-to-llm", "id-a"]);
    assert.deepEqual(await customersRoutes(reader as ClusterWriter, {}), [route]);
  });
});
