import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import { rendered } from "./rendering";
import * as k8s from "@pulumi/kubernetes";
import * as yaml from "js-yaml";
import { resolveConfig } from "../stacks/config/resolve";
import type { PlatformConfig, ServiceConfig } from "../stacks/config/resolved";
import { newCluster } from "../stacks/live/served";
import { nothingDeployed, type Observed } from "../stacks/plan/observed";
import { plan } from "../stacks/plan/plan";
import { describeRefusals } from "../stacks/plan/text";
import { buildPlatform } from "../stacks/platform";
import { buildService } from "../stacks/service";
import { after } from "./stacks/cases";

/** Every example is a whole stack: its config has no mistake, every step of its ladder is allowed, and it renders. */

const folder = path.join(__dirname, "..", "examples");

interface Example {
  platform: PlatformConfig;
  service: ServiceConfig;
}

function read(file: string, changes: Record<string, unknown> = {}): Example {
  const { config: all } = yaml.load(fs.readFileSync(path.join(folder, file), "utf8")) as {
    config: Record<string, unknown>;
  };
  const own = Object.entries(all)
    .filter(([key]) => key.startsWith("inference-rollout:"))
    .map(([key, value]) => [key.slice("inference-rollout:".length), value] as const);
  const cloud = { project: String(all["gcp:project"]), region: String(all["gcp:region"]) };
  const { config, mistakes } = resolveConfig({ ...Object.fromEntries(own), ...changes }, cloud);
  assert.deepEqual(mistakes, []);
  assert.ok(config?.role === "all");
  return config;
}

/** The world that an example begins in: pools that exist are there, and have all of the traffic. */
function before({ pools, stable }: ServiceConfig): Observed {
  const existing = Object.values(pools).filter((pool) => pool.existing);
  if (existing.length === 0) return nothingDeployed;
  return {
    namespaces: { default: "foreign" },
    pools: existing.map(({ name, namespace }) => ({ name, namespace, owned: false })),
    route: { backends: [{ namespace: pools[stable]?.namespace ?? "", pool: stable, weight: 100 }] },
  };
}

const files = fs.readdirSync(folder).filter((name) => /^Pulumi\..+\.yaml$/.test(name));

describe("examples", () => {
  it("are at least eight, and the quickstart", () => {
    assert.ok(files.length > 8);
    assert.ok(files.includes("Pulumi.quickstart.yaml"));
  });

  for (const file of files) {
    describe(file, () => {
      it("goes up its ladder, back and up again, and is promoted", () => {
        const { service } = read(file);
        const steps = ladderOf(service);
        assert.ok(steps.length > 0, "an example shows a roll-out");
        let world = before(service);
        for (const step of steps) {
          const config = read(file, step).service;
          const result = plan(config, world);
          assert.deepEqual(result.refusals, [], describeRefusals(result.refusals));
          world = { ...after(config, result, world), pools: poolsAfter(world, after(config, result, world)) };
        }
      });

      it("renders", async () => {
        const { platform: config, service } = read(file);
        const resources = await rendered(() => {
          const platform = buildPlatform(config, {
            owners: {},
            stack: "test",
            definitions: [],
            deletable: false,
          });
          return buildService(service, plan(service, before(service)), {
            platform: { ...platform, provider: new k8s.Provider("other", { kubeconfig: "{}" }) },
            stack: "test",
            templates: templatesOf(service),
            served: { ...newCluster, groups: true },
            hooks: () => ({}),
          });
        });
        const kinds = new Set(
          resources.map(({ type, inputs }) => (inputs["kind"] as string | undefined) ?? type),
        );
        for (const kind of ["HTTPRoute", "InferencePool", "gcp:container/nodePool:NodePool"]) {
          assert.ok(kinds.has(kind), kind);
        }
        assert.doesNotMatch(JSON.stringify(resources), /undefined|\[object/);
      });
    });
  }
});

/** What the config says at each step, from the beginning to the promotion; empty: nothing is rolled out. */
function ladderOf({ candidate, adapters }: ServiceConfig): Record<string, unknown>[] {
  const weights = [0, 10, 30, 60, 100, 0, 100];
  if (candidate !== undefined) {
    return [...weights.map((weight) => ({ weight })), { stable: candidate, candidate: "", weight: 0 }];
  }
  if (adapters.every((adapter) => adapter.candidate === undefined)) return [];
  const raw = (one: (typeof adapters)[number], next: object): object => {
    const { name, bases, stable } = one;
    return { name, bases, version: stable.version, source: stable.source, ...next };
  };
  const at = (weight: number): object[] =>
    adapters.map((one) => {
      const { version, source } = one.candidate ?? one.stable;
      return raw(one, one.candidate === undefined ? {} : { candidate: { version, source }, weight });
    });
  const promoted = adapters.map((one) => {
    const { version, source } = one.candidate ?? one.stable;
    return raw(one, { version, source });
  });
  return [...weights.map((weight) => ({ adapters: at(weight) })), { adapters: promoted }];
}

/** Pools of others stay where they are. */
function poolsAfter(world: Observed, next: Observed): Observed["pools"] {
  return [...world.pools.filter(({ owned }) => !owned), ...next.pools];
}

/** A pod template for the pools that take one over. */
function templatesOf({
  pools,
}: ServiceConfig): Record<string, { spec: { containers: { name: string; image: string }[] } }> {
  return Object.fromEntries(
    Object.values(pools)
      .filter((pool) => !pool.existing && pool.templateOf !== undefined)
      .map(({ name }) => [
        name,
        { spec: { containers: [{ name: "vllm", image: "vllm/vllm-openai:v0.21.0" }] } },
      ]),
  );
}
