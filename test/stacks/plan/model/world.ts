import { planFor } from "../../cases";
import { objectKey, whoseIs, type Claim, type OwnedObject } from "../../../../stacks/plan/claims";
import type {
  DeploymentRecord,
  Latch,
  Observed,
  ObservedRoute,
  PoolIdentity,
} from "../../../../stacks/plan/observed";
import type { ServiceConfig } from "../../../../stacks/plan/service-config";
import type { Backend, Plan, PlannedPool } from "../../../../stacks/plan/model";
import { identityOf } from "../../../../stacks/plan/identity";
import { changedMeanwhile } from "../../../../stacks/plan/meanwhile";
import { routeTexts } from "../../../../stacks/plan/route-texts";
import { sharesOf, shareIn } from "../../../../stacks/plan/shares";
import type { OtherRoutes } from "../../../../stacks/plan/routes";
import { known, othersOf } from "../route-fixtures";
import assert from "node:assert/strict";

/*
 * A small model of the world that a plan is carried out in: the cluster, what Pulumi's state believes of it, and
 * the last record. An update goes through it step by step, in the order of things, and can end at every step.
 * It knows nothing of the rules: only what the engine, the provider, the gate and the gateway do.
 */

export interface LivePool {
  replicas: number;
  ready: number;
  identity: PoolIdentity;
}

export interface LiveRoute {
  backends: readonly Backend[];
  written: Readonly<Record<string, number>>;
  moves: number;
  latches: readonly Latch[];
  coOwners: readonly string[];
}

/** What Pulumi believes: inputs that are equal are not sent, whatever the cluster has become. */
export interface State {
  route?: string;
  pools: Readonly<Record<string, number>>;
}

export interface World {
  route?: LiveRoute;
  pools: Record<string, LivePool>;
  /** Routes that others made. */
  others: OtherRoutes;
  state: State;
  /** The stack's name now; objects keep the one that they were marked under. */
  stack: string;
  /** Whose mark pools and the route bear; absent: this stack's. */
  marks: Readonly<Record<string, "another">>;
  record?: DeploymentRecord;
  /** Milliseconds. */
  now: number;
}

/** What goes wrong in an update. */
export interface Fate {
  /** The update ends after so many steps. */
  cutAfter: number;
  /** Pools whose new pods never get ready. */
  failing: readonly string[];
  confirmed: boolean;
  /**
   * Somebody goes back with the cluster alone while the update runs: before the last check in front of the route, or
   * between that check and the write.
   */
  backDuring?: "wait" | "write";
}

/** Told of every change that an update makes, before it is made. */
export interface Witness {
  /** `before` is the route as it is; undefined where there is none. */
  onRoute(change: { config: ServiceConfig; done: Plan; before: World }): void;
  onSize(change: { config: ServiceConfig; done: Plan; before: World; pool: string; replicas: number }): void;
  onRemoval(change: { config: ServiceConfig; done: Plan; before: World; pool: string }): void;
  /** Told when the moment of `backDuring` has come. */
  backNow(): void;
}

export function emptyWorld(): World {
  return {
    pools: {},
    others: othersOf([]),
    state: { pools: {} },
    stack: "prod",
    marks: {},
    now: Date.parse("2026-11-01T00:00:00Z"),
  };
}

const namespace = "default";

/** Younger than any route that others make here: such a route wins wherever its match is as good. */
const customers = known("routes-to-llm", [], { created: "2026-10-01T00:00:00Z" });

const poolGroup = "inference.networking.k8s.io";

function objectOf(what: string): Pick<OwnedObject, "group" | "kind" | "namespace" | "name" | "pool"> {
  return what === "route"
    ? { group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace, name: "routes-to-llm" }
    : { group: poolGroup, kind: "InferencePool", namespace, name: what, pool: what };
}

/** Whose the live objects are, by their marks and by what Pulumi's state holds. */
function claimsOf({ route, pools, state, marks, record, stack }: World): Claim[] {
  const held = [...Object.keys(state.pools), ...(state.route === undefined ? [] : ["route"])];
  const ownState = new Map(held.map((what) => [objectKey(objectOf(what)), {}]));
  const self = { id: "this", stack: `acme/inference-rollout/${stack}`, label: `inference-rollout.${stack}` };
  const live = [...Object.keys(pools), ...(route === undefined ? [] : ["route"])];
  return live.map((what) => {
    const owner = { id: marks[what] ?? self.id, stack: `acme/inference-rollout/${marks[what] ?? "prod"}` };
    const object: OwnedObject = { ...objectOf(what), service: "llm", owner, managers: [] };
    const recorded = { service: "llm", ...(record === undefined ? {} : { pools: record.pools }) };
    return { object, whose: whoseIs(object, self, ownState, recorded) };
  });
}

export function observedOf(world: World): Observed {
  const { route, pools, others, record, now } = world;
  return {
    claims: claimsOf(world),
    ...(route === undefined
      ? {}
      : {
          route: {
            ...route,
            texts: routeTexts(route.written, route.latches),
            differences: { rules: [], attachment: [] },
          },
        }),
    pools: Object.entries(pools).map(([name, { replicas, ready, identity }]) => ({
      name,
      namespace,
      owned: true,
      identity,
      replicas,
      readyReplicas: ready,
    })),
    namespaces: { default: "foreign" },
    others: route === undefined ? others : { ...others, customers },
    ...(record === undefined ? {} : { record }),
    now: new Date(now),
  };
}

export const liveShare = ({ route }: World, pool: string): number =>
  shareIn(sharesOf(route?.backends ?? []), pool);

type Outcome = "refused" | "ended early" | "not ready" | "not confirmed" | "overtaken" | "done";

/** Carries one `pulumi up` out, as far as its fate lets it. The world is changed in place. */
export function update(world: World, config: ServiceConfig, fate: Fate, witness: Witness): Outcome {
  const observed = observedOf(world);
  const done = planFor(config, observed);
  if (done.refusals.length > 0) return "refused";
  let steps = 0;
  const mayGoOn = (): boolean => steps++ < fate.cutAfter;
  const sized = (pools: readonly PlannedPool[]): Outcome | undefined => {
    for (const planned of pools) {
      if (!mayGoOn()) return "ended early";
      if (!size(world, config, done, planned, fate, witness)) return "not ready";
    }
    return undefined;
  };
  const first = sized(done.pools.filter(({ beforeRoute }) => beforeRoute));
  if (first !== undefined) return first;
  if (!mayGoOn()) return "ended early";
  if (fate.backDuring === "wait") witness.backNow();
  const moved = moveRoute(world, config, done, observed.route, fate, witness, mayGoOn);
  if (moved !== undefined) return moved;
  // What comes after the route runs beside the gateway's confirmation.
  const last = sized(done.pools.filter(({ beforeRoute }) => !beforeRoute));
  if (last !== undefined) return last;
  if (!mayGoOn()) return "ended early";
  if (!fate.confirmed) return "not confirmed";
  // The program's own look at the end: what it planned is what is live.
  const [live, wanted] = [world.route?.backends ?? [], done.backends].map((list) =>
    Object.fromEntries(rounded(list)),
  );
  if (fate.backDuring !== undefined && JSON.stringify(live) !== JSON.stringify(wanted)) return "overtaken";
  assert.deepEqual(live, wanted, "the update says it succeeded, and the live route is not the plan's");
  world.record = recordOf(config, done);
  for (const name of Object.keys(world.state.pools)) {
    if (done.pools.some(({ pool }) => pool.name === name)) continue;
    if (!mayGoOn()) return "ended early";
    if (name in world.pools) witness.onRemoval({ config, done, before: world, pool: name });
    deletePool(world, name);
    world.state = { ...world.state, pools: without(world.state.pools, name) };
  }
  return "done";
}

/** A mark stands on the object, and goes with it. */
export function deletePool(world: World, name: string): void {
  Reflect.deleteProperty(world.pools, name);
  world.marks = without(world.marks, name);
}

export function deleteRoute(world: World): void {
  Reflect.deleteProperty(world, "route");
  world.marks = without(world.marks, "route");
}

/** A pool's Deployment: the provider writes it where the inputs differ from the state's, and waits for it. */
function size(
  world: World,
  config: ServiceConfig,
  done: Plan,
  { pool, replicas }: PlannedPool,
  { failing }: Fate,
  witness: Witness,
): boolean {
  const { name } = pool;
  if (world.state.pools[name] === replicas) return true;
  const live = world.pools[name];
  // The provider finds nothing to update where the state has an object and the cluster does not.
  if (live === undefined && name in world.state.pools) return false;
  witness.onSize({ config, done, before: world, pool: name, replicas });
  world.marks = without(world.marks, name);
  const ready = Math.min(live?.ready ?? 0, replicas);
  const fails = failing.includes(name);
  world.pools[name] = {
    replicas,
    ready: fails ? ready : replicas,
    identity: live?.identity ?? identityOf(pool),
  };
  // As in the provider: after a wait that failed the state has the new inputs.
  world.state = { ...world.state, pools: { ...world.state.pools, [name]: replicas } };
  return !fails;
}

/** The route: hooks run only where the engine sees a change; the write and the state are two steps. */
function moveRoute(
  world: World,
  config: ServiceConfig,
  done: Plan,
  planned: ObservedRoute | undefined,
  { backDuring }: Fate,
  witness: Witness,
  mayGoOn: () => boolean,
): Outcome | undefined {
  const inputs = JSON.stringify([done.backends, done.route, done.latches]);
  if (world.state.route === inputs) return world.route === undefined ? "not confirmed" : undefined;
  for (const { pool, needs } of done.rising) {
    if ((world.pools[pool]?.ready ?? 0) < (needs ?? 0)) return "not ready";
  }
  if (world.route === undefined && world.state.route !== undefined) return "not ready";
  // The hook's last look, and the cluster's guard of the moment after it.
  const now = observedOf(world).route;
  if (planned !== undefined && now !== undefined && changedMeanwhile(planned, now) !== undefined)
    return "overtaken";
  if (backDuring === "write") witness.backNow();
  if (world.route !== undefined && !guardLets(world.route, written(done))) return "overtaken";
  const { coOwners = [], backends = [] } = world.route ?? {};
  // Server-side apply: another owner of the list conflicts, unless the update forces.
  if (coOwners.length > 0 && JSON.stringify(backends) !== JSON.stringify(done.backends)) {
    if (!done.route.force) return "not ready";
  }
  witness.onRoute({ config, done, before: world });
  world.marks = without(world.marks, "route");
  const keeps = JSON.stringify(backends) === JSON.stringify(done.backends);
  world.route = { ...written(done), coOwners: keeps ? coOwners : [] };
  if (!mayGoOn()) return "ended early";
  world.state = { ...world.state, route: inputs };
  return undefined;
}

const written = (done: Plan): Omit<LiveRoute, "coOwners"> => ({
  backends: done.backends,
  written: done.shares,
  moves: done.route.moves,
  latches: done.latches,
});

/** What MoveGuard lets pass; test/components/api-server/move-guard.ts holds the policy to the same cases. */
export function guardLets(
  before: Pick<LiveRoute, "moves" | "written" | "latches">,
  after: Pick<LiveRoute, "moves" | "written" | "latches">,
): boolean {
  const texts = [before, after].map((route) => routeTexts(route.written, route.latches));
  return (
    after.moves > before.moves ||
    (after.moves === before.moves && JSON.stringify(texts[0]) === JSON.stringify(texts[1]))
  );
}

function recordOf(config: ServiceConfig, done: Plan): DeploymentRecord {
  return {
    stable: done.stable.name,
    route: `${config.namespace}/${config.route}`,
    ...(done.candidate === undefined ? {} : { candidate: done.candidate.name }),
    weights: done.shares,
    pools: Object.fromEntries(done.pools.map(({ pool }) => [pool.name, namespace])),
    objectives: Object.fromEntries(config.objectives.map(({ name, priority }) => [name, priority])),
    waived: done.spent,
    sizes: Object.fromEntries(done.pools.map(({ pool, replicas }) => [pool.name, replicas])),
    latches: done.latches,
    carried: done.carried,
  };
}

/** `pulumi refresh`: the state becomes what the cluster is. */
export function refresh(world: World): void {
  const { route } = world;
  world.state = {
    pools: Object.fromEntries(
      Object.entries(world.pools)
        .filter(([name]) => name in world.state.pools)
        .map(([name, { replicas }]) => [name, replicas]),
    ),
    ...(route === undefined || world.state.route === undefined ? {} : { route: JSON.stringify(route) }),
  };
}

function rounded(backends: readonly Backend[]): [string, number][] {
  return Object.entries(sharesOf(backends))
    .map(([name, share]): [string, number] => [name, Math.round(share)])
    .sort();
}

function without<V>(entries: Readonly<Record<string, V>>, name: string): Record<string, V> {
  return Object.fromEntries(Object.entries(entries).filter(([key]) => key !== name));
}
