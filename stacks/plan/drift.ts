import type { Draft } from "./model";
import type { Observed } from "./observed";
import { liveShares, sameShares, shareIn, sharesOf } from "./shares";

/*
 * What somebody else changed behind the program's back. Only the route's own annotation can tell: it is written in
 * one request with the weights, so that after an update that broke off the two still agree, whatever the stack's
 * outputs and state say. The field managers of server-side apply cannot: the Kubernetes provider quietly takes over
 * what any client whose name begins with kubectl has written.
 */

/** What the live route says other than what this program wrote into it; undefined where it says the same. */
export interface RouteDrift {
  /** Backends with weight that this program did not write. */
  unknown: readonly string[];
  /** Whether the shares are others. */
  shares: boolean;
  /** What its rules have beyond backends. */
  rules: readonly string[];
}

export function driftOf({ route }: Observed): RouteDrift | undefined {
  if (route === undefined || route.foreign === true) return undefined;
  const live = sharesOf(route.backends);
  // A route from before the annotation existed tells nothing: the record may be behind it.
  const written = route.written ?? live;
  const unknown = Object.keys(live).filter((pool) => !Object.hasOwn(written, pool));
  // Rules of which each splits in its own way may have the written split on the average only.
  const shares = !sameShares(live, written) || (route.uneven ?? []).length > 0;
  const rules = route.differences?.rules ?? [];
  return shares || rules.length > 0 ? { unknown, shares, rules } : undefined;
}

/**
 * Whether the config says what the live route says: whoever edited the route is right, on purpose. An integer is
 * near enough to a share that was made of other numbers.
 */
export function adopts(observed: Observed, draft: Draft): boolean {
  const drift = driftOf(observed);
  if (drift === undefined || drift.rules.length > 0 || (observed.route?.uneven ?? []).length > 0)
    return false;
  return sameShares(liveShares(observed), draft.shares, 0.5);
}

/** Why a pool still counts as one with traffic: by the live route, or by the last successful update. */
export function trafficEvidence(name: string, observed: Observed): string | undefined {
  const live = shareIn(liveShares(observed), name);
  const recorded = shareIn(observed.record?.weights, name);
  if (live > 0) return `the live route sends it ${Math.round(live)} % of the traffic`;
  if (observed.route?.mirrored?.includes(name) === true) {
    return "a filter of the customers' route sends it copies of requests (take that filter out of the route first)";
  }
  if (recorded > 0) {
    return `the last successful update sent it ${Math.round(recorded)} % of the traffic (the live route does not; first run pulumi up without changing the weight)`;
  }
  return undefined;
}

export interface MissingPool {
  name: string;
  namespace: string;
  evidence: string;
  /** Whether its share falls in this update, or it has none. */
  falls: boolean;
}

export function missingPools(observed: Observed, draft: Draft): MissingPool[] {
  const live = liveShares(observed);
  return draft.pools
    .filter(
      ({ pool, namespace }) =>
        !observed.pools.some((one) => one.name === pool.name && one.namespace === namespace),
    )
    .flatMap(({ pool: { name }, namespace }) => {
      const now = shareIn(live, name);
      const evidence =
        now > 0
          ? `the live route sends it ${Math.round(now)} % of the traffic`
          : observed.record?.pools[name] !== undefined
            ? "the last successful update had it"
            : undefined;
      const planned = shareIn(draft.shares, name);
      const falls = planned === 0 || planned < now;
      return evidence === undefined ? [] : [{ name, namespace, evidence, falls }];
    });
}
