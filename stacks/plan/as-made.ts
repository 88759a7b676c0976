import { engineNamed, isFormer } from "../../components/engines/catalogue";
import { adaptersLoaded, renderingField } from "./identity";
import type { Observed, PoolIdentity } from "./observed";
import type { OwnedPool } from "./service-config";

/*
 * A pool that exists keeps what it was made as where the config does not say otherwise: a default of this program may
 * have changed since, and neither nodes nor pods are exchanged under customers for that.
 */

export function asMade(pool: OwnedPool, observed: Observed): OwnedPool {
  const identity = observed.pools.find(({ name, owned }) => owned && name === pool.name)?.identity;
  return {
    ...pool,
    ...adaptersAsMade(pool, identity),
    ...(identity === undefined ? {} : { rendering: Number(identity[renderingField] ?? 1) }),
    hardware: hardwareAsMade(pool, identity, observed),
    server: imageAsMade(pool, identity),
  };
}

/** The config's default follows the adapters: the first one comes, the last one goes. */
function adaptersAsMade(pool: OwnedPool, identity: PoolIdentity | undefined): Partial<OwnedPool> {
  if (identity === undefined || pool.adaptersAreExplicit) return {};
  return { adapters: identity["adapters"] === adaptersLoaded };
}

/** The engine's own image, where this program named another version of it then. */
function imageAsMade(
  { server, placement, imageIsExplicit }: OwnedPool,
  identity: PoolIdentity | undefined,
): OwnedPool["server"] {
  const image = identity?.["server.image"];
  if (image === undefined || imageIsExplicit) return server;
  const was = isFormer(image, engineNamed(server.engine), placement.accelerator.family);
  return was ? { ...server, image } : server;
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
