import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newestRendering } from "../../components/engines/catalogue";
import { resolveConfig } from "../../stacks/config/resolve";
import type { RawConfig } from "../../stacks/config/parse";
import { allKeys } from "../../stacks/config/schema";
import { pathOf } from "../../stacks/messages/edits";
import { inOrder } from "../../stacks/plan/identity";
import { nothingDeployed } from "../../stacks/plan/model";
import type { Observed } from "../../stacks/plan/observed";
import { poolArgs } from "../../stacks/service";
import { after, cloud, planFor, serviceConfig, type Planned } from "./cases";
import { everyKey } from "./config/schema-keys";

/*
 * No edit of the config restarts, unseen, the only pod of the pool that serves everybody, or its picker, or exchanges its
 * nodes: every key of the schema is set, changed and taken out, and whatever reaches the templates has to be refused.
 */

const base: RawConfig = {
  model: "Qwen/Qwen3-8B",
  stable: "llm",
  pools: { llm: { accelerator: "nvidia-l4", replicas: 1 } },
};

/** Keys that do not go with the rest of the base: what they need beside them. */
const beside: Readonly<Record<string, RawConfig>> = {
  "pools.*.reservation": {
    pools: { llm: { ...llm(), provisioning: "reservation", zones: ["us-central1-a"] } },
  },
  "pools.*.fallback": { pools: { llm: { ...llm(), provisioning: "spot" } } },
  "pools.*.zones": { pools: { llm: llm() } },
};

function llm(): Record<string, unknown> {
  return { accelerator: "nvidia-l4", replicas: 1 };
}

/** Values that are right for this pool, where the schema's example is for another one. */
const values: Readonly<Record<string, readonly unknown[]>> = {
  "pools.*.machineType": ["g2-standard-16", "g2-standard-12"],
  "pools.*.acceleratorsPerReplica": [2, 4],
  "pools.*.accelerator": ["nvidia-rtx-pro-6000", "nvidia-h100-80gb"],
  "pools.*.namespace": ["elsewhere"],
  "pools.*.model": ["Qwen/Qwen3-14B"],
  "server.port": [8080],
  "server.engine": ["sglang"],
  "pools.*.server.port": [8080],
  "pools.*.server.engine": ["sglang"],
  "pools.*.nodeImage": ["ubuntu"],
  "pools.*.adapters": [true],
  model: ["Qwen/Qwen3-14B"],
  service: ["chat", "search"],
  namespace: ["prod", "staging"],
  huggingFaceToken: ["hf_x", "hf_y"],
  objectives: [[{ name: "batch", priority: -1 }]],
  weights: [{ from: "gcs", bucket: "acme", path: "qwen" }],
  "pools.*.weights": [{ from: "gcs", bucket: "acme", path: "qwen" }],
};

function changed(raw: RawConfig, path: readonly (string | number)[], value: unknown): RawConfig {
  const copy: Record<string | number, unknown> = structuredClone(raw) as object as Record<string, unknown>;
  let at = copy;
  for (const part of path.slice(0, -1)) {
    if (typeof at[part] !== "object" || at[part] === null) at[part] = {};
    at = at[part] as Record<string | number, unknown>;
  }
  at[path.at(-1) ?? ""] = value;
  return copy;
}

function isRight(raw: RawConfig): boolean {
  const { config } = resolveConfig(raw, cloud);
  return config?.role === "all" || config?.role === "service";
}

/** Configs that differ in one key, the one without it first. */
function configsOf(key: string, example: unknown): RawConfig[] {
  const path = pathOf(key.replace(/^pools\.\*/, "pools.llm"));
  const marked = path.reduce<unknown>(
    (inner, part) => (inner as Record<string | number, unknown> | undefined)?.[part],
    everyKey,
  );
  const start = { ...base, ...beside[key] };
  const found = [...(values[key] ?? []), example, marked]
    .filter((value) => value !== undefined)
    .map((value) => changed(start, path, value))
    .filter(isRight)
    .slice(0, 2);
  return [start, ...found].filter(isRight);
}

/** All that templates of pods, picker and nodes are rendered from: see poolArgs. What only sizes or times them is left out. */
function madeFrom(config: RawConfig, { pools }: Planned, world: Observed): Record<string, unknown> {
  const found = pools.find(({ pool }) => pool.name === "llm");
  if (found === undefined) return {};
  const { server, picker, hardware, placement, model, weights, rendering } = poolArgs(found);
  const { replicas: standby = 1, ...settings } = picker ?? {};
  // The placement has the machine, also where the config does not name it.
  const nodes = { ...hardware, machineType: undefined };
  return {
    service: serviceConfig(config).service,
    namespace: found.namespace,
    server: { ...server, loadingMinutes: undefined, clearSecrets: undefined },
    picker: { ...settings, elects: standby > 1 },
    ...{ hardware: inOrder(nodes), placement, model, weights },
    rendering: rendering ?? newestRendering,
    token: found.token !== "none",
    adapters: found.pool.adapters,
    copied: found.pool.templateOf,
    ownNodes: world.ownNodes ?? true,
  };
}

const worldOf = (raw: RawConfig): Observed => {
  const config = serviceConfig(raw);
  return after(config, planFor(config, nothingDeployed));
};

/** Rules that see that the pool would be restarted, replaced or lost. */
const seeing = new Set([
  ...["edited-in-place", "restarts-only-replica", "service-moved", "moved-namespace", "nodes-changed"],
  ...["existing-pool-ours"],
]);

const tried: string[] = [];
const restarting = new Set<string>();

function unseen(key: string, before: RawConfig, now: RawConfig, more: Partial<Observed> = {}): string[] {
  const world = { ...worldOf(before), ...more };
  const made = madeFrom(before, planFor(serviceConfig(before), nothingDeployed), nothingDeployed);
  const done = planFor(serviceConfig(now), world);
  const rules = done.refusals.map(({ rule }) => rule);
  if (rules.some((rule) => seeing.has(rule))) {
    restarting.add(key);
    return [];
  }
  const next = madeFrom(now, done, world);
  return Object.keys(made).flatMap((field) => {
    const [was, is] = [JSON.stringify(made[field]), JSON.stringify(next[field])];
    return was === is ? [] : [`${key} (${rules.join() || "not refused"}): ${field} from ${was} to ${is}`];
  });
}

describe("the only pod of the pool that serves everybody", () => {
  for (const { key, info } of allKeys()) {
    if (/\[\]|\.\*$/.test(key)) continue;
    it(`is not restarted unseen by ${key}`, () => {
      const configs = configsOf(key, info?.example);
      if (configs.length > 1) tried.push(key);
      const found = configs.flatMap((before) =>
        configs.filter((now) => now !== before).flatMap((now) => unseen(key, before, now)),
      );
      assert.deepEqual(found, []);
    });
  }

  it("is not restarted unseen by what the platform says", () => {
    const mirror = { "docker.io": "us-central1-docker.pkg.dev/acme-ml/hub" };
    for (const more of [{ ownNodes: false }, { imageMirrors: mirror }, { otherMirrors: mirror }])
      assert.deepEqual(unseen("platform", base, base, more), []);
  });

  it("was tried with nearly every key, and many would restart it", () => {
    assert.ok(tried.length >= 120, `${tried.length} were tried`);
    assert.ok(restarting.size >= 60, [...restarting].join());
  });
});
