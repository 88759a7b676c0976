import type {
  Plan,
  RoutedPool,
  Draft,
  GuardedRoutes,
  LadderState,
  OwnedPool,
  Pool,
  ServiceConfig,
  Backend,
  Observed,
} from "./model";
import { carriedSizes } from "./carried";
import { asCopied, copyReport } from "./copies";
import { identityOf, type PoolIdentity } from "./identity";
import { freezeNow } from "./freeze";
import { adapterKind, kindOf } from "./kind";
import { lastMove } from "./last-move";
import { latchesOf } from "./latch";
import { asMade } from "./model-names";
import { poolNamespaces } from "./namespaces";
import { notesOf } from "./notes";
import { otherTraffic, overriddenBy } from "./other-routes";
import { rounding, sameShares, sharesOf } from "./shares";
import { risingPools, routeWaitsFor } from "./rising";
import { moveOf } from "./route-move";
import { sendersTo } from "./routes";
import { rules } from "./rules";
import { serverAsMade } from "./secret-args";
import { plannedSize, sizeAt } from "./sizing";

/**
 * The heart of the program: what the config asks for and what is deployed, turned into what is to be done, or
 * into every reason not to. Pure; components only render what it returns.
 */
export function plan(config: ServiceConfig, observed: Observed): Plan {
  const place = (pool: Pool): RoutedPool => ({ name: pool.name, namespace: namespaceOf(pool, observed) });
  const stablePool = poolNamed(config, config.stable);
  const candidatePool = config.candidate === undefined ? undefined : poolNamed(config, config.candidate);
  const stable = place(stablePool);
  const candidate = candidatePool === undefined ? undefined : place(candidatePool);

  const backends = backendsOf(config, stable, candidate);
  const shares = Object.fromEntries(sharesOf(backends));
  const pools = [stablePool, candidatePool]
    .filter((pool): pool is OwnedPool => pool?.existing === false)
    .map((pool) => asCopied(asMade(pool, observed), observed))
    .map((pool) => ({ ...pool, server: serverAsMade(pool.server, identityIn(observed, pool)) }))
    .map((pool) => ({
      pool,
      namespace: namespaceOf(pool, observed),
      ...sizesOf(config, observed, { ...pool, namespace: namespaceOf(pool, observed) }, shares),
      beforeRoute: routeWaitsFor({ pool, namespace: namespaceOf(pool, observed) }, observed, shares),
      identity: identityOf(pool, identityIn(observed, pool)),
      ...optional("copied", copyReport(config, pool, observed)),
      // In one namespace an objective's name exists once and is bound to one pool: there the stable one has it.
      objectives: pool.name === config.stable || namespaceOf(pool, observed) !== stable.namespace,
    }));
  const kept = new Set([config.stable, config.candidate]);
  const removed = observed.pools
    .filter(({ name, owned }) => owned && !kept.has(name))
    .map(({ name, namespace }) => ({ name, namespace }));

  const now = sharesOf(observed.route?.backends ?? []);
  const candidateShareNow = candidate === undefined ? 0 : (now.get(candidate.name) ?? 0);
  const draft: Draft = {
    state: stateOf(config),
    ...optional(
      "kind",
      candidatePool === undefined ? adapterKind(config) : kindOf(stablePool, candidatePool),
    ),
    pools,
    stable,
    ...optional("candidate", candidate),
    namespaces: poolNamespaces(config, observed, pools),
    backends,
    shares,
    rising: risingPools(config, observed, candidate === undefined ? [stable] : [stable, candidate], shares),
    latches: latchesOf(config, observed, (name) => now.get(name) ?? observed.record?.weights[name] ?? 0),
    carried: carriedSizes(config, observed, shares),
    others: [stablePool, candidatePool].flatMap((pool) =>
      pool?.existing === true
        ? observed.pools.filter(({ name, namespace }) => name === pool.name && namespace === pool.namespace)
        : [],
    ),
    candidateRises: config.weight > candidateShareNow + rounding,
    candidateFalls: config.weight < candidateShareNow - rounding,
    candidateShareNow,
    removed,
    move: lastMove(config, observed, removed),
    overridden: overriddenBy(config, observed.others, routedPools(config, observed)),
    guarded: guardedRoutes(config, observed, [
      ...[stable, candidate].filter((pool) => pool !== undefined),
      ...removed,
    ]),
  };
  const judged = judge(config, observed, draft);
  const { waived } = judged;
  const isThere = observed.pools.some(({ name }) => name === config.stable);
  const unasked = waived.includes("unready-stable") && isThere ? config.stable : undefined;
  return {
    ...draft,
    // A stable pool that nobody waits for does not hold up the route by what is done to it either.
    pools: pools.map((entry) => (entry.pool.name === unasked ? { ...entry, beforeRoute: false } : entry)),
    rising: draft.rising.filter(({ pool }) => pool !== unasked),
    route: moveOf(observed, draft, waived),
    ...judged,
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
  };
}

function judge(
  config: ServiceConfig,
  observed: Observed,
  draft: Draft,
): Pick<Plan, "notes" | "waived" | "refusals"> {
  const found = rules.flatMap((rule) => rule(config, observed, draft));
  const waivers = config.allow.filter((name) => found.some((refusal) => refusal.waiver === name));
  const spent = waivers.filter((name) => observed.record?.waived.includes(name));
  const waived = waivers.filter((name) => !spent.includes(name));
  const notes = notesOf(config, observed, draft, { waived, found: waivers });
  const refusals = found
    .filter(({ heldBy }) => heldBy !== "gate")
    .filter(({ waiver }) => waiver === undefined || !waived.some((name) => name === waiver))
    .map((refusal) =>
      spent.some((name) => name === refusal.waiver)
        ? {
            ...refusal,
            found: `${refusal.found}; allow: ${refusal.waiver} let the last update pass, and counts for one`,
          }
        : refusal,
    );
  return { notes, waived, refusals };
}

/**
 * Replicas of a pool in this update, and afterwards. No pool with traffic shrinks in an update that moves the route,
 * also where the config itself says fewer; and nothing shrinks while the service is frozen.
 */
function sizesOf(
  config: ServiceConfig,
  observed: Observed,
  { name, namespace, replicas }: OwnedPool,
  shares: Readonly<Record<string, number>>,
): { replicas: number; settled: number } {
  const { weight, capacity } = config;
  const role = name === config.stable ? "stable" : "candidate";
  const live = sharesOf(observed.route?.backends ?? []);
  const carried = [live.get(name) ?? 0, observed.record?.weights[name] ?? 0];
  const settled = sizeAt(role, replicas, weight, capacity);
  const planned = plannedSize(role, replicas, weight, carried, capacity);
  const moves = Math.max(...carried) > 0 && !sameShares(live, new Map(Object.entries(shares)));
  const frozen = freezeNow(config.freeze, observed.now) !== undefined;
  // What other routes send to it nobody knows in numbers.
  const shared = otherTraffic({ name, namespace }, observed) !== undefined;
  const kept = observed.pools.find((pool) => pool.name === name && pool.owned)?.replicas ?? 0;
  return { replicas: moves || frozen || shared ? Math.max(planned, kept) : planned, settled };
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

/** A pool stays where it was made; a namespace that the config names differently is told by a rule, not followed. */
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
