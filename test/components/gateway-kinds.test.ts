import { rendered, type Registered } from "../rendering";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  standardConditions,
  standardPort,
  type GatewayKind,
  type GatewaySettings,
  type PolicyKind,
} from "../../components/gateways/gateway";
import { gatewayKindOf, gatewayKinds } from "../../components/gateways/gateway-kinds";
import { gke } from "../../components/gateways/gke";
import { InferenceGateway } from "../../components/gateways/inference-gateway";
import { PoolPolicies } from "../../components/pool/pool-policies";
import { missingFromGateway } from "../../stacks/gates/programmed";
import type { ClusterReader, LiveObject } from "../../stacks/state/cluster-reader";
import { inventoried } from "../../stacks/state/inventory";
import { readServed } from "../../stacks/state/served";

/* A kind of gateway is one object: what follows needs no other line of the product to know this one. */

const traffic: PolicyKind = {
  apiVersion: "gateway.example.com/v1alpha1",
  kind: "TrafficPolicy",
  plural: "trafficpolicies",
  about: "pool",
};

const example: GatewayKind = {
  name: "Example",
  classes: { internal: "example-inside", external: "example" },
  ownsClass: (className) => className.startsWith("example"),
  defaultPort: standardPort,
  listenerTls: ({ tlsSecret }) => ({ certificateRefs: [{ kind: "Secret", name: tlsSecret }] }),
  addresses: (value) => [{ type: "Hostname", value }],
  exposures: { globalAccess: [], cloudArmor: [] },
  policyKinds: [traffic],
  gatewayPolicies: () => [],
  poolPolicies: ({ pool, timeoutSeconds }) => [
    { kind: traffic, suffix: "traffic", spec: { pool, timeout: `${timeoutSeconds}s` } },
  ],
  routeConditions: [...standardConditions, { type: "Deployed", optional: false }],
};

const settings: GatewaySettings = {
  name: "front",
  namespace: "infra",
  exposure: "external",
  port: 443,
  tlsSecret: "front-certificate",
  address: "front.example.com",
  globalAccess: false,
  routesFrom: ["infra"],
};

const kubernetes = (resources: readonly Registered[]): Registered["inputs"][] =>
  resources.filter(({ type }) => type.startsWith("kubernetes:")).map(({ inputs }) => inputs);

/** A cluster that answers from a table. */
const cluster = (answers: Readonly<Record<string, object>>): ClusterReader => ({
  get: (path) => Promise.resolve(answers[path] as LiveObject | undefined),
  list: () => Promise.resolve([]),
});

describe("a kind of gateway", () => {
  it("has its class, addresses and certificates in the Gateway", async () => {
    const [gateway, ...more] = kubernetes(
      await rendered(() => new InferenceGateway("front", { ...settings, kind: example })),
    );
    assert.deepEqual(gateway?.["spec"], {
      gatewayClassName: "example",
      addresses: [{ type: "Hostname", value: "front.example.com" }],
      listeners: [
        {
          name: "https",
          protocol: "HTTPS",
          port: 443,
          tls: { mode: "Terminate", certificateRefs: [{ kind: "Secret", name: "front-certificate" }] },
          allowedRoutes: { namespaces: { from: "Same" } },
        },
      ],
    });
    assert.deepEqual(more, [], "GKE's policies are not made");
  });

  it("has its own policies for a pool", async () => {
    const pool = { service: "llm", pool: "llm", namespace: "default", port: 8000, healthPath: "/health" };
    const [policy, ...more] = kubernetes(
      await rendered(
        () => new PoolPolicies("llm", { ...pool, timeoutSeconds: 600, logging: true, kind: example }),
      ),
    );
    assert.deepEqual(
      [policy?.["apiVersion"], policy?.["kind"], policy?.["spec"]],
      [traffic.apiVersion, traffic.kind, { pool: "llm", timeout: "600s" }],
    );
    assert.deepEqual(more, []);
  });

  it("gets its policies only where the cluster serves them", async () => {
    const discovery = { "/apis/gateway.example.com/v1alpha1": { resources: [{ kind: "TrafficPolicy" }] } };
    assert.equal((await readServed(cluster(discovery), example)).gatewayPolicies, true);
    assert.equal((await readServed(cluster({}), example)).gatewayPolicies, false);
  });

  it("says by its own conditions that a route is in force", () => {
    const condition = (type: string): object => ({ type, status: "True", observedGeneration: 1 });
    const route = (...types: string[]): LiveObject => ({
      metadata: { name: "routes-to-llm", namespace: "infra", generation: 1 },
      status: { parents: [{ parentRef: { name: "front" }, conditions: types.map(condition) }] },
    });
    const missing = (found: LiveObject, kind: GatewayKind): readonly string[] =>
      missingFromGateway(found, settings, kind);
    assert.deepEqual(missing(route("Accepted", "ResolvedRefs"), gke), []);
    assert.deepEqual(missing(route("Accepted", "ResolvedRefs"), example), [
      "gateway front has not reported Deployed for route infra/routes-to-llm",
    ]);
    assert.deepEqual(missing(route("Accepted", "ResolvedRefs", "Deployed"), example), []);
  });

  it("is told by the class of a live Gateway; a class that no kind knows is GKE's", () => {
    const kinds = [gke, example];
    assert.equal(gatewayKindOf("example-inside", kinds), example);
    assert.equal(gatewayKindOf("gke-l7-gxlb", kinds), gke);
    assert.equal(gatewayKindOf("istio", kinds), gke);
    assert.equal(gatewayKindOf(undefined, kinds), gke);
    for (const kind of gatewayKinds) {
      for (const className of Object.values(kind.classes)) assert.equal(gatewayKindOf(className), kind);
    }
  });

  it("has everything that it can render among the kinds that are looked for in a cluster", () => {
    const pool = { pool: "llm", port: 8000, healthPath: "/health", drainSeconds: 1 };
    const armor = { promptTemplate: "", responseTemplate: "", model: "", failOpen: false, location: "" };
    for (const kind of gatewayKinds) {
      const policies = [
        ...kind.gatewayPolicies({ ...settings, globalAccess: true, modelArmor: armor }),
        ...kind.poolPolicies({ ...pool, timeoutSeconds: 1, logging: true, cloudArmor: "guard" }),
      ];
      for (const policy of policies) {
        assert.ok(kind.policyKinds.includes(policy.kind));
        const [group] = policy.kind.apiVersion.split("/");
        assert.ok(inventoried.some((found) => found.group === group && found.kind === policy.kind.kind));
      }
    }
  });
});
