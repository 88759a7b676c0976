import { objectKey, type OwnedObject, type OwnState } from "../../../stacks/plan/claims";
import "../../rendering";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { inventoried, inventory } from "../../../stacks/state/inventory";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { heldIn, kubernetesKind, objectsIn } from "../../../stacks/state/state-resources";
import { transformed, treatmentOf, type Ownership } from "../../../stacks/state/ownership";
import { holdsNothing } from "../../../stacks/plan/standing";
import { renderStack } from "../rendered-service";
import { resolveConfig } from "../../../stacks/config/resolve";
import { cloud, sourceCase } from "../cases";

const self = { id: "id-a", stack: "acme/p/a", label: "p.a" };
const route: OwnedObject = {
  ...{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default", name: "routes-to-llm" },
  managers: ["pulumi-kubernetes-1"],
};
const ownership = (whose: "own" | "lost" | "theirs" | undefined, state: OwnState): Ownership => ({
  self,
  state,
  held: holdsNothing,
  claims: whose === undefined ? [] : [{ object: route, whose }],
  belongs: () => true,
});
const held = new Map([[objectKey(route), { manager: "pulumi-kubernetes-1" }]]);
const mark = { "inference-rollout/owner": '{"id":"id-a","stack":"acme/p/a"}' };
const force = { "pulumi.com/patchForce": "true" };

describe("what becomes of an object", () => {
  it("is marked, and nothing else, where it is new or in the state", () => {
    assert.deepEqual(treatmentOf(route, ownership(undefined, new Map()), false), { annotations: mark });
    assert.deepEqual(treatmentOf(route, ownership("own", held), false), { annotations: mark });
  });
  it("is adopted where the state lost it, over what the lost resource had written", () => {
    assert.deepEqual(treatmentOf(route, ownership("lost", new Map()), false), {
      annotations: { ...mark, ...force },
      import: "default/routes-to-llm",
    });
  });
  it("stays writable after that: the field manager of before still owns its fields", () => {
    const now = new Map([[objectKey(route), { manager: "pulumi-kubernetes-2" }]]);
    assert.deepEqual(treatmentOf(route, ownership("own", now), false), {
      annotations: { ...mark, ...force },
    });
  });
  it("is taken over only when told", () => {
    assert.deepEqual(treatmentOf(route, ownership("theirs", new Map()), false), { annotations: mark });
    assert.equal(treatmentOf(route, ownership("theirs", new Map()), true).import, "default/routes-to-llm");
  });
});

describe("everything that a stack renders", () => {
  it("is of a kind that is looked for, has the label by which it is found, and is marked", async () => {
    const { config } = resolveConfig(
      {
        ...sourceCase,
        objectives: [{ name: "batch", priority: 1 }],
        adapters: [{ name: "sql", source: "acme/sql" }],
      },
      cloud,
    );
    assert.ok(config?.role === "all");
    const known = new Set(inventoried.map(({ group, kind }) => `${group}/${kind}`));
    const resources = (await renderStack(config)).flatMap((resource) => {
      const kind = kubernetesKind(resource.type);
      return kind === undefined ? [] : [{ ...resource, kind }];
    });
    assert.ok(resources.length > 40, String(resources.length));
    for (const { type, name, inputs, kind } of resources) {
      assert.ok(known.has(`${kind.group}/${kind.kind}`), `${type}: add it to stacks/state/inventory.ts`);
      const { labels = {} } = inputs["metadata"] as { labels?: Record<string, string> };
      const found = labels["app.kubernetes.io/managed-by"] === "gke-inference-rollout";
      assert.ok(found || kind.kind === "Secret", `${type} ${name} has no label managed-by`);
      const result = transformed(
        { type, name, props: inputs, opts: {}, resource: undefined as unknown as pulumi.Resource },
        ownership(undefined, new Map()),
        false,
      );
      const metadata = result?.props["metadata"] as { annotations?: Record<string, string> };
      assert.equal(metadata.annotations?.["inference-rollout/owner"], mark["inference-rollout/owner"], type);
    }
  });
});

describe("this stack's own state", () => {
  it("is told by the objects in it, also where they are secret", () => {
    const outputs = {
      metadata: { name: "llm", namespace: "default" },
      __fieldManager: "pulumi-kubernetes-9",
    };
    const secret = (value: unknown): object => ({
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      value,
    });
    const found = objectsIn({
      a: { type: "kubernetes:apps/v1:Deployment", outputs },
      b: {
        type: "kubernetes:core/v1:Secret",
        outputs: secret({ metadata: { name: "s", namespace: "default" } }),
      },
      c: { type: "kubernetes:core/v1:Namespace", outputs: { metadata: { name: "n" } } },
      d: { type: "gcp:container/cluster:Cluster", outputs: { name: "x" } },
      e: { type: "pulumi:pulumi:Stack", outputs: {} },
    });
    assert.deepEqual(
      [...found],
      [
        ["apps/Deployment/default/llm", { manager: "pulumi-kubernetes-9" }],
        ["/Secret/default/s", {}],
        ["/Namespace//n", {}],
      ],
    );
  });
});

describe("what a stack stands on, in its own state", () => {
  it("is told by its clusters, subnets, node pools, pools and Gateways", () => {
    const metadata = (name: string): object => ({ metadata: { name, namespace: "default" } });
    const place = { project: "acme-ml", location: "us-central1" };
    const subnet = "https://www.googleapis.com/compute/v1/projects/acme-ml/regions/us-central1";
    const found = heldIn({
      "urn:c": { type: "gcp:container/cluster:Cluster", outputs: { name: "inference", ...place } },
      "urn:n": {
        type: "gcp:container/nodePool:NodePool",
        outputs: { name: "llm-1", cluster: "projects/acme-ml/locations/x/clusters/inference", ...place },
      },
      "urn:s": { type: "gcp:compute/subnetwork:Subnetwork", outputs: { region: subnet } },
      "urn:r": {
        type: "gcp:artifactregistry/repository:Repository",
        outputs: { repositoryId: "inference-docker-hub" },
      },
      "urn:p": { type: "kubernetes:inference.networking.k8s.io/v1:InferencePool", outputs: metadata("llm") },
      "urn:g": { type: "kubernetes:gateway.networking.k8s.io/v1:Gateway", outputs: metadata("gw") },
    });
    const inference = { name: "inference", ...place };
    assert.deepEqual(found, {
      cluster: inference,
      nodePools: [{ name: "llm-1", in: inference }],
      regions: ["us-central1"],
      pools: ["llm"],
      repositories: ["inference-docker-hub"],
      gateways: [{ namespace: "default", name: "gw", urn: "urn:g" }],
    });
    assert.deepEqual(heldIn({}), holdsNothing);
  });
});

describe("the inventory of a cluster", () => {
  it("has what this program made, with its mark and its field managers, and nobody else's", async () => {
    const labels = {
      "app.kubernetes.io/managed-by": "gke-inference-rollout",
      "inference-rollout/service": "llm",
    };
    const live = (name: string, ours: boolean): LiveObject => ({
      metadata: {
        name,
        namespace: "default",
        ...(ours ? { labels, annotations: mark } : {}),
        managedFields: [
          { manager: "pulumi-kubernetes-1" },
          { manager: "kubectl" },
          { manager: "pulumi-kubernetes-1" },
        ],
      },
    });
    const reader: ClusterReader = {
      get: (path) =>
        Promise.resolve(path.endsWith("/secrets/llm-metrics") ? live("llm-metrics", true) : undefined),
      list: (path) =>
        Promise.resolve(
          path.includes("/namespaces/default/httproutes?")
            ? [live("routes-to-llm", true), live("other", false)]
            : [],
        ),
    };
    const found = await inventory(reader, {
      namespaces: ["default"],
      secrets: (found) => found.map(() => ({ namespace: "default", name: "llm-metrics" })),
    });
    assert.deepEqual(
      found.map(({ kind, name, owner, managers }) => [kind, name, owner?.id, managers]),
      [
        ["HTTPRoute", "routes-to-llm", "id-a", ["pulumi-kubernetes-1"]],
        ["Secret", "llm-metrics", "id-a", ["pulumi-kubernetes-1"]],
      ],
    );
  });
});
