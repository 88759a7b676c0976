import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { definitionNames, readDefinition } from "../../../components/definitions/inference-definitions";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { definitionsToInstall, readDefinitions, readServed } from "../../../stacks/state/served";
import { labels, managedBy } from "../../../components/names";

/** A cluster that answers from a table. */
function cluster(answers: Readonly<Record<string, object>>): ClusterReader {
  return {
    get: (path) => Promise.resolve(answers[path] as LiveObject | undefined),
    list: () => Promise.resolve([]),
  };
}

const crd = (name: string, stack?: string): LiveObject => ({
  metadata: {
    name,
    ...(stack === undefined ? {} : { labels: { [labels.managedBy]: managedBy, [labels.stack]: stack } }),
  },
});

describe("what a cluster serves", () => {
  it("is what its discovery says, kind by kind", async () => {
    const gke = cluster({
      "/apis/networking.gke.io/v1": {
        resources: [
          { kind: "HealthCheckPolicy" },
          { kind: "GCPBackendPolicy" },
          { kind: "GCPGatewayPolicy" },
        ],
      },
      "/version": { gitVersion: "v1.34.1-gke.1829001" },
      "/apis/custom.metrics.k8s.io": { name: "custom.metrics.k8s.io" },
      "/apis/monitoring.googleapis.com/v1": { resources: [{ kind: "PodMonitoring" }] },
    });
    assert.deepEqual(await readServed(gke), {
      gatewayPolicies: true,
      trafficExtensions: false,
      podMonitoring: true,
      collectorNamespace: "gmp-system",
      groups: false,
      cluster: { customMetrics: true, version: "1.34.1-gke.1829001" },
    });
  });

  it("is nothing where the groups are not there", async () => {
    assert.deepEqual(await readServed(cluster({})), {
      gatewayPolicies: false,
      trafficExtensions: false,
      podMonitoring: false,
      collectorNamespace: "gmp-system",
      groups: false,
      cluster: { customMetrics: false },
    });
  });
});

describe("the collector of managed Prometheus", () => {
  it("is in another namespace on Autopilot, and in the usual one for who may not read namespaces", async () => {
    const at = { "/api/v1/namespaces/gke-gmp-system": { metadata: { name: "gke-gmp-system" } } };
    assert.equal((await readServed(cluster(at))).collectorNamespace, "gke-gmp-system");
    const closed: ClusterReader = {
      ...cluster({}),
      get: (path) =>
        path.startsWith("/api/v1/") ? Promise.reject(new Error("403")) : Promise.resolve(undefined),
    };
    assert.equal((await readServed(closed)).collectorNamespace, "gmp-system");
  });
});

describe("CRDs of the inference extension", () => {
  const live = (found: Record<string, LiveObject | undefined>): Parameters<typeof definitionsToInstall>[0] =>
    new Map(definitionNames.map((name) => [name, found[name]]));

  const ownBy =
    (stack: string) =>
    ({ metadata }: LiveObject): boolean =>
      metadata.labels?.["inference-rollout/stack"] === stack;

  it("are installed where they are missing", () => {
    assert.deepEqual(definitionsToInstall(live({}), ownBy("s"), "existing"), definitionNames);
  });

  it("are left alone where GKE or somebody else has put them", () => {
    const all = Object.fromEntries(definitionNames.map((name) => [name, crd(name)]));
    assert.deepEqual(definitionsToInstall(live(all), ownBy("s"), "existing"), []);
    const others = Object.fromEntries(definitionNames.map((name) => [name, crd(name, "another")]));
    assert.deepEqual(definitionsToInstall(live(others), ownBy("s"), "existing"), []);
  });

  it("are kept by the stack that installed them, so that its next update does not drop them", () => {
    fc.assert(
      fc.property(fc.subarray([...definitionNames]), (own) => {
        const found = Object.fromEntries(
          definitionNames.map((name) => [name, crd(name, own.includes(name) ? "s" : undefined)]),
        );
        assert.deepEqual(definitionsToInstall(live(found), ownBy("s"), "existing"), own);
      }),
    );
  });

  it("are, in a new cluster, those that GKE does not bring, unless it did", () => {
    const all = Object.fromEntries(definitionNames.map((name) => [name, crd(name)]));
    assert.deepEqual(definitionsToInstall(live(all), ownBy("s"), "new"), []);
    assert.deepEqual(definitionsToInstall(live({}), ownBy("s"), "new"), [
      "inferenceobjectives.inference.networking.x-k8s.io",
      "inferencemodelrewrites.inference.networking.x-k8s.io",
    ]);
  });

  it("are looked up by their own names", async () => {
    const name = definitionNames[0]!;
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
    const found = await readDefinitions(cluster({ [path]: crd(name) }));
    assert.deepEqual(
      [...found.entries()].filter(([, object]) => object !== undefined).map(([key]) => key),
      [name],
    );
  });

  it("have the names they are filed under, and the approval that Kubernetes asks of its own groups", () => {
    for (const name of definitionNames) {
      const { metadata } = readDefinition(name);
      assert.equal(metadata.name, name);
      if (name.endsWith(".k8s.io") && !name.endsWith(".x-k8s.io")) {
        assert.match(metadata.annotations?.["api-approved.kubernetes.io"] ?? "", /^https:/);
      }
    }
  });
});
