import type { Draft, Finding, Rule, RoutedPool } from "../model";
import type { Observed } from "../observed";
import type { ServiceConfig } from "../service-config";
import { missingPools, trafficEvidence } from "../drift";
import { allow, fix, pulumiUp, remove, run, set, type ConfigEdit, type Fix } from "../config-edits";
import { identityChanges } from "../identity";
import { keptFirst, putBack, redeclare } from "../redeclare";
import { offOtherRoutes, otherTraffic } from "../rival-routes";
import { liveShares, rounding, shareIn } from "../shares";

/* Pools: what is there, what customers are connected to, and what a pool keeps for life. */

/**
 * A pool that was made and is gone. Pulumi's state still has it, so that a plain update would change nothing. Taking
 * the traffic off a pool that is gone is not held up: that is the way back.
 */
const poolMissing: Rule = {
  id: "pool-missing",
  summary: `A pool that the route or the record knows is not in the cluster, and its share does not fall in this update. Pulumi's
state still has it, so that a plain update would change nothing. An update that takes its traffic away is never refused
for this.`,
  fix: "`pulumi up --refresh` with the waiver makes it anew.",
  waiver: { name: "pool-missing" },
  check: (config, observed, draft) =>
    config.allow.includes("destroy")
      ? []
      : missingPools(observed, draft)
          .filter(({ falls }) => !falls)
          .map(({ name, namespace, evidence }) => ({
            found: `InferencePool ${name} is not in namespace ${namespace}, and ${evidence}`,
            fix: fix`make it anew: ${[allow("pool-missing"), run("pulumi up --refresh")]}; or send its traffic to the other pool first`,
          })),
};

/** A pool that customers are connected to is not removed, whatever the config says. */
const poolHasTraffic: Rule = {
  id: "pool-has-traffic",
  summary: `The config no longer names a pool that customers are connected to, by the live route, by the last successful update or
by any other HTTPRoute or GRPCRoute of the cluster that gives it weight or mirrors requests to it. Any evidence counts: after an update that broke off, the live route can be ahead of the record, or behind it.

An update that takes traffic away from the candidate is not refused for a pool that \`pools\` still declares: the pool
stays for that update, with a note.`,
  fix: "Take the weight off the pool first (the message has the commands), then remove it.",
  check: (config, observed, { removed, candidateFalls }) =>
    removed.flatMap((pool) => {
      const evidence = trafficEvidence(pool.name, observed);
      const others = otherTraffic(pool, observed);
      const first = candidateFalls ? keptFirst(pool.name, config, observed) : fix``;
      return [
        ...(evidence === undefined ? [] : [{ evidence, fix: wayOut(pool.name, config, observed) }]),
        ...(others === undefined ? [] : [{ evidence: others, fix: offOtherRoutes(pool, observed) }]),
      ].map(({ evidence: text, fix: way }) => ({
        found: `pool ${pool.name} would be removed, and ${text}`,
        fix: fix`${first}${way}`,
      }));
    }),
};

/** The commands that take the traffic off a pool before it goes. */
function wayOut(name: string, config: ServiceConfig, observed: Observed): Fix {
  const back = redeclare(name, config, observed);
  if (back === undefined)
    return fix`put pools.${name} back into the config as it was, then take its traffic away before it goes`;
  if (observed.record?.candidate === name) {
    // The candidate was taken out of the config while it has weight: back first, out second.
    return fix`${[...back, set("candidate", name), set("weight", 0), pulumiUp]}; then ${[remove("candidate"), pulumiUp]}`;
  }
  return throughTheLadder(name, config.stable, observed, back);
}

/** From one stable pool to the next: the new one is the candidate until it has all of the traffic. */
function throughTheLadder(from: string, to: string, observed: Observed, back: readonly ConfigEdit[]): Fix {
  const share = Math.round(shareIn(liveShares(observed), to));
  const roles = [...back, set("stable", from), set("candidate", to), set("weight", share), pulumiUp];
  const promote = [set("stable", to), remove("candidate"), remove("weight"), pulumiUp];
  return fix`${roles}; raise the weight to 100 in steps; then ${promote}`;
}

/** A pool becomes stable by having been the candidate with all of the traffic; only going back is quicker. */
const unprovenStable: Rule = {
  id: "unproven-stable",
  summary: `A pool becomes the stable one by having been the candidate with all of the traffic. Here the config names another
stable pool while somebody else still serves the customers.`,
  fix: "Roll the pool out as the candidate, then promote it.",
  check: (config, observed) => {
    const now = liveShares(observed);
    const share = shareIn(now, config.stable);
    const serving = Object.keys(now).find((name) => name !== config.stable);
    if (serving === undefined || 100 - config.weight <= share + rounding) return [];
    if (observed.record?.stable === config.stable) return [];
    return [
      {
        found: `stable pool ${config.stable} has ${Math.round(share)} % of the traffic and would get ${100 - config.weight} % at once`,
        fix: ladderFrom(serving, config, observed),
      },
    ];
  },
};

/** What serves may be no pool, or a pool that the config does not have: the ladder begins with one that it has. */
function ladderFrom(serving: string, config: ServiceConfig, observed: Observed): Fix {
  const back = redeclare(serving, config, observed);
  return back === undefined
    ? fix`${serving} is no pool that the config can name: give ${config.stable} its traffic in the route itself, in steps (kubectl edit httproute -n ${config.namespace}), then pulumi up`
    : throughTheLadder(serving, config.stable, observed, back);
}

/** Hardware, model and server of a pool that exists do not change in place: the old pool is the way back. */
const editedInPlace: Rule = {
  id: "edited-in-place",
  summary: `Hardware, model or server of a pool that exists was changed in the config. The old pool is the way back: what is
changed gets a pool of its own.`,
  fix: "Give the change a new name and roll it out, or put the field back.",
  waiver: { name: "edited-in-place", use: "Only while the pool has no traffic." },
  check: (_config, observed, { pools }) =>
    pools.flatMap(({ pool, identity }) => {
      const live = observed.pools.find(({ name, owned }) => owned && name === pool.name);
      if (live?.identity === undefined) return [];
      return identityChanges(live.identity, identity).map(({ field, deployed, configured }) => ({
        found: `pools.${pool.name}.${field} is deployed as ${deployed}, the config says ${configured}`,
        fix: fix`give the change a pool of its own (pools.${pool.name}-new: {like: ${pool.name}, ...}) and roll it out as the candidate, or put it back: ${putBack(pool.name, field, deployed) ?? `pools.${pool.name}.${field} to what it was`}`,
        // A pool with traffic would be restarted under its customers.
        waivable:
          trafficEvidence(pool.name, observed) === undefined && otherTraffic(live, observed) === undefined,
      }));
    }),
};

/** A namespace is settled when the pool is made. */
const movedNamespace: Rule = {
  id: "moved-namespace",
  summary: "A pool's namespace is settled when the pool is made.",
  fix: "Put the namespace back.",
  check: (config, observed, { pools }) =>
    pools.flatMap(({ pool, namespace }) => {
      if (!pool.namespaceIsExplicit || pool.namespace === namespace) return [];
      if (!observed.pools.some(({ name, owned }) => owned && name === pool.name)) return [];
      return [
        {
          found: `pool ${pool.name} lives in namespace ${namespace}, the config says ${pool.namespace}`,
          fix: fix`${set(`pools.${pool.name}.namespace`, namespace)} (a pool in another namespace is another pool: service ${config.service} can roll it out under another name)`,
        },
      ];
    }),
};

/** A pool created outside this stack has to be there, and so has the pool whose pods a new one copies. */
const existingPoolMissing: Rule = {
  id: "existing-pool-missing",
  summary:
    "A pool that is marked `existing` (or whose pod template another one takes over) is not in the cluster.",
  fix: "Name its namespace, or let the stack make it.",
  check: (config, observed, draft) => [
    ...missingExisting(config, observed, draft),
    ...missingTemplates(observed, draft),
  ],
};

function missingExisting(config: ServiceConfig, observed: Observed, { stable, candidate }: Draft): Finding[] {
  return [stable, candidate]
    .filter(
      (routed): routed is RoutedPool => routed !== undefined && config.pools[routed.name]?.existing === true,
    )
    .filter(({ name, namespace }) => !isThere(name, namespace, observed))
    .map(({ name, namespace }) => missingPool(name, namespace));
}

/** A pool of this stack that keeps a copy does not need the original. */
function missingTemplates(observed: Observed, { pools }: Draft): Finding[] {
  return pools.flatMap(({ pool }) => {
    const template = pool.templateOf;
    if (template === undefined || isThere(template.name, template.namespace, observed)) return [];
    if (observed.copies?.[pool.name]?.pods !== undefined) return [];
    if (isThere(pool.name, pool.namespace, observed)) return [];
    return [missingPool(template.name, template.namespace)];
  });
}

function isThere(name: string, namespace: string, observed: Observed): boolean {
  return observed.pools.some((pool) => pool.name === name && pool.namespace === namespace);
}

function missingPool(name: string, namespace: string): Finding {
  const own = [
    remove(`pools.${name}.existing`),
    set(`pools.${name}.accelerator`, "nvidia-l4"),
    set(`pools.${name}.replicas`, 2),
  ];
  return {
    found: `pools.${name} is marked existing, and there is no InferencePool ${name} in namespace ${namespace}`,
    fix: fix`name the namespace it lives in (${set(`pools.${name}.namespace`, "NAMESPACE")}), or let this stack make it: ${own}`,
  };
}

export const poolRules: readonly Rule[] = [
  poolMissing,
  poolHasTraffic,
  unprovenStable,
  editedInPlace,
  movedNamespace,
  existingPoolMissing,
];
