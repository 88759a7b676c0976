import type { GatewayConfig } from "../../components/gateways/gateway";
import { nothingDeployed } from "../../stacks/plan/model";
import type { Observed } from "../../stacks/plan/observed";
import { rendered, type Registered } from "../rendering";
import { definitionNames, type DefinitionName } from "../../components/definitions/inference-definitions";
import { resolveConfig, type StackConfig } from "../../stacks/config/resolve";
import { newCluster } from "../../stacks/state/served";
import { observe, type Belongs } from "../../stacks/state/observe";
import { labels, managedBy } from "../../components/names";
import type { ClusterReader, LiveObject } from "../../stacks/state/cluster-reader";
import { platformNamespaces, serviceNamespaces, type NamespaceOwners } from "../../stacks/plan/namespaces";
import { buildPlatform, namespaceOwners } from "../../stacks/platform";
import { buildService } from "../../stacks/service";
import { cloud, planFor } from "./cases";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/*
 * What exists is never made, and nothing is made twice: every role with every kind of gateway and every way in which
 * the namespaces of route, Gateway and pools can be the same or not.
 */

const own = "inference-rollout.test";
const belongs: Belongs = (live) => live.metadata.labels?.["inference-rollout/stack"] === own;

interface Case {
  role: "all" | "platform" | "service";
  existing: boolean;
  /** Namespace of the Gateway, of the route and of the pools; undefined: the default. */
  gateway?: string;
  route?: string;
  pools: "beside" | "objectives" | "shared" | "gateway's" | "others'";
  /** What there is before the update. */
  world: "new cluster" | "nothing" | "made by others" | "made here";
}

const combinations: Case[] = (["all", "platform", "service"] as const).flatMap((role) =>
  [false, true].flatMap((existing) =>
    [undefined, "gateway-infra", "default"].flatMap((gateway) =>
      [undefined, "serving"].flatMap((route) =>
        (["beside", "objectives", "shared", "gateway's", "others'"] as const).flatMap((pools) =>
          (["new cluster", "nothing", "made by others", "made here"] as const).map((world) => ({
            role,
            existing,
            pools,
            world,
            ...(gateway === undefined ? {} : { gateway }),
            ...(route === undefined ? {} : { route }),
          })),
        ),
      ),
    ),
  ),
);

/** In a cluster that is still to be made there is no Gateway. */
const cases = combinations.filter(({ existing, world }) => !existing || world !== "new cluster");

function configOf({ role, existing, gateway, route, pools }: Case): StackConfig {
  const place =
    pools === "shared"
      ? { namespace: "models" }
      : pools === "gateway's"
        ? { namespace: gateway ?? route ?? "default" }
        : {};
  const llm =
    pools === "others'"
      ? { existing: true, namespace: "theirs" }
      : { accelerator: "nvidia-l4", replicas: 2, ...place };
  const { config, mistakes } = resolveConfig(
    {
      role,
      ...(role === "service" ? { platform: "acme/inference/platform" } : {}),
      ...(route === undefined ? {} : { namespace: route }),
      gateway: { name: "shared", existing, ...(gateway === undefined ? {} : { namespace: gateway }) },
      model: "Qwen/Qwen3-8B",
      stable: "llm",
      candidate: "llm-new",
      ...(pools === "objectives" ? { objectives: [{ name: "chat", priority: 1 }] } : {}),
      pools: { llm, "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 1, ...place } },
    },
    cloud,
  );
  assert.deepEqual(mistakes, []);
  assert.ok(config !== undefined);
  return config;
}

/** A cluster in which namespaces are there as the case says. */
function readerOf({ world, existing, gateway, route, pools }: Case): ClusterReader | undefined {
  if (world === "new cluster") return undefined;
  // What the config says that exists does.
  const theirs = new Set([
    ...["default", "kube-system", "kube-public", "kube-node-lease"],
    ...(existing ? [gateway ?? route ?? "default"] : []),
    ...(pools === "others'" ? ["theirs"] : []),
  ]);
  const found = (name: string): LiveObject | undefined => {
    if (theirs.has(name) || world === "made by others") return { metadata: { name } };
    return world === "made here"
      ? { metadata: { name, labels: { "inference-rollout/stack": own, [labels.managedBy]: managedBy } } }
      : undefined;
  };
  return {
    get: (path) => {
      const name = /^\/api\/v1\/namespaces\/([^/]+)$/.exec(path)?.[1];
      return Promise.resolve(name === undefined ? undefined : found(name));
    },
    list: () => Promise.resolve([]),
  };
}

const sharedGateway = (config: StackConfig, { gateway, route }: Case): GatewayConfig =>
  config.role === "service"
    ? {
        ...{
          name: "shared",
          namespace: gateway ?? route ?? "default",
          existing: false,
          exposure: "internal",
        },
        ...{ routesFrom: [], port: 80, globalAccess: false, timeoutSeconds: 3600, logging: true },
      }
    : config.platform.gateway;

/** What a stack knows before it makes anything. */
async function look(
  one: Case,
): Promise<{ config: StackConfig; gateway: GatewayConfig; observed: Observed; owners: NamespaceOwners }> {
  const config = configOf(one);
  const reader = readerOf(one);
  const gateway = sharedGateway(config, one);
  if (config.role === "platform") {
    return {
      config,
      gateway,
      observed: nothingDeployed,
      owners: await namespaceOwners(reader, config.platform, belongs),
    };
  }
  const observed =
    reader === undefined
      ? nothingDeployed
      : await observe(reader, config.service, undefined, belongs, {
          ...gateway,
          configurable: config.role === "all",
        });
  return { config, gateway, observed, owners: observed.namespaces };
}

/** Namespaces that are made, by the decisions alone. */
async function decided(one: Case): Promise<string[]> {
  const { config, observed, owners } = await look(one);
  const platform =
    config.role === "service"
      ? []
      : platformNamespaces(config.platform.namespace, config.platform.gateway, owners);
  const pools = config.role === "platform" ? [] : planFor(config.service, observed).namespaces;
  return [
    ...platform,
    ...pools
      .filter(({ name, pool, maker, create }) => create && maker === pool && !platform.includes(name))
      .map(({ name }) => name),
  ];
}

async function render(one: Case, missing: readonly DefinitionName[] = []): Promise<Registered[]> {
  const { config, gateway, observed, owners } = await look(one);
  const options = { owners, stack: own, definitions: missing, deletable: false };
  if (config.role === "platform") return rendered(() => buildPlatform(config.platform, options));
  return rendered(() => {
    const provider = (): k8s.Provider => new k8s.Provider("given", { kubeconfig: "{}" });
    const platform =
      config.role === "service"
        ? { kubeconfig: pulumi.output("{}"), gateway, provider: provider(), namespaces: [], ready: [] }
        : buildPlatform(config.platform, options);
    return buildService(config.service, planFor(config.service, observed), {
      platform,
      stack: own,
      copies: {},
      served: newCluster,
      hooks: () => ({}),
    });
  });
}

interface Metadata {
  name?: string;
  namespace?: string;
}

const metadataOf = ({ inputs }: Registered): Metadata => inputs["metadata"] ?? {};
const isNamespace = ({ type }: Registered): boolean => type === "kubernetes:core/v1:Namespace";

const titleOf = ({ role, existing, gateway, route, pools, world }: Case): string =>
  `role ${role}, Gateway ${existing ? "existing" : "made"} in ${gateway ?? "the route's"}, route in ${route ?? "default"}, pools ${pools}, ${world}`;

const gatewayIn = ({ gateway, route }: Case): string => gateway ?? route ?? "default";

async function existsFirst(one: Case, name: string): Promise<boolean> {
  const live = await readerOf(one)?.get(`/api/v1/namespaces/${name}`);
  return live !== undefined && live.metadata.labels?.["inference-rollout/stack"] !== own;
}

async function assertNoneExists(one: Case, made: readonly string[]): Promise<void> {
  const title = titleOf(one);
  assert.deepEqual(made, [...new Set(made)], `each namespace once: ${title}`);
  for (const name of made) {
    assert.ok(!(await existsFirst(one, name)), `${name} exists: ${title}`);
    assert.ok(!["default", "kube-system"].includes(name), `every cluster has ${name}: ${title}`);
    // Unless it was this stack's before: then Pulumi would delete it with the Gateway in it.
    if (one.existing && one.world !== "made here") assert.notEqual(name, gatewayIn(one), title);
    if (one.role === "service") assert.notEqual(name, one.route ?? "default", title);
  }
}

/** One of them is the issue's: kserve#5007. */
const reported: Case = {
  role: "all",
  existing: true,
  gateway: "gateway-infra",
  pools: "beside",
  world: "nothing",
};
const sample = [reported, ...cases.filter((_, i) => i % 41 === 0)];

describe("what a stack makes", () => {
  it(`is never what exists, in ${cases.length} cases`, async () => {
    for (const one of cases) await assertNoneExists(one, await decided(one));
  });

  for (const one of sample) {
    it(`is rendered as decided: ${titleOf(one)}`, async () => {
      const resources = await render(one);
      const made = resources.filter(isNamespace).map((resource) => metadataOf(resource).name ?? "");
      await assertNoneExists(one, made);
      assert.deepEqual([...made].sort(), (await decided(one)).sort());
      // Whatever is made is made in a namespace that is there by then.
      for (const resource of resources) {
        const { namespace } = metadataOf(resource);
        if (namespace === undefined || namespace === "default" || made.includes(namespace)) continue;
        const known = one.role === "service" && [one.route, gatewayIn(one)].includes(namespace);
        const said = one.existing && namespace === gatewayIn(one);
        assert.ok(known || said || (await existsFirst(one, namespace)), `${resource.type} in ${namespace}`);
      }
      const kinds = (kind: string): (string | undefined)[] =>
        resources
          .filter(({ inputs }) => inputs["kind"] === kind)
          .map((resource) => metadataOf(resource).name);
      assert.deepEqual(kinds("Gateway"), one.role === "service" || one.existing ? [] : ["shared"]);
      const expected = one.pools === "others'" ? ["llm-new"] : ["llm", "llm-new"];
      assert.deepEqual(kinds("InferencePool").sort(), one.role === "platform" ? [] : expected);
    });
  }

  it("installs the CRDs that are missing and no other, whatever the role", async () => {
    for (const role of ["all", "platform"] as const) {
      const one: Case = { role, existing: true, pools: "beside", world: "nothing" };
      for (const missing of [[], definitionNames.slice(1)]) {
        const resources = await render(one, missing);
        const installed = resources.filter(({ type }) => type.endsWith(":CustomResourceDefinition"));
        assert.deepEqual(
          installed.map((resource) => metadataOf(resource).name),
          missing,
        );
      }
    }
  });
});

describe("a namespace that two pools share", () => {
  it("goes over to the pool that stays, as the same one to Pulumi", () => {
    const config = configOf({ role: "service", existing: false, pools: "shared", world: "made here" });
    assert.ok(config.role === "service");
    const entries = planFor(config.service, nothingDeployed).namespaces;
    assert.deepEqual(
      entries.map(({ pool, maker, create }) => [pool, maker, create]),
      [
        ["llm", "llm", true],
        ["llm-new", "llm", true],
      ],
    );
    const rest = { ...config.service };
    Reflect.deleteProperty(rest, "candidate");
    const promoted = planFor({ ...rest, stable: "llm-new", weight: 0 }, nothingDeployed).namespaces;
    assert.deepEqual(
      promoted.map(({ pool, maker, makers }) => [pool, maker, makers]),
      [["llm-new", "llm-new", ["llm", "llm-new"]]],
    );
  });
});

describe("the namespace of a service on another stack's platform", () => {
  const made = (namespace: string, owners: NamespaceOwners, clusterScoped?: boolean): string[] =>
    serviceNamespaces({ namespace, clusterScoped }, owners);

  it("is made where there is none, by a stack that may", () => {
    assert.deepEqual(made("chat", {}), ["chat"]);
    assert.deepEqual(made("chat", {}, false), []);
    assert.deepEqual(made("chat", { chat: "foreign" }), []);
    assert.deepEqual(made("default", {}), []);
  });

  it("stays in the program that made it: what leaves is deleted", () => {
    assert.deepEqual(made("chat", { chat: "owned" }), ["chat"]);
    assert.deepEqual(made("chat", { chat: "owned" }, false), ["chat"]);
  });
});
