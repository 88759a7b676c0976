import { annotations } from "../../../../components/names";
import { liveRollback } from "../../../../rollout/now/live-rollback";
import type { LiveObject } from "../../../../stacks/state/cluster-reader";
import { observedRoute } from "../../../../stacks/state/observe";
import { known, othersOf, poolRef } from "../route-fixtures";
import { names, type Event, type Knobs, type Name } from "./events";
import { configOf } from "./knobs";
import {
  deletePool,
  deleteRoute,
  emptyWorld,
  refresh,
  update,
  type Fate,
  type State,
  type Witness,
  type World,
} from "./world";

/** What a history of events has come to. */
export interface History {
  world: World;
  knobs: Knobs;
  /** Configs that an update was begun with, and the world before it; newest last. */
  configs: Knobs[];
  states: { state: State; record: World["record"]; route: World["route"] }[];
  /** What people did behind the program's back, since the program last wrote the route and found all in place. */
  drift: { route: boolean; pools: boolean };
}

export function newHistory(): History {
  return {
    world: emptyWorld(),
    knobs: {
      stable: "llm",
      candidate: "",
      weight: 0,
      replicas: 6,
      mode: "full",
      headroom: 1,
      rollbackReserve: 1,
      allow: [],
      freeze: [],
    },
    configs: [],
    states: [],
    drift: { route: false, pools: false },
  };
}

/** Most of what validation would refuse is not worth a step of a history. */
function sensible(knobs: Knobs): Knobs {
  const other = names.find((name) => name !== knobs.stable) ?? "llm-new";
  const candidate =
    knobs.candidate === knobs.stable || (knobs.candidate === "" && knobs.weight > 0)
      ? other
      : knobs.candidate;
  return { ...knobs, candidate };
}

/** One more thing happens. @returns how the update ended where it was one. */
export function happen(history: History, event: Event, witness: Witness): string | undefined {
  const { world } = history;
  world.now += 3_600_000;
  switch (event.kind) {
    case "edit":
      history.knobs = sensible({ ...history.knobs, allow: [], ...event.knobs });
      if (event.refresh) refresh(world);
      return run(history, event.fate, witness);
    case "older config":
      history.knobs = history.configs.at(-1 - event.back) ?? history.knobs;
      return run(history, event.fate, witness);
    case "again":
      return run(history, event.fate, witness);
    case "climb": {
      const weight = [10, 30, 60, 100].find((step) => step > history.knobs.weight) ?? 100;
      history.knobs = sensible({ ...history.knobs, allow: [], weight });
      return run(history, event.fate, witness);
    }
    case "promote": {
      const { candidate } = history.knobs;
      if (candidate === "") return undefined;
      history.knobs = { ...history.knobs, allow: [], stable: candidate, candidate: "", weight: 0 };
      return run(history, event.fate, witness);
    }
    case "roll back": {
      const { candidate } = history.knobs;
      if (candidate === "") return undefined;
      const rolledBack = { candidate, reason: "worse answers", time: timeOf(world) };
      history.knobs = { ...history.knobs, weight: 0, rolledBack };
      return run(history, event.fate, witness);
    }
    case "roll back now":
      return rolledBackNow(history);
    case "step back": {
      const { candidate, weight } = history.knobs;
      if (candidate === "") return undefined;
      const rolledBack = { candidate, reason: "worse answers", time: timeOf(world) };
      history.knobs = { ...history.knobs, weight: Math.floor(weight * event.to), rolledBack };
      return run(history, event.fate, witness);
    }
    case "resume": {
      const candidate = history.knobs.rolledBack?.candidate;
      if (candidate === undefined) return undefined;
      history.knobs = { ...history.knobs, resumed: { candidate, reason: "fixed", time: timeOf(world) } };
      return undefined;
    }
    case "freeze": {
      const to = new Date(world.now + event.hours * 3_600_000).toISOString();
      history.knobs = {
        ...history.knobs,
        freeze: [{ ...(event.hours === 0 ? {} : { to }), reason: "a sale" }],
      };
      return undefined;
    }
    case "thaw":
      history.knobs = { ...history.knobs, freeze: [] };
      return undefined;
    default:
      byHand(history, event);
      return undefined;
  }
}

function run(history: History, fate: Fate, witness: Witness): string {
  const { world, knobs } = history;
  const config = configOf(knobs);
  if (config === undefined) return "mistake";
  history.configs.push(knobs);
  history.states.push({ state: world.state, record: world.record, route: world.route });
  const outcome = update(world, config, fate, {
    ...witness,
    backNow: () => {
      if (rolledBackNow(history) === "rolled back at once") witness.backNow();
    },
  });
  if (outcome === "done") {
    history.drift = {
      route: false,
      pools:
        history.drift.pools && Object.keys(world.state.pools).some((name) => world.pools[name] === undefined),
    };
  }
  return outcome;
}

/** What the command writes, by way of the object that the API server would hold. */
function rolledBackNow({ world, knobs }: History): string | undefined {
  const from = world.record?.candidate ?? knobs.candidate;
  const to = world.record?.stable ?? knobs.stable;
  if (world.route === undefined || from === "" || from === to) return undefined;
  // The command itself refuses it: nobody would answer.
  if ((world.pools[to]?.ready ?? 0) === 0) return undefined;
  const done = liveRollback(
    { route: routeObject(world.route), pools: [] },
    { reason: "worse answers", now: new Date(world.now), from, to },
  );
  if (done.outcome !== "move") return done.outcome;
  const { backends, written, moves, latches } = observedRoute(done.object);
  if (written === undefined || moves === undefined) throw new Error("it wrote no weights");
  // Forced server-side apply: whoever owned the rules too does no longer.
  world.route = { backends, written, moves, latches: latches ?? [], coOwners: [] };
  return "rolled back at once";
}

function routeObject({ backends, written, moves, latches }: NonNullable<World["route"]>): LiveObject {
  const refs = backends.map(({ pool, namespace, weight }) => ({ ...poolRef(pool), namespace, weight }));
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: {
      name: "routes-to-llm",
      namespace: "default",
      annotations: {
        [annotations.weights]: JSON.stringify(written),
        [annotations.moves]: String(moves),
        [annotations.latched]: JSON.stringify(latches),
      },
    },
    spec: { rules: [{ backendRefs: refs }] },
  };
}

type ByHand = Exclude<
  Event,
  {
    kind:
      | ("edit" | "older config" | "again" | "climb" | "promote")
      | ("roll back" | "roll back now" | "step back" | "resume" | "freeze" | "thaw");
  }
>;

function byHand({ world, states, drift }: History, event: ByHand): void {
  switch (event.kind) {
    case "edit route": {
      if (world.route === undefined) return;
      const [stable, other] = event.weights as [number, number];
      const pools = [
        ...new Set([...world.route.backends.map(({ pool }) => pool), ...Object.keys(world.pools)]),
      ];
      const backends = [
        { pool: pools[0] ?? "llm", namespace: "default", weight: stable },
        {
          pool: event.unknown ? "somebody-elses" : (pools[1] ?? "llm-new"),
          namespace: "default",
          weight: other,
        },
      ].filter(({ weight }) => weight > 0);
      world.route = { ...world.route, backends, coOwners: ["kubectl-edit"] };
      drift.route = true;
      return;
    }
    case "other route": {
      const headers = event.takes === "everything" ? [] : [{ name: "x-tester", value: "1" }];
      const match = { path: { type: "PathPrefix", value: "/" }, headers };
      const route = known(event.takes, [{ matches: [match], backendRefs: [poolRef(event.pool)] }]);
      world.others = othersOf([...world.others.routes, route]);
      return;
    }
    case "other routes go":
      world.others = othersOf([]);
      return;
    case "delete route":
      deleteRoute(world);
      drift.route = true;
      return;
    case "delete pool":
      if (world.pools[event.pool] !== undefined) drift.pools = true;
      deletePool(world, event.pool);
      return;
    case "scale pool":
      changePool(world, event.pool, event.replicas, event.replicas);
      return;
    case "pods die":
      changePool(world, event.pool, undefined, event.left);
      return;
    case "pods recover":
      for (const pool of Object.values(world.pools)) pool.ready = pool.replicas;
      return;
    case "older state": {
      const older = states.at(-1 - event.back);
      if (older === undefined) return;
      world.state = older.state;
      if (older.record === undefined) Reflect.deleteProperty(world, "record");
      else world.record = older.record;
      // An older state may know pools that are gone, and may not know some that are there.
      drift.pools = true;
      drift.route = true;
      return;
    }
    case "state loses": {
      const { route, pools } = world.state;
      world.state =
        event.what === "route"
          ? { pools }
          : {
              ...(route === undefined ? {} : { route }),
              pools: Object.fromEntries(Object.entries(pools).filter(([name]) => name !== event.what)),
            };
      return;
    }
    case "rename stack":
      world.stack = event.to;
      return;
    case "another stack takes": {
      const live = [...Object.keys(world.pools), ...(world.route === undefined ? [] : ["route"])];
      world.marks = Object.fromEntries(live.map((what) => [what, "another" as const]));
      return;
    }
    case "it gives back":
      world.marks = {};
  }
}

function changePool({ pools }: World, name: Name, replicas: number | undefined, ready: number): void {
  const pool = pools[name];
  if (pool === undefined) return;
  pool.replicas = replicas ?? pool.replicas;
  pool.ready = Math.min(ready, pool.ready, pool.replicas);
}

const timeOf = ({ now }: World): string => new Date(now).toISOString();
