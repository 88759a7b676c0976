import { adaptersLoaded } from "./identity";
import type { Observed, PoolIdentity } from "./observed";
import type { OwnedPool } from "./service-config";

/*
 * A pool that exists keeps what it was made as where the config does not say otherwise: a default of this program may
 * have changed since, and neither nodes nor pods are exchanged under customers for that.
 */

export function asMade(pool: OwnedPool, observed: Observed): OwnedPool {
  const identity = observed.pools.find(({ name, owned }) => owned && name === pool.name)?.identity;
  return { ...pool, ...adaptersAsMade(pool, identity), hardware: hardwareAsMade(pool, identity, observed) };
}

/** The config's default follows the adapters: the first one comes, the last one goes. */
function adaptersAsMade(pool: OwnedPool, identity: PoolIdentity | undefined): Partial<OwnedPool> {
  if (identity === undefined || pool.adaptersAreExplicit) return {};
  return { adapters: identity["adapters"] === adaptersLoaded };
}

/** `default` was the default until it was found too old for the images of today. */
function hardwareAsMade(
  { hardware, driverIsExplicit }: OwnedPool,
  identity: PoolIdentity | undefined,
  { ownNodes = true }: Observed,
): OwnedPool["hardware"] {
  if (driverIsExplicit) return hardware;
  // On nodes created outside this stack it would only be a label for pods to select by, which the nodes may lack.
  const isDefault = identity === undefined ? !ownNodes : identity["driver"] === "default";
  return isDefault ? { ...hardware, driver: "default" } : hardware;
}
