import type { Refusal, ServiceConfig, Observed, Draft, RoutedPool } from "./model";
import { removeCommand, setCommand } from "../messages/mistakes";
import { adapterRules } from "./adapter-rules";
import { poolMissing, routeEdited, routeMissing, unknownBackend } from "./drift";
import { likeUnusable, likeWorkload } from "./copies";
import { likeReferenceMissing } from "./copy-references";
import { existingPoolTooSmall } from "./other-sizes";
import { frozen } from "./freeze";
import { identityChanges } from "./identity";
import { latched } from "./latch";
import { rounding, sharesOf } from "./shares";
import { offOtherRoutes, otherRoute, otherTraffic, routesUnknown } from "./other-routes";
import { anotherStacks } from "./ownership";
import { putBack, redeclare } from "./redeclare";
import { unreadyStable } from "./rising";
import { stableNames } from "./stable-names";
import { routeNotOurs } from "./take-over";

type Rule = (config: ServiceConfig, observed: Observed, draft: Draft) => Refusal[];

/** A pool that customers are connected to is not removed, whatever the config says. */
const poolWithTraffic: Rule = (config, observed, { removed }) =>
  removed.flatMap((pool) => {
    const evidence = trafficEvidence(pool.name, observed);
    const others = otherTraffic(pool, observed);
    return [
      ...(evidence === undefined ? [] : [{ evidence, fix: wayOut(pool.name, config, observed) }]),
      ...(others === undefined ? [] : [{ evidence: others, fix: offOtherRoutes(pool, observed) }]),
    ].map(({ evidence: text, fix }) => ({
      rule: "pool-has-traffic",
      found: `pool ${pool.name} would be removed, and ${text}`,
      fix,
    }));
  });

/** The commands that take the traffic off a pool before it goes. */
function wayOut(name: string, config: ServiceConfig, observed: Observed): string {
  const back = redeclare(name, config, observed);
  if (back === undefined)
    return `put pools.${name} back into the config as it was, then take its traffic away before it goes`;
  if (observed.record?.candidate === name) {
    // The candidate was taken out of the config while it has weight: back first, out second.
    return `${back}${setCommand("candidate", name)} && ${setCommand("weight", "0")} && pulumi up; then ${removeCommand("candidate")} && pulumi up`;
  }
  return throughTheLadder(name, config.stable, observed, back);
}

/** From one stable pool to the next: the new one is the candidate until it has all of the traffic. */
function throughTheLadder(from: string, to: string, observed: Observed, back: string): string {
  const share = Math.round(sharesOf(observed.route?.backends ?? []).get(to) ?? 0);
  const roles = `${back}${setCommand("stable", from)} && ${setCommand("candidate", to)} && ${setCommand("weight", String(share))} && pulumi up`;
  const promote = `${setCommand("stable", to)} && ${removeCommand("candidate")} && ${removeCommand("weight")} && pulumi up`;
  return `${roles}; raise the weight to 100 in steps; then ${promote}`;
}

/** A pool becomes stable by having been the candidate with all of the traffic; only going back is quicker. */
const unprovenStable: Rule = (config, observed) => {
  const now = sharesOf(observed.route?.backends ?? []);
  const share = now.get(config.stable) ?? 0;
  const serving = [...now.keys()].find((name) => name !== config.stable);
  if (serving === undefined || 100 - config.weight <= share + rounding) return [];
  if (observed.record?.stable === config.stable) return [];
  return [
    {
      rule: "unproven-stable",
      found: `stable pool ${config.stable} has ${Math.round(share)} % of the traffic and would get ${100 - config.weight} % at once`,
      fix: ladderFrom(serving, config, observed),
    },
  ];
};

/** What serves may be no pool, or a pool that the config does not have: the ladder begins with one that it has. */
function ladderFrom(serving: string, config: ServiceConfig, observed: Observed): string {
  const back = redeclare(serving, config, observed);
  return back === undefined
    ? `${serving} is no pool that the config can name: give ${config.stable} its traffic in the route itself, in steps (kubectl edit httproute -n ${config.namespace}), then pulumi up`
    : throughTheLadder(serving, config.stable, observed, back);
}

function trafficEvidence(name: string, observed: Observed): string | undefined {
  const live = sharesOf(observed.route?.backends ?? []).get(name) ?? 0;
  const recorded = observed.record?.weights[name] ?? 0;
  if (live > 0) return `the live route sends it ${Math.round(live)} % of the traffic`;
  if (recorded > 0) {
    return `the last successful update sent it ${Math.round(recorded)} % of the traffic (the live route does not: run pulumi up with the weight as it is first)`;
  }
  return undefined;
}

/** Hardware, model and server of a pool that exists do not change in place: the old pool is the way back. */
const editedInPlace: Rule = (_config, observed, { pools }) =>
  pools.flatMap(({ pool, identity }) => {
    const live = observed.pools.find(({ name, owned }) => owned && name === pool.name);
    if (live?.identity === undefined) return [];
    return identityChanges(live.identity, identity).map(({ field, deployed, wanted }) => ({
      rule: "edited-in-place",
      found: `pools.${pool.name}.${field} is deployed as ${deployed}, the config says ${wanted}`,
      fix: `give the change a pool of its own (pools.${pool.name}-new: {like: ${pool.name}, ...}) and roll it out as the candidate, or put it back: ${putBack(pool.name, field, deployed) ?? `pools.${pool.name}.${field} to what it was`}`,
      // A pool with traffic would be restarted under its customers.
      ...(trafficEvidence(pool.name, observed) === undefined && otherTraffic(live, observed) === undefined
        ? { waiver: "edited-in-place" as const }
        : {}),
    }));
  });

/** A namespace is settled when the pool is made. */
const movedNamespace: Rule = (config, observed, { pools }) =>
  pools.flatMap(({ pool, namespace }) => {
    if (!pool.namespaceIsExplicit || pool.namespace === namespace) return [];
    if (!observed.pools.some(({ name, owned }) => owned && name === pool.name)) return [];
    return [
      {
        rule: "moved-namespace",
        found: `pool ${pool.name} lives in namespace ${namespace}, the config says ${pool.namespace}`,
        fix: `${setCommand(`pools.${pool.name}.namespace`, namespace)} (a pool in another namespace is another pool: service ${config.service} can roll it out under another name)`,
      },
    ];
  });

/** While a rollout is under way the two pools are compared: what both share must not move meanwhile. */
const objectivesUnderWay: Rule = (config, observed) => {
  const { record } = observed;
  if (config.candidate === undefined || record?.candidate !== config.candidate) return [];
  const wanted = Object.fromEntries(config.objectives.map(({ name, priority }) => [name, priority]));
  const names = [...new Set([...Object.keys(record.objectives), ...Object.keys(wanted)])].sort();
  return names
    .filter((name) => record.objectives[name] !== wanted[name])
    .map((name) => ({
      rule: "objectives-under-way",
      found: `objective ${name} is deployed with priority ${record.objectives[name] ?? "(none)"}, the config says ${wanted[name] ?? "(none)"}, while ${config.candidate} is rolled out`,
      fix: `put the objective back: ${objectiveBack(config, name, record.objectives[name])}; change it when the rollout is over`,
    }));
};

function objectiveBack(config: ServiceConfig, name: string, priority: number | undefined): string {
  const found = config.objectives.findIndex((objective) => objective.name === name);
  const at = ["objectives", found < 0 ? config.objectives.length : found];
  if (priority === undefined) return removeCommand(at);
  const named = found < 0 ? [setCommand([...at, "name"], name)] : [];
  return [...named, setCommand([...at, "priority"], priority)].join(" && ");
}

/** The user said what the rollout is meant to be, and it is something else. */
const notTheKind: Rule = (config, _observed, { kind, candidate, stable }) =>
  config.rollout === undefined || candidate === undefined || kind === undefined || kind === config.rollout
    ? []
    : [
        {
          rule: "not-the-kind",
          found: `the config says rollout: ${config.rollout}, but from ${stable.name} to ${candidate.name} is a ${kind}`,
          fix: `fix the pools so that only what a ${config.rollout} changes differs, or ${removeCommand("rollout")}`,
        },
      ];

/** A pool that somebody else made has to be there. */
const existingPoolMissing: Rule = (config, observed, { stable, candidate }) =>
  [stable, candidate]
    .filter(
      (routed): routed is RoutedPool => routed !== undefined && config.pools[routed.name]?.existing === true,
    )
    .filter(({ name, namespace }) => !isThere(name, namespace, observed))
    .map(({ name, namespace }) => missingPool(name, namespace));

/** So has the pool whose pods a new one copies, unless a pool of this stack keeps a copy. */
const templateMissing: Rule = (_config, observed, { pools }) =>
  pools.flatMap(({ pool }) => {
    const template = pool.templateOf;
    if (template === undefined || isThere(template.name, template.namespace, observed)) return [];
    if (observed.copies?.[pool.name]?.pods !== undefined) return [];
    if (isThere(pool.name, pool.namespace, observed)) return [];
    return [missingPool(template.name, template.namespace)];
  });

function isThere(name: string, namespace: string, observed: Observed): boolean {
  return observed.pools.some((pool) => pool.name === name && pool.namespace === namespace);
}

function missingPool(name: string, namespace: string): Refusal {
  return {
    rule: "existing-pool-missing",
    found: `pools.${name} is marked existing, and there is no InferencePool ${name} in namespace ${namespace}`,
    fix: `name the namespace it lives in (${setCommand(`pools.${name}.namespace`, "NAMESPACE")}), or let this stack make it: ${removeCommand(`pools.${name}.existing`)} && ${setCommand(`pools.${name}.accelerator`, "nvidia-l4")} && ${setCommand(`pools.${name}.replicas`, 2)}`,
  };
}

/** In the order in which a person wants to hear of them. */
export const rules: readonly Rule[] = [
  anotherStacks,
  otherRoute,
  routesUnknown,
  routeNotOurs,
  routeMissing,
  routeEdited,
  unknownBackend,
  poolMissing,
  poolWithTraffic,
  unprovenStable,
  editedInPlace,
  movedNamespace,
  existingPoolMissing,
  templateMissing,
  likeWorkload,
  likeUnusable,
  likeReferenceMissing,
  objectivesUnderWay,
  notTheKind,
  latched,
  frozen,
  existingPoolTooSmall,
  unreadyStable,
  stableNames,
  ...adapterRules,
];
