import assert from "node:assert/strict";
import * as path from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PatchStrategy, type KubernetesObject } from "@kubernetes/client-node";
import { Program } from "../../../lab/plugins/testing/program";
import type { TestLab } from "../../../lab/plugins/testing/test-lab";

/* The admission policies, in the API server's own hands. */

const component = path.join(__dirname, "..", "..", "..", "components", "route", "traffic-guard");

const rbac = "rbac.authorization.k8s.io/v1";

/** What a picker of others has, as the chart makes it, and a model server: the pool is theirs. */
const behind: readonly (KubernetesObject & { resource: string })[] = [
  { resource: "deployments", ...workload("Deployment", "theirs-epp") },
  { resource: "statefulsets", ...workload("StatefulSet", "theirs-server") },
  {
    ...{ resource: "services", apiVersion: "v1", kind: "Service", metadata: named("theirs-epp") },
    ...{ spec: { ports: [{ port: 9002 }] } },
  },
  { resource: "serviceaccounts", apiVersion: "v1", kind: "ServiceAccount", metadata: named("theirs-epp") },
  { resource: "configmaps", apiVersion: "v1", kind: "ConfigMap", metadata: named("theirs-epp") },
  { resource: "secrets", apiVersion: "v1", kind: "Secret", metadata: named("theirs-epp") },
  { resource: "roles", apiVersion: rbac, kind: "Role", metadata: named("theirs-epp"), ...{ rules: [] } },
  {
    ...{ resource: "rolebindings", apiVersion: rbac, kind: "RoleBinding", metadata: named("theirs-epp") },
    ...{ roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "theirs-epp" } },
  },
  {
    ...{ resource: "clusterroles", apiVersion: rbac, kind: "ClusterRole", metadata: { name: "theirs-epp" } },
    ...{ rules: [] },
  },
  {
    ...{ resource: "clusterrolebindings", apiVersion: rbac, kind: "ClusterRoleBinding" },
    ...{ metadata: { name: "theirs-epp" } },
    ...{ roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "theirs-epp" } },
  },
];

function named(name: string): { namespace: string; name: string } {
  return { namespace: "default", name };
}

function workload(kind: string, name: string): KubernetesObject {
  const containers = [{ name: "main", image: "example.com/none" }];
  const template = { metadata: { labels: { app: name } }, spec: { containers } };
  return {
    ...{ apiVersion: "apps/v1", kind, metadata: named(name) },
    ...{ spec: { replicas: 0, serviceName: name, selector: { matchLabels: { app: name } }, template } },
  };
}

const parts = behind.map(({ resource, metadata }) => ({
  ...{ resource, name: metadata?.name, pool: named("theirs") },
  ...(metadata?.namespace === undefined ? {} : { namespace: metadata.namespace }),
}));

const source = `import * as k8s from "@pulumi/kubernetes";
import { TrafficGuard } from ${JSON.stringify(component)};
const provider = new k8s.Provider("lab", { kubeconfig: process.env["KUBECONFIG"]! });
new TrafficGuard("shop", {
  service: "shop",
  namespace: "default",
  route: "llm-route",
  routesIn: ["team", "elsewhere"],
  grpc: true,
  parts: ${JSON.stringify(parts)},
}, { provider });
`;

const pools = { apiVersion: "inference.networking.k8s.io/v1", kind: "InferencePool" };
const ref = (name: string, fields: object = {}): object => ({
  group: "inference.networking.k8s.io",
  kind: "InferencePool",
  name,
  ...fields,
});

interface RouteOf {
  kind?: string;
  namespace?: string;
  name?: string;
  rules: object[];
}

const route = ({
  kind = "HTTPRoute",
  namespace = "default",
  name = "r",
  rules,
}: RouteOf): KubernetesObject => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind,
  metadata: { namespace, name },
  ...{ spec: { parentRefs: [{ name: "gw" }], rules } },
});

const poolObject = (namespace: string, name: string, service?: string): KubernetesObject => ({
  ...pools,
  metadata: {
    namespace,
    name,
    ...(service === undefined ? {} : { labels: { "inference-rollout/service": service } }),
  },
  ...{
    spec: {
      selector: { matchLabels: { app: name } },
      targetPorts: [{ number: 8000 }],
      endpointPickerRef: { name: `${name}-epp`, port: { number: 9002 } },
    },
  },
});

const mirror = (name: string, fields: object = {}): object => ({
  type: "RequestMirror",
  requestMirror: { backendRef: ref(name, fields) },
});

/** One pool each, of this service unless it says otherwise, and one route; and whether the pool may go. */
const cases: readonly {
  name: string;
  route: RouteOf;
  namespace?: string;
  service?: string | null;
  refused: RegExp | undefined;
}[] = [
  {
    name: "the customers' route gives it weight",
    route: { name: "llm-route", rules: [{ backendRefs: [ref("p", { weight: 1 })] }] },
    refused: /pool p serves customers: HTTPRoute default\/llm-route gives it weight/,
  },
  {
    name: "the customers' route gives weight to a pool that somebody else made",
    route: { name: "llm-route", rules: [{ backendRefs: [ref("p")] }] },
    service: null,
    refused: /HTTPRoute default\/llm-route/,
  },
  {
    name: "the customers' route gives it none",
    route: { name: "llm-route", rules: [{ backendRefs: [ref("p", { weight: 0 }), ref("q")] }] },
    refused: undefined,
  },
  {
    name: "another route gives it weight",
    route: { name: "testers", rules: [{ backendRefs: [ref("q")] }, { backendRefs: [ref("p")] }] },
    refused: /HTTPRoute default\/testers gives it weight.*take it out of that route/,
  },
  {
    name: "another route gives weight to a pool of another service",
    route: { name: "testers", rules: [{ backendRefs: [ref("p")] }] },
    service: "other",
    refused: undefined,
  },
  {
    name: "another route mirrors to it",
    route: { name: "testers", rules: [{ backendRefs: [ref("q")], filters: [mirror("p")] }] },
    refused: /HTTPRoute default\/testers/,
  },
  {
    name: "a backend of another route mirrors to it",
    route: { name: "testers", rules: [{ backendRefs: [ref("q", { filters: [mirror("p")] })] }] },
    refused: /HTTPRoute default\/testers/,
  },
  {
    name: "another route mirrors to a pool of that name elsewhere",
    route: {
      name: "testers",
      rules: [{ backendRefs: [ref("q")], filters: [mirror("p", { namespace: "elsewhere" })] }],
    },
    refused: undefined,
  },
  {
    name: "a route of another namespace gives it weight",
    route: { namespace: "team", rules: [{ backendRefs: [ref("p", { namespace: "default" })] }] },
    refused: /HTTPRoute team\/r gives it weight/,
  },
  {
    name: "a route beside it in a namespace of its own gives it weight",
    route: { namespace: "elsewhere", rules: [{ backendRefs: [ref("p")] }] },
    namespace: "elsewhere",
    refused: /HTTPRoute elsewhere\/r gives it weight/,
  },
  {
    name: "a GRPCRoute gives it weight",
    route: { kind: "GRPCRoute", rules: [{ backendRefs: [ref("p")] }] },
    refused: /GRPCRoute default\/r gives it weight/,
  },
  {
    name: "only the preview route gives it weight",
    route: { name: "preview-of-shop", rules: [{ backendRefs: [ref("p")] }] },
    refused: undefined,
  },
  {
    name: "a rule of another route has neither backends nor filters",
    route: { name: "testers", rules: [{ matches: [{ path: { value: "/" } }] }] },
    refused: undefined,
  },
];

export function trafficGuardSuite(started: () => TestLab): void {
  describe("the admission policies of the traffic guard", () => {
    let lab: TestLab;
    before(async () => {
      lab = started();
      for (const name of ["team", "elsewhere"]) {
        await lab.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
      }
      const program = await Program.make(lab, "guard", source, {});
      await program.mustUp();
      await active();
    });

    /** A policy takes a few seconds to become active; both are once each has refused something. */
    async function active(): Promise<void> {
      for (const kind of ["HTTPRoute", "GRPCRoute"]) {
        const objects = [
          route({ kind, name: "first", rules: [{ backendRefs: [ref("first")] }] }),
          poolObject("default", "first", "shop"),
        ];
        for (const object of objects) await lab.objects.create(object);
        for (let i = 0; (await remove(objects[1]!, true)) === undefined; i++) {
          assert.ok(i < 200, `the policy about ${kind}s is not active after 20 s`);
          await sleep(100);
        }
        await remove(objects[0]!);
        await gone(objects[1]!);
      }
    }

    /** @returns what the API server said where it refused. */
    async function remove(object: KubernetesObject, dry = false): Promise<string | undefined> {
      try {
        await lab.objects.delete(object, undefined, dry ? "All" : undefined);
        return undefined;
      } catch (error) {
        return (error as { body?: string }).body ?? String(error);
      }
    }

    /** Removes an object that a route held until now: the API server sees that the route is gone a moment later. */
    async function gone(object: KubernetesObject): Promise<void> {
      for (let i = 0; ; i++) {
        const said = await remove(object);
        if (said === undefined) return;
        assert.ok(i < 100, `not removed after 10 s: ${said}`);
        await sleep(100);
      }
    }

    /** Takes every backend out of a route. */
    async function empty(spec: RouteOf): Promise<void> {
      const emptied = route({ ...spec, rules: [{}] });
      await lab.objects.patch(emptied, undefined, undefined, "test", undefined, PatchStrategy.MergePatch);
    }

    /** The API server's informers are a moment behind. */
    async function eventually(object: KubernetesObject, refused: RegExp): Promise<string> {
      for (let i = 0; ; i++) {
        const said = (await remove(object, true)) ?? "nothing";
        if (refused.test(said) || i === 50) return said;
        await sleep(100);
      }
    }

    for (const { name, route: spec, namespace = "default", service = "shop", refused } of cases) {
      it(`${refused === undefined ? "let a pool go" : "keep a pool"} where ${name}`, async () => {
        const held = route(spec);
        const pool = poolObject(namespace, "p", service ?? undefined);
        await lab.objects.create(held);
        await lab.objects.create(pool);
        if (refused === undefined) {
          await sleep(1000);
          assert.equal(await remove(pool), undefined);
          // The customers' route with weight does not go without leave; without weight on anything it does.
          await empty(spec);
        } else {
          assert.match(await eventually(pool, refused), refused);
          await empty(spec);
          await gone(pool);
        }
        await gone(held);
      });
    }

    it("keep what stands behind a pool of others while the customers' route gives it weight", async () => {
      const spec = { name: "llm-route", rules: [{ backendRefs: [ref("theirs", { weight: 1 })] }] };
      await lab.objects.create(route(spec));
      const objects = behind.map((part): KubernetesObject => {
        const object = { ...part };
        Reflect.deleteProperty(object, "resource");
        return object;
      });
      for (const object of objects) await lab.objects.create(object);
      const bystander = { apiVersion: "v1", kind: "ConfigMap", metadata: named("theirs-other") };
      await lab.objects.create(bystander);
      for (const [i, object] of objects.entries()) {
        const resource = behind[i]?.resource ?? "";
        const refusal = new RegExp(
          `${resource} theirs-\\w+ is part of what serves: pool theirs serves customers: HTTPRoute default/llm-route`,
        );
        assert.match(await eventually(object, refusal), refusal);
      }
      assert.equal(await remove(bystander), undefined);
      await empty(spec);
      for (const object of objects) await gone(object);
      await gone(route(spec));
    });

    it("keep the Gateway of the customers' route while it sends requests anywhere, and no other", async () => {
      const spec = { name: "llm-route", rules: [{ backendRefs: [ref("q")] }] };
      const gateway = (name: string): KubernetesObject => ({
        ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", metadata: named(name) },
        ...{
          spec: { gatewayClassName: "none", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
        },
      });
      for (const object of [route(spec), gateway("gw"), gateway("other")]) await lab.objects.create(object);
      const refusal = /customers reach HTTPRoute default\/llm-route through Gateway default\/gw/;
      assert.match(await eventually(gateway("gw"), refusal), refusal);
      assert.equal(await remove(gateway("other")), undefined);
      await empty(spec);
      await gone(gateway("gw"));
      await gone(route(spec));
    });

    it("keep the customers' route, and a namespace with a pool that any route sends to", async () => {
      const customers = route({ name: "llm-route", rules: [{ backendRefs: [ref("q")] }] });
      await lab.objects.create(customers);
      const refusal = /HTTPRoute default\/llm-route carries the customers' traffic/;
      assert.match(await eventually(customers, refusal), refusal);
      const namespace: KubernetesObject = {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "shop-new", labels: { "inference-rollout/service": "shop" } },
      };
      await lab.objects.create(namespace);
      const other = route({
        name: "testers",
        rules: [{ backendRefs: [ref("p", { namespace: "shop-new" })] }],
      });
      await lab.objects.create(other);
      const held = /namespace shop-new holds what HTTPRoute default\/testers sends customers to/;
      assert.match(await eventually(namespace, held), held);
      await remove(other);
      await gone(namespace);
    });
  });
}
