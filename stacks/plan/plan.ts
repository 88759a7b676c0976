import type { Allowance, OwnedPool, Pool, ServiceConfig } from "./service-config";
import type {
  ApprovedPlan,
  Backend,
  Draft,
  Finding,
  GuardedRoutes,
  LadderState,
  Outcome,
  Plan,
  Refusal,
  RoutedPool,
  Rule,
} from "./model";
import type { Observed, PoolIdentity } from "./observed";
import { asMade, knownMirrors } from "./as-made";
import { asCopied, copyReport, withOriginal, withPicker } from "./copied-pools";
import { windowNow } from "./freeze";
import { identityChanges, identityOf } from "./identity";
import { writtenShape } from "./kept-route";
import { tokenOf } from "./kept-token";
import { latchesOf } from "./latch";
import { leavingPools } from "./leaving-pools";
import { poolNamespaces } from "./namespaces";
import { notesOf } from "./notes";
import { scaledOutside } from "./other-sizes";
import { otherTraffic, overriddenBy } from "./rival-routes";
import { risingPools, routeWaitsFor } from "./rising";
import { adapterKind, kindOf, lastMove, moveOf } from "./rollout-move";
import { sendersTo } from "./routes";
import { rules } from "./rules/all-rules";
import { serverAsMade } from "./secret-args";
import { settingsAsMade } from "./server-settings";
import { liveShares, rounding, sameShares, shareIn, sharesOf, type Shares } from "./shares";
import { carriedSizes, plannedSize, sizeAt, sizeSet } from "./sizing";
import { waive, waiverWords } from "./waivers";
import { inZones } from "./zones";

/**
 * The heart of the program: what the config asks for and what is deployed, turned into what is to be done, or
 * into every reason not to. Pure; components only render what it returns.
 */
export function plan(config: ServiceConfig, observed: Observed): Outcome {
  const draft = draftOf(config, observed);
  const { notes, waived, spent, refusals } = judge(config, observed, draft);
  const planned: Plan = {
    ...draft,
    ...withoutWait(config, observed, draft, waived),
    route: moveOf(observed, draft, waived),
    notes,
    waived,
    spent,
  };
  // The one place where a plan is approved.
  return refusals.length === 0
    ? { outcome: "approved", plan: planned as ApprovedPlan }
    : { outcome: "refused", refusals, plan: planned };
}

/** What the config asks for, before any rule has seen it. */
function draftOf(config: ServiceConfig, observed: Observed): Draft {
  const place = (pool: Pool): RoutedPool => ({ name: pool.name, namespace: namespaceOf(pool, observed) });
  const stablePool = poolNamed(config, config.stable);
  const candidatePool = config.candidate === undefined ? undefined : poolNamed(config, config.candidate);
  const stable = place(stablePool);
  const candidate = candidatePool === undefined ? undefined : place(candidatePool);

  const backends = backendsOf(config, stable, candidate);
  const shares = sharesOf(backends);
  const shape = observed.route?.kept;
  const made = (pool: Pool): Pool => (pool.existing ? pool : asMade(pool, observed));

  const now = liveShares(observed);
  const candidateShareNow = candidate === undefined ? 0 : shareIn(now, candidate.name);
  const candidateFalls = fallsTo(config.weight, candidateShareNow, shareBefore(config, observed));

  const { removed, kept } = leavingPools(config, observed, candidateFalls);
  const pools = [
    ...[stablePool, candidatePool]
      .filter((pool): pool is OwnedPool => pool?.existing === false)
      .map((pool) => plannedPool(config, observed, pool, stable, shares)),
    // Nothing waits for what only stays, and its size stays too.
    ...kept.map(({ pool, replicas }) => ({
      ...plannedPool(config, observed, pool, stable, shares),
      ...{ replicas, settled: replicas, beforeRoute: false },
    })),
  ];
  return {
    state: stateOf(config),
    ...optional(
      "kind",
      candidatePool === undefined
        ? adapterKind(config)
        : kindOf(made(stablePool), made(candidatePool), knownMirrors(observed)),
    ),
    pools,
    stable,
    ...optional("candidate", candidate),
    namespaces: poolNamespaces(config, observed, pools),
    backends,
    shares,
    ...optional("shape", shape === undefined ? undefined : writtenShape(shape, backends)),
    rising: risingPools(config, observed, candidate === undefined ? [stable] : [stable, candidate], shares),
    latches: latchesOf(config, observed, (name) => now[name] ?? shareIn(observed.record?.weights, name)),
    carried: carriedSizes(config, observed, shares),
    others: [stablePool, candidatePool].flatMap((pool) =>
      pool?.existing === true
        ? observed.pools.filter(({ name, namespace }) => name === pool.name && namespace === pool.namespace)
        : [],
    ),
    candidateRises: config.weight > candidateShareNow + rounding,
    candidateFalls,
    candidateShareNow,
    removed,
    move: lastMove(config, observed, removed),
    overridden: overriddenBy(config, observed.others, routedPools(config, observed)),
    guarded: guardedRoutes(config, observed, [
      ...[stable, candidate].filter((pool) => pool !== undefined),
      ...removed,
    ]),
  };
}

/**
 * Whether an update takes traffic away from the candidate: less than the live route gives it, or, where the route was
 * moved back already (rollback --now, an update that broke off), less than the last successful update gave it.
 */
const fallsTo = (weight: number, live: number, recorded: number): boolean =>
  weight < live - rounding || (weight <= live + rounding && weight < recorded - rounding);

const shareBefore = ({ candidate }: ServiceConfig, { record }: Observed): number =>
  candidate === undefined ? 0 : shareIn(record?.weights, candidate);

function plannedPool(
  config: ServiceConfig,
  observed: Observed,
  declared: OwnedPool,
  stable: RoutedPool,
  shares: Shares,
): Draft["pools"][number] {
  const deployed = identityIn(observed, declared);
  const made = withPicker(withOriginal(asMade(declared, observed), observed), observed);
  const copied = asCopied(inZones(made, observed), observed);
  const pool = { ...copied, server: settingsAsMade(serverAsMade(copied.server, deployed), deployed) };
  const namespace = namespaceOf(pool, observed);
  const scaled = scaledOutside(pool, observed);
  const sizes = sizesOf(config, observed, { ...pool, namespace }, shares, scaled !== undefined);
  const identity = identityOf(pool, deployed);
  return {
    pool,
    namespace,
    ...sizes,
    ...scaled,
    beforeRoute: routeWaitsFor({ pool, namespace }, observed, shares),
    identity,
    token: tokenOf(declared, observed),
    ...optional("restarts", restarting(observed, pool, identity, sizes.replicas)),
    ...optional("copied", copyReport(config, pool, observed)),
    // In one namespace an objective's name exists once and is bound to one pool: there the stable one has it.
    objectives: pool.name === config.stable || namespace !== stable.namespace,
    ...(pool.name === config.stable
      ? optional("objectivesOf", poolsBeside(observed, pool.name, namespace))
      : {}),
  };
}

/** Replicas whose pods another template replaces, one after the other: those that there will be, or are now. */
function restarting(
  observed: Observed,
  { name }: OwnedPool,
  identity: PoolIdentity,
  planned: number,
): number | undefined {
  const live = observed.pools.find((pool) => pool.owned && pool.name === name);
  const changes = live?.identity === undefined ? [] : identityChanges(live.identity, identity);
  return changes.length === 0 ? undefined : Math.max(planned, live?.replicas ?? 0);
}

/** This stack's other pools in a namespace. With objectives there, one of them has them until it is no longer stable. */
function poolsBeside(observed: Observed, name: string, namespace: string): readonly string[] | undefined {
  const names = [
    ...Object.entries(observed.record?.pools ?? {}).flatMap(([pool, place]) =>
      place === namespace ? [pool] : [],
    ),
    ...observed.pools.flatMap((pool) => (pool.owned && pool.namespace === namespace ? [pool.name] : [])),
  ];
  const others = [...new Set(names)].filter((other) => other !== name).sort();
  return others.length === 0 ? undefined : others;
}

/** A stable pool that nobody waits for (unready-stable) does not hold up the route by what is done to it either. */
function withoutWait(
  config: ServiceConfig,
  observed: Observed,
  { pools, rising }: Draft,
  waived: readonly Allowance[],
): Pick<Draft, "pools" | "rising"> {
  const isThere = observed.pools.some(({ name }) => name === config.stable);
  if (!waived.includes("unready-stable") || !isThere) return { pools, rising };
  return {
    pools: pools.map((entry) =>
      entry.pool.name === config.stable ? { ...entry, beforeRoute: false } : entry,
    ),
    rising: rising.filter(({ pool }) => pool !== config.stable),
  };
}

/** A route can name a pool of its own namespace without anybody's leave, so each pool's namespace is watched. */
function guardedRoutes(
  config: ServiceConfig,
  observed: Observed,
  pools: readonly RoutedPool[],
): GuardedRoutes {
  const senders = pools.flatMap((pool) => sendersTo(pool, observed.others));
  const places = [...pools, ...senders].map(({ namespace }) => namespace);
  return {
    namespaces: [...new Set([config.namespace, ...places])].sort(),
    grpc: senders.some(({ kind }) => kind === "GRPCRoute"),
    parts: observed.pools
      .filter((live) =>
        pools.some(({ name, namespace }) => name === live.name && namespace === live.namespace),
      )
      .flatMap(({ name, namespace, parts = [] }) =>
        parts.map((part) => ({ ...part, pool: { name, namespace } })),
      ),
  };
}

/** Puts a draft before every rule. */
function judge(
  config: ServiceConfig,
  observed: Observed,
  draft: Draft,
): Pick<Plan, "notes" | "waived" | "spent"> & { refusals: Refusal[] } {
  const found = rules.flatMap((rule) =>
    rule.check(config, observed, draft).map((finding) => refusalOf(rule, finding)),
  );
  const { waived, spent, refusals } = waive(found, waiverWords(config, observed));
  const meant = config.allow.filter((name) => found.some(({ waiver }) => waiver === name));
  const notes = notesOf(config, observed, draft, { waived, found: meant });
  return { notes, waived, spent, refusals: refusals.filter(({ rule }) => !heldByGate.has(rule)) };
}

const heldByGate = new Set(rules.filter(({ heldBy }) => heldBy === "gate").map(({ id }) => id));

const refusalOf = ({ id, waiver }: Rule, { found, fix, waivable = true }: Finding): Refusal => ({
  rule: id,
  found,
  fix,
  ...(waiver !== undefined && waivable ? { waiver: waiver.name } : {}),
});

/**
 * Replicas of a pool in this update, and afterwards. No pool with traffic shrinks in an update that moves the route,
 * also where the config itself says fewer; and nothing shrinks while the service is frozen.
 * @param outside whether somebody else sets the number.
 */
function sizesOf(
  config: ServiceConfig,
  observed: Observed,
  pool: OwnedPool,
  shares: Shares,
  outside: boolean,
): { replicas: number; settled: number } {
  const { weight, capacity } = config;
  const { name, namespace, replicas } = pool;
  const live = liveShares(observed);
  const kept = sizeSet(observed, pool);
  // What somebody else has set; only a new pool begins with the plan's number.
  if (outside && kept !== undefined) return { replicas: kept, settled: kept };
  const role = name === config.stable ? "stable" : "candidate";
  const carried = [shareIn(live, name), shareIn(observed.record?.weights, name)];
  const settled = sizeAt(role, replicas, weight, capacity);
  const planned = plannedSize(role, replicas, weight, carried, capacity);
  const moves = Math.max(...carried) > 0 && !sameShares(live, shares);
  const frozen = windowNow(config.freeze, observed.now) !== undefined;
  // What other routes send to it nobody knows in numbers.
  const shared = otherTraffic({ name, namespace }, observed) !== undefined;
  return { replicas: moves || frozen || shared ? Math.max(planned, kept ?? 0) : planned, settled };
}

function stateOf({ candidate, weight }: ServiceConfig): LadderState {
  if (candidate === undefined) return "serving";
  return weight === 0 ? "staged" : weight === 100 ? "shifted" : "shifting";
}

/** A pool without weight is left out: some gateways keep a cluster warm for a weight of 0, some send to it. */
function backendsOf(config: ServiceConfig, stable: RoutedPool, candidate: RoutedPool | undefined): Backend[] {
  const entries: [RoutedPool | undefined, number][] = [
    [stable, 100 - config.weight],
    [candidate, config.weight],
  ];
  return entries.flatMap(([pool, weight]) =>
    pool === undefined || weight === 0 ? [] : [{ namespace: pool.namespace, pool: pool.name, weight }],
  );
}

/** The pools that the customers' route sends to, or is about to: the stable one and the candidate. */
export function routedPools(config: ServiceConfig, observed: Observed): RoutedPool[] {
  return [config.stable, ...(config.candidate === undefined ? [] : [config.candidate])].map((name) => ({
    name,
    namespace: namespaceOf(poolNamed(config, name), observed),
  }));
}

/** A pool stays where it was made; a namespace that the config names differently is refused by a rule, not followed. */
export function namespaceOf(pool: Pool, observed: Observed): string {
  const live = observed.pools.find(({ name, owned }) => name === pool.name && owned);
  if (!pool.existing && live !== undefined) return live.namespace;
  if (!pool.existing && !pool.namespaceIsExplicit) return observed.record?.pools[pool.name] ?? pool.namespace;
  return pool.namespace;
}

/** What a pool of this stack was made as. */
function identityIn(observed: Observed, { name }: OwnedPool): PoolIdentity | undefined {
  return observed.pools.find((pool) => pool.owned && pool.name === name)?.identity;
}

function poolNamed(config: ServiceConfig, name: string): Pool {
  const pool = config.pools[name];
  if (pool === undefined) throw new Error(`the config was not validated: no pool ${name}`);
  return pool;
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}
