import { nothingDeployed, type Plan } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import type { RawConfig } from "../../../stacks/config/parse";
import { SharedCases } from "./shared-cases";
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

interface Looks {
  /** Told of every plan that is carried out, before it is. */
  plan(before: Observed, done: Plan, raw: RawConfig): void;
}

/** Random configs, one after the other, each carried out as far as the plan allows it; every plan is looked at. */
export class RandomWalks<Edit, Outcome> {
  private readonly shared: SharedCases<[Edit, Outcome][], undefined, Looks>;

  constructor({ edit, outcome, rawOf, carriedOut, longest, runs }: RandomWalk<Edit, Outcome>) {
    this.shared = new SharedCases<[Edit, Outcome][], undefined, Looks>({
      cases: fc.array(fc.tuple(edit, outcome), { minLength: 1, maxLength: longest }),
      begin: () => undefined,
      carryOut: (steps, _, looks) => {
        let world = nothingDeployed;
        for (const [found, how] of steps) {
          const raw = rawOf(found);
          const done = planned(raw, world);
          if (done.refusals.length > 0) continue;
          looks.plan(world, done, raw);
          world = carriedOut(raw, done, world, how);
        }
      },
      nothing: { plan: () => undefined },
      runs,
    });
  }

  /** A test that no plan breaks the property. @param often see {@link SharedCases.hold} */
  hold(
    what: string,
    check: (plan: { before: Observed; done: Plan; raw: RawConfig }, seen: (what: string) => void) => void,
    often: Readonly<Record<string, number>> = {},
  ): void {
    const property = (seen: (what: string) => void): Looks => ({
      plan: (before, done, raw) => check({ before, done, raw }, seen),
    });
    this.shared.hold(what, property, often);
  }
}
