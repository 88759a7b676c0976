import {
  isSameImage,
  mirrored,
  mirrorSourceOf,
  upstreamImage,
  type ImageMirrors,
} from "../../components/cluster/mirrored-images";
import { pickerImage } from "../../components/pool/picker-settings";
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
    server: serverAsMade(pool, identity, observed),
    ...pickerAsMade(pool, identity, observed),
  };
}

/** The config's default follows the adapters: the first one comes, the last one goes. */
function adaptersAsMade(pool: OwnedPool, identity: PoolIdentity | undefined): Partial<OwnedPool> {
  if (identity === undefined || pool.adaptersAreExplicit) return {};
  return { adapters: identity["adapters"] === adaptersLoaded };
}

/**
 * A new pool gets its image from a mirror where there is one. Another name of the same image would restart every pod of a
 * pool that exists, so that keeps its own; and the engine's own image, where this program named another version then.
 */
function serverAsMade(
  { server, hardware, placement, imageIsExplicit, templateOf }: OwnedPool,
  identity: PoolIdentity | undefined,
  observed: Observed,
): OwnedPool["server"] {
  if (identity === undefined) {
    // A disk with images has them under the names that they had when it was made.
    const isNamed = templateOf !== undefined || hardware.imageCache !== undefined;
    return isNamed ? server : { ...server, image: mirrored(server.image, observed.imageMirrors) };
  }
  const image = identity["server.image"];
  if (image === undefined) return server;
  const { family } = placement.accelerator;
  const upstream = upstreamImage(image, knownMirrors(observed));
  const isKept =
    isSameImage(image, server.image, knownMirrors(observed)) ||
    (!imageIsExplicit && isFormer(upstream, engineNamed(server.engine), family));
  return isKept ? { ...server, image } : server;
}

/** The same for the picker's image, which is in an identity only where it is not the program's own name of it. */
function pickerAsMade(
  { picker = {} }: OwnedPool,
  identity: PoolIdentity | undefined,
  observed: Observed,
): Pick<OwnedPool, "picker"> {
  const configured = picker.image ?? pickerImage;
  const made =
    identity === undefined ? mirrored(configured, observed.imageMirrors) : identity["picker.image"];
  const mirrors = knownMirrors(observed);
  const isKept =
    made !== undefined &&
    made !== configured &&
    (isSameImage(made, configured, mirrors) ||
      // A later version of this program names another tag; through a mirror the pool's own name stays as well.
      (picker.image === undefined &&
        mirrorSourceOf(made, mirrors) !== undefined &&
        upstreamOf(made, mirrors) === upstreamOf(pickerImage, mirrors)));
  return isKept ? { picker: { ...picker, image: made } } : {};
}

const upstreamOf = (image: string, mirrors: ImageMirrors): string =>
  upstreamImage(image, mirrors).replace(/@.*$|:[^/:]*$/, "");

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

/** Also those that the config names no longer: pools still have images there. */
export const knownMirrors = ({ imageMirrors, otherMirrors }: Observed): ImageMirrors => ({
  ...otherMirrors,
  ...imageMirrors,
});
