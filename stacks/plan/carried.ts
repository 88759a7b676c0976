import type { ServiceConfig, Observed } from "./model";
import { rounding, sameShares, sharesOf } from "./shares";

/*
 * How many replicas a pool of others had when it carried the traffic. Somebody else sets its size: an autoscaler
 * shrinks it once the candidate has its traffic, and its size of that moment says nothing of what it needs to get the
 * traffic back. So the size is written down while the pool carries traffic: on the customers' route in the same
 * request as the weights, and in the record.
 */

/** Replicas by pool. */
export type Carried = Readonly<Record<string, number>>;

/**
 * What is known after this update, of every pool that the config marks as existing. The size is taken anew when the
 * route moves: at any other time it would follow an autoscaler, and every update would change the route.
 */
export function carriedSizes(
  config: ServiceConfig,
  observed: Observed,
  shares: Readonly<Record<string, number>>,
): Carried {
  const live = sharesOf(observed.route?.backends ?? []);
  const moves = !sameShares(live, new Map(Object.entries(shares)));
  const sizes = Object.values(config.pools)
    .filter(({ existing }) => existing)
    .map(({ name, namespace }): [string, number | undefined] => {
      const before = observed.route?.carried?.[name] ?? observed.record?.carried?.[name];
      const share = live.get(name) ?? 0;
      const now = sizeNow(observed, name, namespace) ?? 0;
      // Without traffic, or without replicas, its size says nothing.
      if (now === 0) return [name, before];
      if (before === undefined) return [name, share > 0 || (shares[name] ?? 0) > 0 ? now : before];
      if (share === 0) return [name, before];
      if (!moves) return [name, before];
      // With a part of the traffic it may have shrunk to that part already.
      return [name, share > 100 - rounding ? now : Math.max(before, now)];
    });
  return Object.fromEntries(sizes.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/**
 * Replicas that carry all of the traffic of a pool: declared for a pool of ours; for one of others declared, else what
 * carried it before, else what it has. Undefined where nobody knows.
 */
export function fullSize(
  config: ServiceConfig,
  observed: Observed,
  name: string,
  namespace: string,
): number | undefined {
  const pool = config.pools[name];
  if (pool?.replicas !== undefined) return pool.replicas;
  return (
    observed.route?.carried?.[name] ?? observed.record?.carried?.[name] ?? sizeNow(observed, name, namespace)
  );
}

/** Replicas that a pool is asked to have. */
export function sizeNow({ pools }: Observed, name: string, namespace: string): number | undefined {
  return pools.find((one) => one.name === name && one.namespace === namespace)?.replicas;
}
