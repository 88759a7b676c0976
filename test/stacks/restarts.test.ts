import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Registered } from "../rendering";
import { resolveConfig } from "../../stacks/config/resolve";
import type { RawConfig } from "../../stacks/config/parse";
import { allKeys } from "../../stacks/config/schema";
import { pathOf } from "../../stacks/messages/edits";
import { nothingDeployed } from "../../stacks/plan/model";
import type { Observed } from "../../stacks/plan/observed";
import { after, cloud, planFor, serviceConfig } from "./cases";
import { everyKey } from "./config/schema-keys";
import { renderService } from "./rendered-service";

const base: RawConfig = {
  model: "Qwen/Qwen3-8B",
  stable: "llm",
  pools: { llm: { accelerator: "nvidia-l4", replicas: 1 } },
};

const isRight = (raw: RawConfig): boolean => {
  const { config } = resolveConfig(raw, cloud);
  return config !== undefined && config.role !== "platform";
};

function with_(raw: RawConfig, path: readonly (string | number)[], value: unknown): RawConfig {
  const copy = structuredClone(raw) as Record<string | number, unknown>;
  let at = copy;
  for (const part of path.slice(0, -1)) {
    if (typeof at[part] !== "object" || at[part] === null) at[part] = {};
    at = at[part] as Record<string | number, unknown>;
  }
  at[path.at(-1) ?? ""] = value;
  return copy as RawConfig;
}
const valueAt = (path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((inner, part) => (inner as Record<string | number, unknown> | undefined)?.[part], everyKey);

const world = (raw: RawConfig): Observed => {
  const config = serviceConfig(raw);
  return after(config, planFor(config, nothingDeployed));
};

function running(resources: readonly Registered[]): Record<string, string> {
  const of: Record<string, string> = {};
  for (const { type, name, inputs } of resources) {
    if (type.endsWith(":Deployment")) of[`pods of ${name}`] = JSON.stringify((inputs["spec"] as {template: unknown}).template);
    if (type.endsWith(":LeaderWorkerSet")) of[`pods of ${name}`] = JSON.stringify((inputs["spec"] as {leaderWorkerTemplate: unknown}).leaderWorkerTemplate);
    if (type === "random:index/randomId:RandomId") of[`nodes of ${name}`] = JSON.stringify(inputs["keepers"]);
    if (type.endsWith(":NodePool")) of[`nodepool of ${name}`] = JSON.stringify({...(inputs["nodeConfig"] as object)});
  }
  return of;
}

describe("x", () => {
  it("y", async () => {
    const untried: string[] = [];
    const seen: Record<string, string[]> = {};
    let n = 0;
    for (const { key, info } of allKeys()) {
      if (/(\[\]|\.\*)$/.test(key) || /\[\]/.test(key)) continue;
      const path = pathOf(key.replace(/^pools\.\*/, "pools.llm"));
      const values = [info?.example, valueAt(path)].filter((v) => v !== undefined);
      const configs = values.map((v) => with_(base, path, v)).filter(isRight);
      if (configs.length === 0) { untried.push(key); continue; }
      const all = [base, ...configs];
      for (const a of all) for (const b of all) {
        if (a === b || JSON.stringify(a) === JSON.stringify(b)) continue;
        n++;
        const w = world(a);
        const before = running(await renderService(a));
        const done = planFor(serviceConfig(b), w);
        const now = running(await renderService(b, w));
        const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((k) => k.includes(" llm") && before[k] !== now[k]);
        if (changed.length > 0) (seen[key] ??= []).push(`${changed.join(",")} => ${done.refusals.map(({ rule }) => rule).join()}`);
      }
    }
    console.log(n, "untried", untried);
    for (const [k, v] of Object.entries(seen)) console.log(k, [...new Set(v)]);
    assert.ok(true);
  });
});
