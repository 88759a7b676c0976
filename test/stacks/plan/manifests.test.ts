import { fixText } from "../../../stacks/messages/edits";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import { resolveConfig } from "../../../stacks/config/resolve";
import type { RawConfig } from "../../../stacks/config/parse";
import type { LiveObject } from "../../../stacks/state/cluster-reader";
import { knownRoute } from "../../../stacks/state/known-route";
import { knownOf, observedRoute } from "../../../stacks/state/observe";
import { cloud, planFor } from "../cases";
import { typed, type TypedWorld } from "./typed-commands";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import { load } from "js-yaml";

/*
 * Routes of the kinds that people have: each is refused by name before this stack makes a second one, and what the
 * refusal prints, typed as printed, ends with the route taken over, or says truly why it cannot be.
 */

const folder = path.join(__dirname, "manifests");
/** A manifest as the API server returns it once it is applied. */
function read(file: string, release = "vllm-qwen3-32b"): LiveObject {
  const text = fs.readFileSync(path.join(folder, `${file}.yaml`), "utf8");
  const route = load(text.replaceAll("vllm-qwen3-32b", release)) as LiveObject;
  route.metadata.creationTimestamp = "2026-01-01T00:00:00Z";
  return route;
}

interface Case {
  file: string;
  /** Name of the release, which route and pool have too. Default: the manifest's own. */
  release?: string;
  /** What the config says before anybody has read a refusal. */
  config: RawConfig;
  /** The config keys that were set in the end, or why the route cannot be taken over. */
  ends: { adopted: Readonly<Record<string, unknown>> } | { obstacles: readonly RegExp[] };
}

const pools = (stable: string, fields: object = {}): RawConfig => ({
  stable,
  candidate: "fresh",
  weight: 50,
  pools: {
    [stable]: { existing: true, ...fields },
    fresh: { like: stable, accelerator: "nvidia-l4", replicas: 1 },
  },
});
const gateway = { name: "inference-gateway", existing: true };

const cases: readonly Case[] = [
  {
    file: "extension-sample",
    config: { ...pools("vllm-qwen3-32b"), gateway },
    ends: { adopted: { route: "llm-route", weight: 0 } },
  },
  {
    file: "extension-sample",
    // The Gateway's name left out: this program's default would be another one.
    config: { ...pools("vllm-qwen3-32b"), gateway: { existing: true } },
    ends: {
      adopted: {
        route: "llm-route",
        weight: 0,
        "gateway.name": "inference-gateway",
        "gateway.existing": "true",
      },
    },
  },
  {
    file: "extension-chart",
    config: { ...pools("vllm-qwen3-32b"), gateway },
    ends: { adopted: { route: "vllm-qwen3-32b", weight: 0 } },
  },
  {
    file: "extension-chart",
    // README's config, and a release with the name of its pool.
    config: {
      ...{ stable: "llm", candidate: "llm-new" },
      gateway: { name: "inference-gateway", existing: true },
      pools: {
        llm: { existing: true },
        "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
      },
    },
    release: "llm",
    ends: { adopted: { route: "llm" } },
  },
  {
    file: "extension-chart",
    // The program's default Gateway is not the chart's.
    config: { ...pools("llm"), gateway: { existing: true } },
    release: "llm",
    ends: {
      adopted: {
        route: "llm",
        weight: 0,
        "gateway.name": "inference-gateway",
        "gateway.existing": "true",
      },
    },
  },
  {
    file: "extension-chart-model",
    config: { ...pools("vllm-qwen3-32b"), gateway },
    ends: { adopted: { route: "vllm-qwen3-32b", weight: 0 } },
  },
  {
    file: "llm-d",
    config: {
      ...pools("optimized-baseline"),
      namespace: "llm-d",
      gateway: { ...gateway, name: "llm-d-inference-gateway" },
    },
    ends: { adopted: { route: "optimized-baseline", weight: 0 } },
  },
  {
    file: "llm-d",
    // The namespace named for the pool only.
    config: {
      ...pools("optimized-baseline", { namespace: "llm-d" }),
      gateway: { ...gateway, name: "llm-d-inference-gateway", namespace: "llm-d" },
    },
    ends: {
      adopted: {
        route: "optimized-baseline",
        weight: 0,
        namespace: "llm-d",
        "pools.optimized-baseline.namespace": "llm-d",
        "gateway.namespace": "llm-d",
      },
    },
  },
  {
    file: "kserve",
    config: { ...pools("chat-inference-pool"), gateway },
    ends: {
      obstacles: [/LLMInferenceService\/chat writes it and would revert the change/],
    },
  },
];

describe("routes of the kinds that people have", () => {
  for (const { file, release, config, ends } of cases) {
    const outcome =
      "adopted" in ends ? `taken over with ${Object.keys(ends.adopted).join(", ")}` : "not taken over";
    it(`${file}${release === undefined ? "" : ` as ${release}`}: refused by name, and ${outcome}`, () => {
      const world: TypedWorld = { config: structuredClone(config), route: read(file, release) };
      const { name, namespace = "" } = world.route.metadata;
      const [refusal, ...more] = refusalsOf(world);
      assert.ok(refusal !== undefined, "nothing is refused");
      assert.deepEqual([refusal.rule, more], ["other-route", []]);
      assert.ok(refusal.found.includes(`HTTPRoute ${namespace}/${name}`), refusal.found);
      if ("obstacles" in ends) {
        for (const obstacle of ends.obstacles) assert.match(refusal.found, obstacle);
        assert.match(fixText(refusal.fix), new RegExp(`kubectl edit httproute -n ${namespace} ${name}`));
        assert.doesNotMatch(fixText(refusal.fix), /pulumi config set route/);
        return;
      }
      const printed = /under its own name: (.*)$/.exec(fixText(refusal.fix))?.[1] ?? "";
      const keys = typed(world, printed);
      assert.deepEqual(keys, { ...ends.adopted, "allow[0]": "take-over-route" });
      assert.deepEqual(refusalsOf(world), [], printed);
    });
  }
});

function refusalsOf({ config: raw, route }: TypedWorld): ReturnType<typeof planFor>["refusals"] {
  const { config, mistakes } = resolveConfig(raw, cloud);
  assert.deepEqual(mistakes, []);
  assert.ok(config?.role === "all");
  const { service, platform } = config;
  const { name, namespace = "" } = route.metadata;
  const attachment = { ...platform.gateway, configurable: true };
  const known = knownRoute(route, "HTTPRoute");
  const isCustomers = name === service.route && namespace === service.namespace;
  const stable = service.pools[service.stable];
  const observed: Observed = {
    ...nothingDeployed,
    namespaces: { [namespace]: "foreign" },
    pools: [{ name: service.stable, namespace: stable?.namespace ?? "", owned: false }],
    ...(isCustomers ? { route: observedRoute(route, attachment, knownOf(service, undefined)) } : {}),
    others: {
      gateway: attachment,
      listeners: [{ name: "http", port: 80 }],
      routes: isCustomers ? [] : [known],
      ...(isCustomers ? { customers: known } : {}),
      unseen: [],
    },
  };
  return planFor(service, observed).refusals;
}
