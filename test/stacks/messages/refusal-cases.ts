import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { sourceCase } from "../cases";
import { at, edited, less, serving } from "../plan/scenarios";
import { closed, roomy } from "../plan/shape-scenarios";
import { type Scenario, deployed } from "../plan/worlds";

/*
 * What the tests of fixes need to know that no command says: words to fill in, what a command outside of the stack's
 * config does, and worlds beyond the one that docs/refusals.md shows for each rule.
 */

/** Words that a person fills in, by rule. */
export const fills: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "existing-pool-missing": {
    NAMESPACE: "elsewhere",
    MODEL: "Qwen/Qwen3-8B",
    ACCELERATOR: "nvidia-l4",
    N: "2",
  },
  "route-not-ours": { NAME: "shop" },
  "bare-metal-cluster": { NAME: "racks" },
  "no-zone": { ZONE: "us-central1-a" },
  latched: { WHY: "'new weights'", "$(date -u +%Y-%m-%dT%H:%M:%SZ)": "2026-11-26T12:00:00Z" },
};

/** What a command does that is not the CLI's `config` or a plain `pulumi up`. */
export interface Act {
  does: RegExp;
  /** @param up `pulumi up` as the plan carries it out. */
  act: (at: Situation, up: (at: Situation) => Situation) => Situation;
}

const inCluster =
  (change: (world: Observed) => Observed) =>
  ({ config, world }: Situation): Situation => ({
    config,
    world: change(world),
  });

/** The route as this stack wrote it last. */
const asWritten = inCluster((world) => ({
  ...world,
  route: {
    backends: Object.entries(world.route?.written ?? {}).map(([pool, weight]) => ({
      namespace: "default",
      pool,
      weight,
    })),
    ...(world.route?.written === undefined ? {} : { written: world.route.written }),
    differences: { rules: [], attachment: [] },
  },
}));

/** Everything that copied pods name is in their namespace. */
const nothingMissing: Act["act"] = inCluster(({ copies, ...world }) => ({
  ...world,
  copies: Object.fromEntries(
    Object.entries(copies ?? {}).map(([pool, copy]) => [pool, { ...copy, missing: [] }]),
  ),
}));

/** With --refresh the engine makes anew what is gone; the plan is what a plain update plans. */
const refreshed: Act = { does: /^pulumi up --refresh$/, act: (now, up) => up(now) };
const nothing: Act["act"] = (now) => now;

export const byHand: Readonly<Record<string, readonly Act[]>> = {
  "route-edited": [{ does: /^kubectl edit httproute/, act: asWritten }],
  "route-shape": [{ does: /^kubectl patch httproute/, act: inCluster(roomy) }],
  "open-adapter-paths": [{ does: /^kubectl edit httproute/, act: inCluster(closed) }],
  "unknown-backend": [{ does: /^kubectl edit httproute/, act: asWritten }],
  "unproven-stable": [
    {
      does: /^kubectl edit httproute/,
      act: ({ config, world }) => ({
        config,
        world: {
          ...world,
          route: {
            ...world.route,
            backends: [{ namespace: "default", pool: String(config["stable"]), weight: 1 }],
          },
        },
      }),
    },
  ],
  "pool-missing": [refreshed],
  "route-missing": [refreshed],
  latched: [
    {
      does: /^npm run rollout -- resume/,
      act: ({ config, world }) => ({
        config: { ...config, resumed: { candidate: "llm-new", reason: "x", time: "2026-11-26T12:00:00Z" } },
        world,
      }),
    },
  ],
  "taken-over-route": [
    {
      does: /^npm run rollout -- release$/,
      act: ({ config, world }) => ({ config: { ...config, allow: [] }, world }),
    },
  ],
  "release-serving": [
    {
      does: /^npm run rollout -- rollback$/,
      act: (now, up) => up({ ...now, config: { ...now.config, weight: 0 } }),
    },
  ],
  "cluster-rights": [
    {
      does: /^kubectl create namespace llm-llm$/,
      act: inCluster((world) => ({
        ...world,
        namespaces: { ...world.namespaces, "llm-llm": "foreign" as const },
      })),
    },
  ],
  "address-dropped": [
    {
      does: /^pulumi config set --path 'gateway\.hostname' llm\.example\.com$/,
      act: ({ config, world }) => ({
        config: { ...config, gateway: { hostname: "llm.example.com" } },
        world: {
          ...world,
          ...(world.others === undefined
            ? {}
            : {
                others: {
                  ...world.others,
                  gateway: { ...world.others.gateway, hostname: "llm.example.com" },
                },
              }),
        },
      }),
    },
  ],
  "routes-unknown": [
    { does: /^kubectl create clusterrole inference-rollout-routes /, act: nothing },
    {
      does: /^kubectl create clusterrolebinding .* --clusterrole=inference-rollout-routes/,
      act: inCluster((world) => ({
        ...world,
        ...(world.others === undefined ? {} : { others: { ...world.others, unseen: [] } }),
      })),
    },
  ],
  "server-reference-missing": [
    {
      does: /^kubectl create secret generic /,
      act: inCluster((world) => ({ ...world, settings: {} })),
    },
  ],
  "like-reference-missing": [
    { does: /^kubectl create namespace /, act: nothing },
    { does: /^kubectl get secret .* \| kubectl create -f -$/, act: nothingMissing },
    {
      // Beside the pool that it copies is what that pool's pods name.
      does: /^pulumi config set --path 'pools.llm-new.namespace' default$/,
      act: ({ config, world }) => {
        const pools = config["pools"] as Record<string, object>;
        const moved = {
          ...config,
          pools: { ...pools, "llm-new": { ...pools["llm-new"], namespace: "default" } },
        };
        return nothingMissing({ config: moved, world }, (same) => same);
      },
    },
  ],
  "existing-pool-too-small": [
    {
      does: /^kubectl scale deployment vllm -n default --replicas 3$/,
      act: inCluster((world) => ({
        ...world,
        pools: world.pools.map((pool) =>
          pool.name === "llm" ? { ...pool, replicas: 3, readyReplicas: 3 } : pool,
        ),
      })),
    },
  ],
  "bare-metal-cluster": [
    {
      does: /^pulumi config set --path 'cluster.name' racks$/,
      act: inCluster((world) => ({ ...world, cluster: { created: false } })),
    },
  ],
  "autoscaling-metrics": [
    {
      does: /^kubectl apply -f /,
      act: inCluster((world) => ({ ...world, cluster: { created: false, customMetrics: true } })),
    },
  ],
  "image-mirror-in-use": [
    {
      does: /^pulumi config set --path 'cluster.imageMirrors\[0\]' docker.io$/,
      act: inCluster((world) => ({ ...less(world, "otherMirrors"), imageMirrors: world.otherMirrors ?? {} })),
    },
  ],
  "another-stacks": [
    // The other stack does it; here nothing is left to do.
    { does: /^pulumi up --stack/, act: inCluster((world) => less(world, "claims")) },
    { does: /^pulumi stack rm .* --force --preserve-config/, act: nothing },
  ],
};

/** Refusals that no command ends: what a person does, in words of the message, and what comes of it. */
export const prose: Readonly<Record<string, (at: Situation) => Situation>> = {
  frozen: inCluster((world) => ({ ...world, now: new Date("2026-12-01T00:00:00Z") })),
};

const h100 = { accelerator: "nvidia-h100-80gb", replicas: 2 };
const withArgs = (args: readonly string[], image?: string): RawConfig => ({
  ...at(0),
  pools: {
    ...sourceCase.pools,
    "llm-new": { ...h100, server: { args, ...(image === undefined ? {} : { image }) } },
  },
});

export const moreScenarios: readonly Scenario[] = [
  // The pool is gone from the config altogether, not only its role.
  {
    rule: "pool-has-traffic",
    config: { ...serving, pools: { llm: sourceCase.pools.llm } },
    world: () => deployed(at(0), at(30)),
  },
  {
    rule: "pool-has-traffic",
    config: { ...serving, pools: { llm: sourceCase.pools.llm } },
    world: () =>
      deployed(withArgs(["--max-model-len", "8192", "--it's"], "vllm/vllm-openai:v0.20.0"), {
        ...withArgs(["--max-model-len", "8192", "--it's"], "vllm/vllm-openai:v0.20.0"),
        weight: 30,
      }),
  },
  {
    rule: "edited-in-place",
    config: withArgs(["--max-model-len", "16384"]),
    world: () => deployed(withArgs(["--max-model-len", "8192"])),
  },
  {
    rule: "edited-in-place",
    config: withArgs([]),
    world: () => deployed(withArgs(["--max-model-len", "8192"])),
  },
  {
    rule: "objectives-under-way",
    config: at(0),
    world: () => deployed({ ...at(0), objectives: [{ name: "batch", priority: -10 }] }),
  },
  // A pool that nobody declared, and no rollout under way.
  {
    rule: "unknown-backend",
    config: serving,
    world: () => {
      const world = edited(deployed(serving), { llm: 90, canary: 10 });
      return { ...world, pools: [...world.pools, { name: "canary", namespace: "default", owned: false }] };
    },
  },
  {
    rule: "unproven-stable",
    config: serving,
    world: () =>
      ({
        ...deployed(serving),
        record: undefined,
        route: {
          backends: [{ namespace: "default", pool: "Service/old-front", weight: 1 }],
          differences: { rules: [], attachment: [] },
          written: { "Service/old-front": 100 },
        },
      }) as unknown as Observed,
  },
  {
    rule: "existing-pool-missing",
    config: { ...serving, pools: { ...sourceCase.pools, llm: { existing: true } } },
    world: () => ({ pools: [{ name: "llm", namespace: "elsewhere", owned: false }], namespaces: {} }),
  },
  {
    rule: "existing-pool-missing",
    config: {
      ...sourceCase,
      weight: 0,
      pools: { ...sourceCase.pools, "llm-new": { ...sourceCase.pools["llm-new"], like: "gone" } },
    },
    world: () => ({ pools: [], namespaces: {}, copies: {} }),
  },
];

/** Scenarios of docs/refusals.md whose world cannot hold what the fix needs; their rule has another one here. */
export const replaced: ReadonlySet<string> = new Set(["existing-pool-missing"]);

/*
 * Every way out of every refusal, tried on the pure plan: commands of the config on the model of the CLI, `pulumi up`
 * as the plan carries it out, kubectl and what only a person can do as a case says (refusal-cases.ts).
 */

/** A config and what is deployed. */
export interface Situation {
  config: RawConfig;
  world: Observed;
}
