import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import {
  allowRelease,
  leavingOf,
  releaseObstacles,
  stillServing,
  type StateResource,
} from "../../../rollout/steps/leaving-stack";
import { resolveValues, type ServiceStack } from "../../../rollout/steps/resolve-values";
import { valueOf } from "../../../rollout/steps/values";
import { values, withValues } from "./cases";

const own = "inference-rollout:index";
const urn = (types: string, name: string): string => `urn:pulumi:prod::inference-rollout::${types}::${name}`;
const resource = (types: string, name: string, more: Partial<StateResource> = {}): StateResource => ({
  urn: urn(types, name),
  type: types.split("$").at(-1) ?? "",
  custom: true,
  ...more,
});

const brownfield = withValues(values(), {
  cluster: { kubeconfig: "/nowhere/kubeconfig" },
  gateway: { existing: true },
  weight: 0,
  pools: { llm: { existing: true }, "llm-new": { accelerator: "nvidia-l4", replicas: 2 } },
});

function configOf(): ServiceStack {
  const resolved = resolveValues(brownfield);
  assert.ok(resolved.outcome === "resolved", JSON.stringify(resolved));
  return resolved.config;
}

const route = (more: Partial<StateResource> = {}): StateResource =>
  resource(`${own}:InferenceRoute$kubernetes:gateway.networking.k8s.io/v1:HTTPRoute`, "llm", {
    id: "default/routes-to-llm",
    ...more,
  });
const pool = (more: Partial<StateResource> = {}): StateResource =>
  resource(
    `${own}:ServingPool$${own}:InferencePool$kubernetes:inference.networking.k8s.io/v1:InferencePool`,
    "llm-new",
    {
      id: "default/llm-new",
      ...more,
    },
  );
const around = [
  resource("pulumi:pulumi:Stack", "prod", { custom: false }),
  resource("pulumi:providers:kubernetes", "cluster"),
  resource("pulumi:pulumi:StackReference", "last-update", { external: true }),
  resource(`${own}:PreviewRoute$kubernetes:gateway.networking.k8s.io/v1:HTTPRoute`, "llm", {
    id: "default/preview-of-llm",
  }),
];

describe("what a stack that leaves takes with it", () => {
  it("is everything but what customers come through", () => {
    const leaving = leavingOf([...around, route(), pool()], configOf());
    assert.deepEqual(leaving.goes, ["HTTPRoute preview-of-llm", "InferencePool llm-new"]);
    assert.deepEqual(leaving.serving, [
      {
        name: "HTTPRoute routes-to-llm",
        path: "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/routes-to-llm",
      },
    ]);
  });

  it("is prepared once nothing names a hook and what serves is kept, also after a part of it has gone", () => {
    const hooks = { resourceHooks: { BeforeDelete: ["traffic-guard"] } };
    const none = { resourceHooks: { BeforeDelete: [] } };
    const config = configOf();
    assert.equal(leavingOf([route(), pool()], config).isPrepared, false);
    assert.equal(leavingOf([route({ retainOnDelete: true }), pool(hooks)], config).isPrepared, false);
    assert.equal(leavingOf([route({ retainOnDelete: true, ...none }), pool(none)], config).isPrepared, true);
    assert.equal(leavingOf([pool()], config).isPrepared, true);
  });

  it("leaves the namespaces of customers and the Gateway that it made, but not a pool's own namespace", () => {
    const gateway = resource(
      `${own}:InferenceGateway$kubernetes:gateway.networking.k8s.io/v1:Gateway`,
      "gw",
      { id: "default/gw" },
    );
    const home = resource("kubernetes:core/v1:Namespace", "home", { id: "home" });
    const ofPool = resource(`${own}:PoolNamespace$kubernetes:core/v1:Namespace`, "llm-new", {
      id: "llm-llm-new",
    });
    const leaving = leavingOf([gateway, home, ofPool], configOf());
    assert.deepEqual(leaving.goes, ["Namespace llm-llm-new"]);
    assert.deepEqual(
      leaving.serving.map(({ path }) => path),
      ["/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/gw", "/api/v1/namespaces/home"],
    );
  });
});

const world = (share: number): Observed => ({
  ...nothingDeployed,
  pools: [
    { name: "llm", namespace: "default", owned: false },
    { name: "llm-new", namespace: "default", owned: true },
  ],
  route: {
    takenOver: true,
    backends: [
      { pool: "llm", namespace: "default", weight: 100 - share },
      ...(share > 0 ? [{ pool: "llm-new", namespace: "default", weight: share }] : []),
    ],
  },
});

describe("whether a stack can leave", () => {
  it("depends on whom customers are sent to", () => {
    assert.deepEqual(releaseObstacles(brownfield, world(0)), []);
    assert.equal(stillServing(world(0)), undefined);
    assert.match(stillServing(world(30)) ?? "", /pool llm-new of this stack gets requests/);
    const [goingBack] = releaseObstacles(brownfield, world(30));
    assert.match(goingBack?.found ?? "", /pool llm-new of this stack gets requests/);
    assert.equal(goingBack?.fix, "npm run rollout -- rollback");
    const [serving] = releaseObstacles(withValues(brownfield, { weight: 30 }), world(30));
    assert.match(
      serving?.found ?? "",
      /pool llm-new was created by this stack, and the live route sends it 30 %/,
    );
    assert.match(serving?.fix ?? "", /npm run rollout -- rollback/);
  });

  it("not from a cluster that it created", () => {
    const [first] = releaseObstacles(withValues(brownfield, { cluster: {} }), world(0));
    assert.match(first?.found ?? "", /the cluster was created by this stack/);
  });

  it("is written into the config and out of it again, beside other words", () => {
    const before = withValues(brownfield, { allow: ["frozen"] });
    const during = allowRelease(before, true);
    assert.deepEqual(valueOf(during, "allow"), ["frozen", "release"]);
    assert.deepEqual(allowRelease(during, true), during);
    assert.deepEqual(valueOf(allowRelease(during, false), "allow"), ["frozen"]);
  });
});
