import type { GatewayKind } from "./gateway";
import { gke } from "./gke";

/** Every kind of gateway that this program knows. */
export const gatewayKinds: readonly GatewayKind[] = [gke];

/** The kind of a Gateway that a stack makes. */
export const defaultGatewayKind: GatewayKind = gke;

/**
 * The kind of a live Gateway. A class that no kind knows counts as the default's: what GKE adds to Gateway API's
 * conditions is optional, so a route of another implementation is confirmed by the standard ones.
 */
export function gatewayKindOf(
  className: string | undefined,
  kinds: readonly GatewayKind[] = gatewayKinds,
): GatewayKind {
  return kinds.find((kind) => className !== undefined && kind.ownsClass(className)) ?? defaultGatewayKind;
}
