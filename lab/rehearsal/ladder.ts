import type { Series } from "./series";

/** One update of a rollout, as a person would make it: some config commands and `pulumi up`. */
export interface Step {
  /** Unique name of the stage, as the table shows it. */
  name: string;
  /** Percent for the candidate (a pool, or a version of an adapter) once the step is done. */
  weight: number;
  /** Percent for the candidate pool while a version of an adapter is rolled out; absent: there is none. */
  poolWeight?: number;
  /** Config keys that are set before the update, by path where they have brackets or dots; undefined: removed. */
  config: Readonly<Record<string, string | undefined>>;
  /** Going back: measured as a rollback. */
  rollback?: boolean;
}

/** What a step's splits are measured by: the first is the one that the step moves. */
export type Measure = (step: Step) => readonly [Series, ...Series[]];

const toWeight = (weight: number, name = String(weight)): Step => ({
  name,
  weight,
  config: { weight: String(weight) },
});

/**
 * The source's rollout: stage the candidate, raise it in steps, go back once from everything, raise it again, and
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

/**
 * The rollout of a version of the first adapter: loaded beside the old one, raised on both pools of a node update
 * that stands at half, taken back, raised again, and the old version removed once the second pool is gone.
 */
export function adapterLadder(version: string, source: string, candidatePool: string): readonly Step[] {
  const at = "adapters[0]";
  const to = (weight: number, poolWeight?: number, name = String(weight)): Step => ({
    name,
    weight,
    ...(poolWeight === undefined ? {} : { poolWeight }),
    config: { [`${at}.weight`]: String(weight) },
  });
  return [
    { name: "one version", weight: 0, config: {} },
    {
      name: "staged",
      weight: 0,
      config: { [`${at}.candidate.version`]: version, [`${at}.candidate.source`]: source },
    },
    to(1, undefined, "1, one pool"),
    to(0, undefined, "back, one pool"),
    { name: "second pool", weight: 0, poolWeight: 50, config: { candidate: candidatePool, weight: "50" } },
    to(1, 50),
    to(10, 50),
    to(50, 50),
    to(99, 50),
    to(100, 50),
    { ...to(0, 50, "back to 0"), rollback: true },
    to(100, 50, "again 100"),
    { name: "pool back", weight: 100, poolWeight: 0, config: { weight: "0" } },
    { name: "one pool", weight: 100, config: { candidate: undefined, weight: undefined } },
    {
      name: "finished",
      weight: 100,
      config: {
        [`${at}.version`]: version,
        [`${at}.source`]: source,
        [`${at}.candidate`]: undefined,
        [`${at}.weight`]: undefined,
      },
    },
  ];
}
