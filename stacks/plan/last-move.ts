import type { ServiceConfig, Observed } from "./model";
import { sharesOf } from "./shares";

/**
 * The last change of a rollout, for those who judge an update by its inputs alone (policy packs, see
 * components/rollout-plan.ts). An update that changes nothing keeps the change that made what is there: so the same
 * config gives the same inputs, and a second `pulumi up` has nothing to do.
 */
export interface LastMove {
  stable: string;
  candidate?: string;
  /** The candidate's share in percent after the change; 0 without one. */
  weight: number;
  /** The candidate's share in percent before it. */
  previousWeight: number;
  /** Pools that the change removed, and the share in percent that each had by any evidence: it has to be 0. */
  removed: readonly { pool: string; share: number }[];
}

export function lastMove(
  { stable, candidate, weight }: ServiceConfig,
  observed: Observed,
  removed: readonly { name: string }[],
): LastMove {
  const before = observed.record?.move;
  const same = before?.stable === stable && before.candidate === candidate && before.weight === weight;
  if (same && removed.length === 0) return before;
  return {
    stable,
    ...(candidate === undefined ? {} : { candidate }),
    weight,
    previousWeight: candidate === undefined ? 0 : Math.min(...sharesBefore(candidate, observed)),
    removed: removed.map(({ name }) => ({ pool: name, share: Math.max(...sharesBefore(name, observed)) })),
  };
}

/**
 * What is known of a pool's share: the live route's word and the last record's. Of a step up the smaller one counts
 * (after an update that failed half-way the route may have taken the step already), of a removal the larger one.
 */
function sharesBefore(pool: string, { route, record }: Observed): [number, ...number[]] {
  const rounded = (share: number | undefined): number => Math.round((share ?? 0) * 100) / 100;
  const live = route === undefined ? undefined : rounded(sharesOf(route.backends).get(pool));
  const recorded = record === undefined ? undefined : rounded(record.weights[pool]);
  if (live === undefined) return [recorded ?? 0];
  return recorded === undefined ? [live] : [live, recorded];
}
