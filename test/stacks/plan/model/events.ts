import fc from "fast-check";
import type { Fate } from "./world";

/*
 * What people, machines and bad luck do to a service, in any order.
 */

export const names = ["llm", "llm-new", "llm-third"] as const;
export type Name = (typeof names)[number];

const waivers = [
  ...(["unready-stable", "frozen", "route-edited", "pool-missing", "route-missing"] as const),
  "take-over-service",
] as const;

/** The part of a config that people turn in the course of a rollout. */
export interface Knobs {
  stable: Name;
  candidate: Name | "";
  weight: number;
  replicas: number;
  mode: "full" | "follow-weight";
  headroom: number;
  rollbackReserve: number;
  allow: readonly (typeof waivers)[number][];
  rolledBack?: { candidate: string; reason: string; time: string } | undefined;
  resumed?: { candidate: string; reason: string; time: string } | undefined;
  freeze: readonly { from?: string; to?: string; reason: string }[];
}

export type Event =
  /** Somebody turns some knobs, or puts an older config back, and runs pulumi up. */
  | { kind: "edit"; knobs: Partial<Knobs>; fate: Fate; refresh: boolean }
  | { kind: "older config"; back: number; fate: Fate }
  | { kind: "again"; fate: Fate }
  /** The next step of the ladder, and the last one. */
  | { kind: "climb"; fate: Fate }
  | { kind: "promote"; fate: Fate }
  /** The rollout command. */
  | { kind: "roll back"; fate: Fate }
  /** `rollback --now`: the live route alone, without Pulumi. */
  | { kind: "roll back now" }
  /** The same in steps, where the pool to go back to is small for now. */
  | { kind: "step back"; to: number; fate: Fate }
  | { kind: "resume" }
  | { kind: "freeze"; hours: number }
  | { kind: "thaw" }
  /** By hand, in the cluster. */
  | { kind: "other route"; pool: Name; takes: "everything" | "testers" }
  | { kind: "other routes go" }
  | { kind: "edit route"; weights: readonly number[]; unknown: boolean }
  | { kind: "scale pool"; pool: Name; replicas: number }
  | { kind: "delete pool"; pool: Name }
  | { kind: "delete route" }
  | { kind: "pods die"; pool: Name; left: number }
  | { kind: "pods recover" }
  /** `pulumi stack import` of an older state, with its outputs. */
  | { kind: "older state"; back: number }
  /** `pulumi state delete`. */
  | { kind: "state loses"; what: Name | "route" }
  /** `pulumi stack rename`, or the same state in another project or backend. */
  | { kind: "rename stack"; to: "prod" | "live" }
  /** Another stack for the same service takes over what is there, and gives it back. */
  | { kind: "another stack takes" }
  | { kind: "it gives back" };

const whole: Fate = { cutAfter: Infinity, failing: [], confirmed: true };
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(whole) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 6 }).map((cutAfter) => ({ ...whole, cutAfter })) },
  { weight: 1, arbitrary: fc.subarray([...names]).map((failing) => ({ ...whole, failing })) },
  { weight: 1, arbitrary: fc.constant({ ...whole, confirmed: false }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom("wait" as const, "write" as const)
      .map((backDuring) => ({ ...whole, backDuring })),
  },
);

const weight = fc.oneof(fc.constantFrom(0, 10, 30, 60, 100), fc.integer({ min: 0, max: 100 }));
const pool = fc.constantFrom(...names);

const knobs: fc.Arbitrary<Partial<Knobs>> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ weight }) },
  // The keys of a rollback are taken out again, or were never there in an older branch.
  { weight: 2, arbitrary: fc.record({ rolledBack: fc.constant(undefined), weight }) },
  // A new candidate, staged or with weight at once.
  { weight: 2, arbitrary: fc.record({ candidate: pool, weight }) },
  { weight: 1, arbitrary: fc.constant({ candidate: "" as const, weight: 0 }) },
  {
    weight: 2,
    arbitrary: fc.record({ stable: pool, candidate: fc.constant("" as const), weight: fc.constant(0) }),
  },
  { weight: 1, arbitrary: fc.record({ stable: pool, candidate: pool, weight }) },
  { weight: 1, arbitrary: fc.record({ replicas: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ replicas: fc.integer({ min: 1, max: 8 }), weight }) },
  {
    weight: 2,
    arbitrary: fc.record({
      mode: fc.constantFrom("full" as const, "follow-weight" as const),
      headroom: fc.constantFrom(1, 1.25, 3),
      rollbackReserve: fc.constantFrom(0, 0.5, 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ allow: fc.subarray([...waivers]), weight }) },
);

export const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.record({
      kind: fc.constant("edit" as const),
      knobs,
      fate,
      refresh: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("older config" as const), back: fc.nat(6), fate }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("again" as const), fate }) },
  { weight: 16, arbitrary: fc.record({ kind: fc.constant("climb" as const), fate }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("promote" as const), fate }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("roll back" as const), fate }) },
  { weight: 4, arbitrary: fc.constant({ kind: "roll back now" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("step back" as const),
      to: fc.constantFrom(0.5, 0.9),
      fate,
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "resume" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("freeze" as const), hours: fc.integer({ min: -2, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "thaw" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("edit route" as const),
      weights: fc.array(fc.nat(3), { minLength: 2, maxLength: 2 }),
      unknown: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("other route" as const),
      pool,
      takes: fc.constantFrom("everything" as const, "testers" as const, "testers" as const),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: "other routes go" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("scale pool" as const), pool, replicas: fc.nat(10) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete pool" as const), pool }) },
  { weight: 1, arbitrary: fc.constant({ kind: "delete route" as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pods die" as const), pool, left: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "pods recover" as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("older state" as const), back: fc.nat(6) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("rename stack" as const),
      to: fc.constantFrom("prod" as const, "live" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("state loses" as const),
      what: fc.constantFrom(...names, "route" as const),
    }),
  },
);

/** The same, in a world in which another stack wants the same service. */
export const contested: fc.Arbitrary<Event> = fc.oneof(
  { weight: 20, arbitrary: event },
  { weight: 1, arbitrary: fc.constant({ kind: "another stack takes" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "it gives back" as const }) },
);
