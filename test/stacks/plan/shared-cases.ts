import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";

/** Says that something was seen: a property that saw nothing says nothing. */
export type Seen = (what: string) => void;

/** Functions that are told what happens, and throw where it must not. */
type Looks<L> = { readonly [K in keyof L]: (...told: never[]) => void };

/** What a property looks at in one case. `subject` is the case's own, made anew for each. */
export type Property<Subject, L> = (seen: Seen, subject: Subject) => Partial<L>;

export interface CaseSource<Case, Subject, L> {
  cases: fc.Arbitrary<Case>;
  begin: () => Subject;
  /** Tells `looks` what happens. @param seen for every property. */
  carryOut: (one: Case, subject: Subject, looks: L, seen: Seen) => void;
  /** Every function of a look, doing nothing. */
  nothing: L;
  runs: number;
}

/**
 * Properties of the same random cases. To carry a case out is most of the work, so each is carried out once, with all
 * properties looking on. One that fails is tried again alone, with the same cases, until it is told as the smallest.
 */
export class SharedCases<Case, Subject, L extends Looks<L>> {
  private readonly properties: Property<Subject, L>[] = [];
  private readonly seed = Math.floor(Math.random() * 2 ** 31);
  private walked: { counts: Record<string, number>[]; failed: Map<number, unknown> } | undefined;

  constructor(private readonly source: CaseSource<Case, Subject, L>) {}

  /**
   * A test that the property holds in every case.
   * @param often what has to be seen, and in which part of the cases at least
   */
  hold(what: string, property: Property<Subject, L>, often: Readonly<Record<string, number>> = {}): void {
    assert.equal(this.walked, undefined, "the cases were carried out before");
    const number = this.properties.push(property) - 1;
    it(what, () => {
      this.walked ??= this.walk(this.properties);
      const { counts, failed } = this.walked;
      if (failed.has(number)) {
        const { failed: alone } = this.walk([property], true);
        throw alone.get(0) ?? failed.get(number);
      }
      const found = counts[number] ?? {};
      if (process.env["PROPERTY_COUNTS"] !== undefined) console.log(what, found);
      for (const [thing, part] of Object.entries(often)) {
        const times = found[thing] ?? 0;
        const least = part * this.source.runs;
        assert.ok(times >= least, `${thing} was seen ${times} times: the property says nothing`);
      }
    });
  }

  /** @param throws at the first failure, so that it is made smaller. */
  private walk(properties: readonly Property<Subject, L>[], throws = false): NonNullable<typeof this.walked> {
    const { cases, begin, carryOut, nothing, runs } = this.source;
    const counts = properties.map((): Record<string, number> => ({}));
    const failed = new Map<number, unknown>();
    const sees =
      (number: number): Seen =>
      (what) => {
        const own = counts[number] ?? {};
        own[what] = (own[what] ?? 0) + 1;
      };
    const all = properties.map((_, number) => sees(number));
    const oneCase = (one: Case): void => {
      const subject = begin();
      const looks = properties.map((property, number) => property(sees(number), subject));
      const tell = (name: keyof L, told: never[]): void => {
        looks.forEach((look, number) => {
          if (failed.has(number)) return;
          try {
            look[name]?.(...told);
          } catch (error) {
            if (throws) throw error;
            failed.set(number, error);
          }
        });
      };
      const names = Object.keys(nothing) as (keyof L)[];
      const together = Object.fromEntries(
        names.map((name) => [name, (...told: never[]): void => tell(name, told)]),
      ) as unknown as L;
      carryOut(one, subject, together, (what) => all.forEach((seen) => seen(what)));
    };
    const settings = { numRuns: runs, seed: this.seed, includeErrorInReport: true };
    try {
      fc.assert(fc.property(cases, oneCase), settings);
    } catch (error) {
      if (!throws) throw error;
      failed.set(0, error);
    }
    return { counts, failed };
  }
}
