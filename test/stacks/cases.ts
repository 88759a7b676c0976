import { rulesFor } from "../../stacks/plan/client-names";
import type { ApprovedPlan, Refusal, Plan } from "../../stacks/plan/model";
import type { OwnedPool, ServiceConfig } from "../../stacks/plan/service-config";
import type { Observed } from "../../stacks/plan/observed";
import { resolveConfig } from "../../stacks/config/resolve";
import type { RawConfig } from "../../stacks/config/parse";
import { identityOf } from "../../stacks/plan/identity";
import { recordOf } from "../../stacks/plan/record";
import { plan } from "../../stacks/plan/plan";
import assert from "node:assert/strict";

export const cloud = { project: "acme-ml", region: "us-central1" };

/** The source's own case, as Pulumi.dev.yaml has it. */
export const sourceCase = {
  model: "Qwen/Qwen3-8B",
  stable: "llm",
  candidate: "llm-new",
  weight: 10,
  pools: {
    llm: { accelerator: "nvidia-l4", replicas: 6 },
    "llm-new": { accelerator: "nvidia-h100-80gb", replicas: 2 },
  },
};

export function serviceConfig(
  raw: RawConfig = sourceCase,
  secrets: ReadonlySet<string> = new Set(),
): ServiceConfig {
  const { config, mistakes } = resolveConfig(raw, cloud, secrets);
  assert.deepEqual(mistakes, []);
  assert.ok(config !== undefined && config.role !== "platform");
  return config.service;
}

/** A plan, and why it is refused. */
export type Planned = ApprovedPlan & { refusals: readonly Refusal[] };

/** The plan of an update with the reasons to refuse it; empty: it is approved. */
export function planFor(config: ServiceConfig, observed: Observed): Planned {
  const result = plan(config, observed);
  const refusals = result.outcome === "refused" ? result.refusals : [];
  // What a refused plan would be is looked at in tests; nothing of it is ever built.
  return { ...(result.plan as ApprovedPlan), refusals };
}

/** The world after an update carried out a plan, and its record if the update succeeded. */
export function after(config: ServiceConfig, plan: Plan, previous?: Observed, succeeded = true): Observed {
  const namespaces = Object.fromEntries(plan.namespaces.map(({ name }) => [name, "owned" as const]));
  const kept = succeeded ? recordOf(config, plan) : previous?.record;
  return {
    route: {
      backends: plan.backends,
      written: plan.shares,
      moves: plan.route.moves,
      latches: plan.latches,
      carried: plan.carried,
      differences: { rules: [], attachment: [] },
    },
    namespaces: { default: "foreign", ...namespaces },
    pools: [
      ...plan.pools.map(({ pool, namespace, replicas, token }) => ({
        name: pool.name,
        namespace,
        owned: true,
        identity: identityOf(pool),
        replicas,
        readyReplicas: replicas,
        pods: { token: token !== "none", ownNodes: previous?.ownNodes ?? true },
      })),
      ...(previous?.pools ?? []).filter(({ owned }) => !owned),
    ],
    rewrites: plan.pools.flatMap(({ pool, namespace }) =>
      rulesFor(config, pool).map((rule) => ({ ...rule, pool: pool.name, namespace })),
    ),
    ...(kept === undefined ? {} : { record: kept }),
  };
}

export function ownedPool(config: ServiceConfig, name: string): OwnedPool {
  const pool = config.pools[name];
  assert.ok(pool !== undefined && !pool.existing);
  return pool;
}
