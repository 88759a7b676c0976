import type { Draft, Finding, Rule, RoutedPool } from "../model";
import type { Observed } from "../observed";
import type { ServiceConfig } from "../service-config";
import { missingPools, trafficEvidence } from "../drift";
import { allow, fix, pulumiUp, remove, run, set, type ConfigEdit, type Fix } from "../config-edits";
import { copyingNothing } from "../copied-pools";
import { identityChanges } from "../identity";
import { ownServer } from "./copy-rules";
import { keptFirst, putBack, redeclare } from "../redeclare";
import { offOtherRoutes, otherTraffic } from "../rival-routes";
import { liveShares, rounding, shareIn } from "../shares";

/* Pools: what is there, what customers are connected to, and what a pool keeps for life. */

/**
 * A pool that this stack created and that is gone. Pulumi's state still has it, so a plain update would change nothing.
 * Taking the traffic off such a pool is never refused: that is a rollback.
 */
const poolMissing: Rule = {
  id: "pool-missing",
  summary: `The route or the record has a pool that does not exist in the cluster, and this update does not lower its share.
Pulumi's state still contains the pool, so a plain update would change nothing. This rule never refuses an update
that moves the pool's traffic away.`,
  fix: "`pulumi up --refresh` with the waiver recreates it.",
  waiver: { name: "pool-missing" },
  check: (config, observed, draft) =>
    config.allow.includes("destroy")
      ? []
      : missingPools(observed, draft)
          .filter(({ falls }) => !falls)
          .map(({ name, namespace, evidence }) => ({
            found: `InferencePool ${name} does not exist in namespace ${namespace}, but ${evidence}`,
            fix: fix`recreate it: ${[allow("pool-missing"), run("pulumi up --refresh")]}; or move its traffic to the other pool first`,
          })),
};

/** A pool that customers are connected to is not removed, whatever the config says. */
const poolHasTraffic: Rule = {
  id: "pool-has-traffic",
  summary: `The config no longer has a pool that gets traffic: from the live route, according to the last successful update, or
from any other HTTPRoute or GRPCRoute in the cluster that gives it weight or mirrors requests to it. Any evidence
counts, because after an interrupted update the live route can be ahead of the record, or behind it.

An update that takes traffic away from the candidate is not refused for a pool that \`pools\` still declares: the pool
stays for that update, with a note.`,
  fix: "Move the pool's traffic away first (the message has the commands), then remove the pool.",
  check: (config, observed, { removed, candidateFalls }) =>
    removed.flatMap((pool) => {
      const evidence = trafficEvidence(pool.name, observed);
      const others = otherTraffic(pool, observed);
      const first = candidateFalls ? keptFirst(pool.name, config, observed) : fix``;
      return [
        ...(evidence === undefined ? [] : [{ evidence, fix: wayOut(pool.name, config, observed) }]),
        ...(others === undefined ? [] : [{ evidence: others, fix: offOtherRoutes(pool, observed) }]),
      ].map(({ evidence: text, fix: way }) => ({
        found: `pool ${pool.name} would be removed, but ${text}`,
        fix: fix`${first}${way}`,
      }));
    }),
};

/** The commands that take the traffic off a pool before it goes. */
function wayOut(name: string, config: ServiceConfig, observed: Observed): Fix {
  const back = redeclare(name, config, observed);
  if (back === undefined)
    return fix`restore pools.${name} in the config, move its traffic away, then remove it`;
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
  summary: `Only a candidate with all of the traffic can become the stable pool. Here the config sets another pool as stable
while the current one still serves the customers.`,
  fix: "Roll the pool out as the candidate, then promote it.",
  check: (config, observed) => {
    const now = liveShares(observed);
    const share = shareIn(now, config.stable);
    const serving = Object.keys(now).find((name) => name !== config.stable);
    if (serving === undefined || 100 - config.weight <= share + rounding) return [];
    if (observed.record?.stable === config.stable) return [];
    return [
      {
        found: `stable pool ${config.stable} has ${Math.round(share)} % of the traffic and would get ${100 - config.weight} % in one step`,
        fix: ladderFrom(serving, config, observed),
      },
    ];
  },
};

/** What serves may be no pool, or a pool that the config does not have: the ladder begins with one that it has. */
function ladderFrom(serving: string, config: ServiceConfig, observed: Observed): Fix {
  const back = redeclare(serving, config, observed);
  return back === undefined
    ? fix`the config cannot name ${serving} as a pool: move its traffic to ${config.stable} in the route itself, in steps (kubectl edit httproute -n ${config.namespace} ${config.route}), then pulumi up`
    : throughTheLadder(serving, config.stable, observed, back);
}

/** Hardware, model, server and picker of a pool that exists do not change in place: a rollback needs the old pool. */
const editedInPlace: Rule = {
  id: "edited-in-place",
  summary: `The config changes the hardware, model, server or picker of an existing pool. Make the change in a new pool, so that you
can roll back to the old one. Replacing the picker in place would also cut every stream that runs through it, and until the
new one is ready nothing rewrites names: requests for aliases and adapters get 404.`,
  fix: "Make the change in a pool with a new name and roll it out, or restore the field.",
  waiver: { name: "edited-in-place", use: "Only while the pool has no traffic." },
  check: (_config, observed, { pools }) =>
    pools.flatMap(({ pool, identity }) => {
      const live = observed.pools.find(({ name, owned }) => owned && name === pool.name);
      if (live?.identity === undefined) return [];
      const changes = identityChanges(live.identity, identity).filter(({ inPlace }) => !inPlace);
      return changes.map(({ field, deployed, configured }) => ({
        found: `pools.${pool.name}.${field} is deployed as ${deployed}, but the config says ${configured}`,
        fix: fix`make the change in a new pool (pools.${pool.name}-new: {like: ${pool.name}, ...}) and roll that out as the candidate, or restore the value: ${putBack(pool.name, field, deployed) ?? `pools.${pool.name}.${field} to what it was`}`,
        // A pool with traffic would be restarted under its customers.
        waivable:
          trafficEvidence(pool.name, observed) === undefined && otherTraffic(live, observed) === undefined,
      }));
    }),
};

/** What changes in place restarts pods one by one: with one replica, nobody answers meanwhile. */
const restartsOnlyReplica: Rule = {
  id: "restarts-only-replica",
  summary: `The config changes labels, annotations or the priority class of a pool's pods. Such a change restarts the pods one
at a time. The pool gets traffic and has one replica, so nobody would answer until its model is loaded again.`,
  fix: "Give the pool a second replica first, or make the change in a pool with a new name and roll it out.",
  check: (_config, observed, { pools }) =>
    pools.flatMap(({ pool, identity, replicas }) => {
      const live = observed.pools.find(({ name, owned }) => owned && name === pool.name);
      if (live?.identity === undefined || Math.min(replicas, live.replicas ?? replicas) > 1) return [];
      const traffic = trafficEvidence(pool.name, observed) ?? otherTraffic(live, observed);
      if (traffic === undefined) return [];
      return identityChanges(live.identity, identity)
        .filter(({ inPlace }) => inPlace)
        .map(({ field, deployed, configured }) => ({
          found: `pools.${pool.name}.${field} is deployed as ${deployed}, but the config says ${configured}: the only pod of ${pool.name} would restart, but ${traffic}`,
          fix: fix`restore the value and add a replica first: ${[...(putBack(pool.name, field, deployed) ?? []), set(`pools.${pool.name}.replicas`, 2), pulumiUp]}; then make the change, or make it in a new pool (pools.${pool.name}-new: {like: ${pool.name}, ...})`,
        }));
    }),
};

/** A namespace is settled when the pool is made. */
const movedNamespace: Rule = {
  id: "moved-namespace",
  summary: "A pool's namespace cannot change after the pool is created.",
  fix: "Restore the namespace.",
  check: (_config, observed, { pools }) =>
    pools.flatMap(({ pool, namespace }) => {
      if (!pool.namespaceIsExplicit || pool.namespace === namespace) return [];
      if (!observed.pools.some(({ name, owned }) => owned && name === pool.name)) return [];
      return [
        {
          found: `pool ${pool.name} is in namespace ${namespace}, but the config says ${pool.namespace}`,
          fix: fix`${set(`pools.${pool.name}.namespace`, namespace)} (a pool cannot move to another namespace: roll out a pool with another name there)`,
        },
      ];
    }),
};

/** A pool created outside this stack has to be there, and so has the pool whose pods a new one copies. */
const existingPoolMissing: Rule = {
  id: "existing-pool-missing",
  summary: `A pool that is marked \`existing\`, or from which another pool copies its pods, does not exist in the cluster. A copy
keeps the pod template that it was made from: once a pool of this stack has one, the original may go, and the config need
not declare it any more.`,
  fix: "Set its namespace, copy a pool that exists or that has a copy, or let the stack create it.",
  check: (config, observed, draft) => [
    ...missingExisting(config, observed, draft),
    ...missingTemplates(config, observed, draft),
  ],
};

function missingExisting(config: ServiceConfig, observed: Observed, draft: Draft): Finding[] {
  const { stable, candidate, candidateFalls } = draft;
  // Going back from a candidate that is gone is the fix.
  return [stable, candidateFalls ? undefined : candidate]
    .filter(
      (routed): routed is RoutedPool => routed !== undefined && config.pools[routed.name]?.existing === true,
    )
    .filter(({ name, namespace }) => !isThere(name, namespace, observed))
    .map(({ name, namespace }) => missingPool(name, namespace));
}

function missingTemplates(config: ServiceConfig, observed: Observed, draft: Draft): Finding[] {
  return copyingNothing(observed, draft).flatMap(({ pool, namespace }) => {
    const { name, namespace: place, undeclared } = pool.templateOf ?? { name: "", namespace: "" };
    const gone =
      undeclared === true
        ? `the config does not declare ${name}`
        : `there is no InferencePool ${name} in namespace ${place}`;
    const elsewhere =
      undeclared === true
        ? fix``
        : fix`set its namespace (${set(`pools.${name}.namespace`, "NAMESPACE")}), or `;
    // A pool that runs lost its Deployment: only its state still has what was copied.
    if (isThere(pool.name, namespace, observed)) {
      return [
        {
          found: `pool ${pool.name} copies the pods of ${name}, but ${gone}, and ${pool.name} has no Deployment that keeps the copy`,
          fix: fix`${elsewhere}create the Deployment of ${pool.name} again from the stack's state (${run("pulumi stack export")})`,
        },
      ];
    }
    return [
      {
        found: `${pool.name} copies the pods of ${name}, but ${gone}, and no pool of this stack has a copy of them`,
        fix: fix`${elsewhere}copy another pool (${set(`pools.${pool.name}.like`, otherPool(pool.name, name, config))}), or ${ownServer(pool.name)}`,
      },
    ];
  });
}

/** A pool that the config has, to be copied instead. */
const otherPool = (name: string, original: string, { pools, stable }: ServiceConfig): string =>
  [stable, ...Object.keys(pools)].find((one) => one !== name && one !== original) ?? "POOL";

function isThere(name: string, namespace: string, observed: Observed): boolean {
  return observed.pools.some((pool) => pool.name === name && pool.namespace === namespace);
}

function missingPool(name: string, namespace: string): Finding {
  const own = [
    remove(`pools.${name}.existing`),
    set(`pools.${name}.accelerator`, "ACCELERATOR"),
    set(`pools.${name}.replicas`, "N"),
  ];
  return {
    found: `pools.${name} is marked existing, but there is no InferencePool ${name} in namespace ${namespace}`,
    fix: fix`if somebody deleted it, have its owner create it again; if it is in another namespace, set that (${set(`pools.${name}.namespace`, "NAMESPACE")}); or let this stack create it: ${own} (docs/accelerators.md lists the accelerators; N replicas have to carry all of the traffic)`,
  };
}

export const poolRules: readonly Rule[] = [
  poolMissing,
  poolHasTraffic,
  unprovenStable,
  editedInPlace,
  restartsOnlyReplica,
  movedNamespace,
  existingPoolMissing,
];
