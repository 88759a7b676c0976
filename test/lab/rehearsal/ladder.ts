/** One update of a roll-out, as a person would make it: some config commands and `pulumi up`. */
export interface Step {
  /** Unique name of the stage, as the table shows it. */
  name: string;
  /** Percent of the traffic for the candidate once the step is done. */
  weight: number;
  /** Config keys that are set before the update; undefined: removed. */
  config: Readonly<Record<string, string | undefined>>;
  /** Going back: measured as a rollback. */
  rollback?: boolean;
}

const toWeight = (weight: number, name = String(weight)): Step => ({
  name,
  weight,
  config: { weight: String(weight) },
});

/**
 * The source's roll-out: stage the candidate, raise it in steps, go back once from everything, raise it again, and
 * finish. After the promotion the candidate is the stable pool, and still everything is its share.
 */
export function ladderOf(candidate: string): readonly Step[] {
  return [
    toWeight(0, "staged"),
    toWeight(10),
    toWeight(30),
    toWeight(60),
    toWeight(100),
    { ...toWeight(0, "back to 0"), rollback: true },
    toWeight(100, "again 100"),
    {
      name: "promoted",
      weight: 100,
      config: { stable: candidate, candidate: undefined, weight: undefined },
    },
  ];
}
