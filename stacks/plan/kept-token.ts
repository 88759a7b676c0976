import type { Observed, ObservedPool } from "./observed";
import type { OwnedPool } from "./service-config";

/*
 * The token for gated models. A pod reads it when it loads a model, from a variable: to add it, or to take it away,
 * restarts every pod of a pool. So a pool that serves keeps what its pods have; the pools that are made from then on
 * have what the config says.
 */

/**
 * none: its pods have no token. config: they read the config's. kept: the config has none any more, and the pool's
 * Secret stays as it is, because a pod that restarts needs it.
 */
export type PoolToken = "none" | "config" | "kept";

export function tokenOf(pool: OwnedPool, observed: Observed): PoolToken {
  const wanted = pool.token === true ? "config" : "none";
  const { pods, readyReplicas = 0 } = liveOf(pool, observed) ?? {};
  // Copied pods have their own variables.
  if (pods === undefined || pool.templateOf !== undefined) return wanted;
  if (pods.token) return wanted === "config" ? "config" : "kept";
  // Where no pod answers, none is lost: a pool that cannot load its model without the token gets it.
  return readyReplicas === 0 ? wanted : "none";
}

const liveOf = ({ name }: OwnedPool, { pools }: Observed): ObservedPool | undefined =>
  pools.find((live) => live.owned && live.name === name);

/** Pools whose pods differ from the config, for people. */
export function tokenNotes(pools: readonly { pool: OwnedPool; token: PoolToken }[]): string[] {
  return pools.flatMap(({ pool: { name, token: wanted = false }, token }) => {
    if (token === "kept") {
      return [
        `huggingFaceToken is not in the config any more; pool ${name} was created with it and keeps it until the pool is removed`,
      ];
    }
    return wanted && token === "none"
      ? [
          `pool ${name} was created without huggingFaceToken and serves without it: its pods do not restart for it; pools that are created from now on have it`,
        ]
      : [];
  });
}
