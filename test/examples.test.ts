import type { ServiceConfig } from "../stacks/plan/service-config";
import { nothingDeployed } from "../stacks/plan/model";
import type { Observed } from "../stacks/plan/observed";
import { renderStack } from "./stacks/rendered-service";
import { resolveConfig, type PlatformConfig } from "../stacks/config/resolve";
import { describeRefusals } from "../stacks/messages/refusals";
import { after, planFor } from "./stacks/cases";
import { keysOf, readConfigFile } from "../lab/rehearsal/config-file";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";

/** Every example is a whole stack: its config has no mistake, every step of its ladder is allowed, and it renders. */

const folder = path.join(__dirname, "..", "examples");

interface Example {
  platform: PlatformConfig;
  service: ServiceConfig;
}

function read(file: string, changes: Record<string, unknown> = {}): Example {
  const { raw, cloud } = keysOf(readConfigFile(path.join(folder, file)));
  const { config, mistakes } = resolveConfig({ ...raw, ...changes }, cloud);
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
        assert.ok(steps.length > 0, "an example shows a rollout");
        let world = before(service);
        for (const step of steps) {
          const config = read(file, step).service;
          const result = planFor(config, world);
          assert.deepEqual(result.refusals, [], describeRefusals(result.refusals));
          world = { ...after(config, result, world), pools: poolsAfter(world, after(config, result, world)) };
        }
      });

      it("renders", async () => {
        const example = read(file);
        const resources = await renderStack(example, before(example.service));
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
