import { nothingDeployed, type Plan } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { planned } from "./worlds";
import fc from "fast-check";

export interface RandomWalk<Edit, Outcome> {
  /** What somebody writes into the config, and what becomes of the update. */
  edit: fc.Arbitrary<Edit>;
  outcome: fc.Arbitrary<Outcome>;
  rawOf: (edit: Edit) => RawConfig;
  carriedOut: (raw: RawConfig, done: Plan, before: Observed, how: Outcome) => Observed;
  longest: number;
  runs: number;
}

/** Random configs, one after the other, each carried out as far as the plan allows it; every plan is looked at. */
export function randomWalk<Edit, Outcome>(
  { edit, outcome, rawOf, carriedOut, longest, runs }: RandomWalk<Edit, Outcome>,
  check: (before: Observed, done: Plan, raw: RawConfig) => void,
): void {
  fc.assert(
    fc.property(fc.array(fc.tuple(edit, outcome), { minLength: 1, maxLength: longest }), (steps) => {
      let world = nothingDeployed;
      for (const [found, how] of steps) {
        const raw = rawOf(found);
        const done = planned(raw, world);
        if (done.refusals.length > 0) continue;
        check(world, done, raw);
        world = carriedOut(raw, done, world, how);
      }
    }),
    { numRuns: runs },
  );
}
