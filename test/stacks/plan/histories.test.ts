import { planFor } from "../cases";
import assert from "node:assert/strict";
import { describe } from "node:test";
import fc from "fast-check";
import { windowNow } from "../../../stacks/plan/freeze";
import { sharesOf, shareIn } from "../../../stacks/plan/shares";
import { replicasFor } from "../../../stacks/plan/sizing";
import { contested, event, type Event } from "./model/events";
import { happen, newHistory, type History } from "./model/history";
import { configOf, readConfig } from "./model/knobs";
import { liveShare, observedOf, type Witness, type World } from "./model/world";
import { propertyRuns } from "../../property-runs";
import { SharedCases } from "./shared-cases";

/*
 * Whatever happens, in whatever order, and wherever an update ends: nothing that customers are connected to is
 * taken from them. The world is a model (model/world.ts); what is asserted here is said once more, independently of
 * the rules in stacks/plan.
 */

const runs = propertyRuns(2000);

interface Looks extends Witness {
  /** Told of every event when it is over. */
  after(event: Event): void;
}

const ignored = (): void => undefined;

const historiesOf = (events: fc.Arbitrary<Event>, numRuns = runs): SharedCases<Event[], History, Looks> =>
  new SharedCases<Event[], History, Looks>({
    cases: fc.array(events, { minLength: 4, maxLength: 30, size: "max" }),
    begin: newHistory,
    carryOut: (story, history, looks, seen) => {
      for (const one of story) {
        seen(happen(history, one, looks) ?? one.kind);
        looks.after(one);
      }
    },
    nothing: {
      onRoute: ignored,
      onSize: ignored,
      onRemoval: ignored,
      backNow: ignored,
      after: ignored,
    },
    runs: numRuns,
  });

const histories = historiesOf(event);
const contestedHistories = historiesOf(contested);
/** To read a config as the program does takes long. */
const fewHistories = historiesOf(event, Math.ceil(runs / 20));

describe("in no history does an update", () => {
  histories.hold(
    "remove a pool that has traffic, by the live route or by the record",
    (seen, { states }) => ({
      onRemoval: ({ before, pool }) => {
        seen("removal");
        assert.equal(liveShare(before, pool), 0, `${pool} has traffic`);
        const known = states.at(-1)?.record?.weights[pool] ?? 0;
        assert.equal(known, 0, `${pool} had traffic in the last successful update`);
        // Its streams may still run: traffic that goes and the pool that goes are two updates.
        const began = shareIn(sharesOf(states.at(-1)?.route?.backends ?? []), pool);
        assert.equal(began, 0, `${pool} had traffic when the update began`);
      },
    }),
    { removal: 1 / 20 },
  );

  contestedHistories.hold(
    "touch what another stack has taken, unless it is told to",
    (seen, history) => {
      const touched = (what: string, before: World): void => {
        if (before.marks[what] === undefined) return;
        seen("touched");
        assert.ok(history.knobs.allow.includes("take-over-service"), `${what} is another stack's`);
      };
      return {
        onRoute: ({ before }) => touched("route", before),
        onSize: ({ before, pool }) => touched(pool, before),
        onRemoval: ({ before, pool }) => touched(pool, before),
        after: () => {
          if (Object.keys(history.world.marks).length > 0) seen("contested");
        },
      };
    },
    { contested: 1 / 20, touched: 1 / 200 },
  );

  histories.hold(
    "remove what Pulumi's state has lost, whatever the config says",
    (seen, { world }) => ({
      onRemoval: ({ pool }) => assert.ok(pool in world.state.pools, `${pool} is not in the state`),
      after: () => {
        if (Object.keys(world.pools).some((name) => !(name in world.state.pools))) seen("lost");
      },
    }),
    { lost: 1 / 20 },
  );

  const sends = ({ others }: World, pool: string): boolean =>
    others.routes.some(({ rules }) =>
      rules.some(({ backends }) => backends.some((one) => one.pool === pool)),
    );
  histories.hold(
    "remove a pool, or shrink one, that another route sends to",
    (seen) => ({
      onRemoval: ({ before, pool }) => {
        seen("removal");
        assert.ok(!sends(before, pool), `${pool} is removed`);
      },
      onSize: ({ before, pool, replicas }) => {
        if (!sends(before, pool)) return;
        seen("sized");
        assert.ok(replicas >= (before.pools[pool]?.replicas ?? 0), `${pool} shrinks`);
      },
    }),
    { removal: 1 / 20, sized: 1 / 100 },
  );

  histories.hold(
    "give the candidate more while another route gets the customers' requests",
    (seen, history) => ({
      onRoute: ({ done, before }) => {
        if (!before.others.routes.some(({ name }) => name === "everything")) return;
        seen("route written all the same");
        const candidate = done.candidate?.name ?? "";
        assert.ok(shareIn(done.shares, candidate) <= liveShare(before, candidate) + 0.01);
        assert.ok(done.overridden.length > 0, "nothing says that the weights are not what customers get");
      },
      after: () => {
        if (history.world.others.routes.some(({ name }) => name === "everything")) seen("overridden");
      },
    }),
    { overridden: 1 / 20, "route written all the same": 1 / 200 },
  );

  histories.hold(
    "send more weight to a pool that is not sized and ready for it",
    (seen) => ({
      onRoute: ({ config, done, before }) => {
        for (const [pool, share] of Object.entries(done.shares)) {
          if (share <= liveShare(before, pool) + 0.01) continue;
          if (pool === done.stable.name && done.waived.includes("unready-stable")) continue;
          seen(pool === done.stable.name ? "stable rises" : "candidate rises");
          const size = config.pools[pool]?.existing === false ? config.pools[pool].replicas : 0;
          const live = before.pools[pool];
          assert.ok(live !== undefined, `${pool} is not there`);
          const needs = replicasFor(size, share, config.capacity.headroom);
          assert.ok(live.ready >= needs, `${pool} has ${live.ready} of ${needs} ready for ${share} %`);
        }
      },
    }),
    { "candidate rises": 1 / 20, "stable rises": 1 / 20, "not ready": 1 / 20 },
  );

  histories.hold(
    "shrink a pool below what its traffic needs, or before the traffic has gone",
    (seen, { states }) => ({
      onSize: ({ config, done, before, pool, replicas }) => {
        const live = before.pools[pool];
        if (live === undefined || replicas >= live.replicas) return;
        seen("shrink");
        const declared = config.pools[pool];
        assert.ok(declared?.existing === false);
        // The route as it is when the pool shrinks: what comes after the route sees the new one.
        // A gateway that has not confirmed may still send what the record says.
        const share = Math.max(liveShare(before, pool), before.record?.weights[pool] ?? 0);
        if (share === 0) return;
        seen("shrink under traffic");
        assert.ok(replicas >= replicasFor(declared.replicas, share, config.capacity.headroom));
        // In the update that moves its traffic away, not even a smaller declared size counts yet.
        const began = sharesOf(states.at(-1)?.route?.backends ?? []);
        const loses = shareIn(began, pool) > shareIn(done.shares, pool) + 0.01;
        assert.ok(!loses, `${pool} shrinks while the route moves its traffic away`);
      },
    }),
    { shrink: 1 / 20, "shrink under traffic": 1 / 100 },
  );

  histories.hold(
    "leave the stable pool below its reserve while a candidate is there",
    (seen) => ({
      onSize: ({ config, done, pool, replicas }) => {
        if (config.candidate === undefined || pool !== done.stable.name) return;
        seen("stable sized");
        const declared = config.pools[pool];
        assert.ok(declared?.existing === false);
        const { mode, rollbackReserve } = config.capacity;
        const reserve = mode === "full" ? 1 : rollbackReserve;
        assert.ok(replicas >= Math.max(1, Math.ceil(declared.replicas * reserve)));
      },
    }),
    { "stable sized": 1 / 20 },
  );

  histories.hold(
    "give weight to a candidate that was rolled back and not resumed",
    (seen, history) => {
      /** What the route or the record has been told, by time of rolling back. */
      const rolledBack = new Map<string, string>();
      /** Until when rollbacks of a candidate are resumed: keys of an older config from before then are no new ones. */
      const opened = new Map<string, string>();
      const tell = ({ rolledBack: back, resumed }: History["knobs"]): void => {
        const known = resumed !== undefined && rolledBack.has(resumed.candidate);
        if (back !== undefined && back.time > (opened.get(back.candidate) ?? "")) {
          if (back.time > (rolledBack.get(back.candidate) ?? "")) rolledBack.set(back.candidate, back.time);
        }
        if (resumed === undefined || !(known || back?.candidate === resumed.candidate)) return;
        if (resumed.time <= (rolledBack.get(resumed.candidate) ?? "")) return;
        if (resumed.time > (opened.get(resumed.candidate) ?? "")) opened.set(resumed.candidate, resumed.time);
        rolledBack.delete(resumed.candidate);
      };
      /** What the live route says of it. */
      const hold = (): void => {
        for (const { candidate, time, resumed } of history.world.route?.latches ?? [])
          if (resumed === undefined || resumed.time <= time) rolledBack.set(candidate, time);
      };
      return {
        onRoute: ({ done, before }) => {
          tell(history.knobs);
          for (const candidate of rolledBack.keys()) {
            const share = shareIn(done.shares, candidate);
            if (share === 0) continue;
            if (candidate === done.stable.name && before.record?.stable === candidate) continue;
            // Going back may take steps: it may lose traffic, and keep what such a step left it.
            const now = liveShare(before, candidate);
            const step = before.route?.latches.some((latch) => latch.candidate === candidate);
            const kept = step === true && Math.abs((before.route?.written[candidate] ?? 0) - share) <= 0.01;
            if (share < now - 0.01) seen("a step of the way back");
            if (share < now - 0.01 || (kept && Math.abs(share - now) <= 0.01)) continue;
            assert.fail(`${candidate} gets ${share} % and was rolled back`);
          }
          if (rolledBack.size > 0) seen("a latch held");
        },
        backNow: () => {
          seen("rolled back during an update");
          hold();
        },
        after: ({ kind }) => {
          if (kind === "roll back now") hold();
          // Only where both the route and the outputs are gone nobody can know any more.
          const { route, record } = history.world;
          const latches = [...(route?.latches ?? []), ...(record?.latches ?? [])];
          if (kind !== "delete route" && kind !== "older state") return;
          for (const [candidate, time] of rolledBack) {
            if (!latches.some((latch) => latch.candidate === candidate && latch.time >= time))
              rolledBack.delete(candidate);
          }
          for (const candidate of opened.keys())
            if (!latches.some((latch) => latch.candidate === candidate)) opened.delete(candidate);
        },
      };
    },
    { "a latch held": 1 / 20, "a step of the way back": 1 / 200, "rolled back during an update": 1 / 20 },
  );

  histories.hold(
    "undo a rollback that came while it ran, or lose its latch",
    (seen, history) => {
      let back: World["route"];
      return {
        backNow: () => {
          seen("back");
          back = structuredClone(history.world.route);
        },
        onRoute: () => assert.equal(back, undefined, "the update writes over it"),
        after: () => {
          if (back !== undefined) assert.deepEqual(history.world.route, back);
          back = undefined;
        },
      };
    },
    { back: 1 / 20, overtaken: 1 / 20 },
  );

  histories.hold(
    "do anything but go back while the service is frozen, unless it is told to",
    (seen, history) => {
      const isFrozen = (
        config: Parameters<Witness["onRoute"]>[0]["config"],
        waived: readonly string[],
      ): boolean =>
        !waived.includes("frozen") && windowNow(config.freeze, new Date(history.world.now)) !== undefined;
      return {
        onRoute: ({ config, done, before }) => {
          if (!isFrozen(config, done.waived) || before.route === undefined) return;
          seen("route in a freeze");
          const candidate = done.candidate?.name ?? "";
          assert.ok(shareIn(done.shares, candidate) <= liveShare(before, candidate) + 0.01);
          if (before.record !== undefined) assert.equal(done.stable.name, before.record.stable);
        },
        onSize: ({ config, done, before, pool, replicas }) => {
          if (!isFrozen(config, done.waived)) return;
          seen("size in a freeze");
          assert.ok(replicas >= (before.pools[pool]?.replicas ?? 0), `${pool} shrinks`);
        },
        onRemoval: ({ config, done, pool }) => {
          // What the last update did not leave there on purpose may go.
          const known = history.states.at(-1)?.record?.pools[pool] !== undefined;
          assert.ok(!known || !isFrozen(config, done.waived), `${pool} is removed`);
        },
      };
    },
    { "route in a freeze": 1 / 100, "size in a freeze": 1 / 100 },
  );

  histories.hold(
    "write over weights that somebody edited, unless it is told to or the config says the same",
    (seen) => ({
      onRoute: ({ done, before }) => {
        const { route } = before;
        if (route === undefined) return;
        const live = sharesOf(route.backends);
        const edited = [...new Set([...Object.keys(live), ...Object.keys(route.written)])].some(
          (pool) => Math.abs(shareIn(live, pool) - (route.written[pool] ?? 0)) > 0.01,
        );
        if (!edited) return;
        seen("write over an edit");
        if (done.waived.includes("route-edited")) return;
        const wanted = sharesOf(done.backends);
        for (const pool of [...Object.keys(live), ...Object.keys(wanted)]) {
          assert.ok(Math.abs(shareIn(live, pool) - shareIn(wanted, pool)) <= 0.5, pool);
        }
      },
    }),
    { "write over an edit": 1 / 200 },
  );
});

describe("in every history", () => {
  histories.hold(
    "a stack that was renamed goes on with what it has",
    (seen, history) => ({
      after: () => {
        const { world, knobs, drift } = history;
        const config = configOf(knobs);
        if (world.stack === "prod" || config === undefined || drift.route || drift.pools) return;
        const renamed = planFor(config, observedOf(world));
        const before = planFor(config, observedOf({ ...world, stack: "prod" }));
        // The name is for people: nothing that is decided depends on it.
        assert.deepEqual(renamed, before);
        seen("renamed");
      },
    }),
    { renamed: 1 / 20 },
  );

  const rulesOfDrift = ["route-edited", "unknown-backend", "route-not-ours", "route-missing", "pool-missing"];
  histories.hold(
    "an update that broke off, and nothing else, is never taken for somebody's edit",
    (seen, history) => ({
      after: () => {
        const { drift, world, knobs } = history;
        const config = configOf(knobs);
        if (drift.route || drift.pools || config === undefined) return;
        seen("no drift");
        const found = planFor(config, observedOf(world)).refusals.map(({ rule }) => rule);
        assert.deepEqual(
          found.filter((rule) => rulesOfDrift.includes(rule)),
          [],
        );
      },
    }),
    { "no drift": 1 / 20, "ended early": 1 / 20, "not confirmed": 1 / 20 },
  );

  histories.hold(
    "the way back is open, also when the candidate is broken and in a freeze",
    (seen, history) => ({
      after: () => {
        const { world, knobs, drift } = history;
        const { record, route } = world;
        if (route === undefined || record?.candidate === undefined || drift.route || drift.pools) return;
        const { stable, candidate } = record;
        if (liveShare(world, candidate) === 0 || world.pools[stable] === undefined) return;
        // A live share that the record knows nothing of belongs to a rollout that never succeeded.
        if (Object.keys(sharesOf(route.backends)).some((pool) => pool !== stable && pool !== candidate))
          return;
        seen("way back");
        const freeze = [{ reason: "a sale" }];
        const back = configOf({
          ...knobs,
          stable: stable as typeof knobs.stable,
          candidate: candidate as typeof knobs.candidate,
          weight: 0,
          allow: [],
          rolledBack: undefined,
          freeze,
        });
        assert.ok(back !== undefined);
        const copy: History = structuredClone(history);
        const sick = copy.world.pools[candidate];
        if (sick !== undefined) sick.ready = 0;
        for (const pool of [copy.world.pools[stable]]) if (pool !== undefined) pool.ready = pool.replicas;
        const done = planFor(back, observedOf(copy.world));
        assert.deepEqual(done.refusals, []);
        // Whatever comes before the route is not the candidate's.
        assert.deepEqual(
          done.pools.filter(({ beforeRoute }) => beforeRoute).map(({ pool }) => pool.name),
          [stable],
        );
        assert.deepEqual(
          done.rising.map(({ pool }) => pool),
          [stable],
        );
      },
    }),
    { "way back": 1 / 20 },
  );
});

describe("the model", () => {
  fewHistories.hold(
    "reads the config that the program would read",
    (seen, history) => ({
      after: () => {
        const config = readConfig(history.knobs);
        seen(config === undefined ? "mistake in the config" : "config");
        assert.deepEqual(configOf(history.knobs), config);
      },
    }),
    { config: 1, "mistake in the config": 1 / 25 },
  );
});
