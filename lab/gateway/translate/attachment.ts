import type { Snapshot } from "../objects/snapshot";
import { gatewayGroup, type Gateway, type HTTPRoute, type ParentRef } from "../objects/types";
import type { Placed } from "../placement";
import { effectiveHostnames } from "./hostnames";
import { allowsNamespace, type ListenerPlan, type Problem } from "./listeners";

/** One parentRef of a route that names a Gateway of ours. */
export interface Attachment {
  parentRef: ParentRef;
  gateway: Gateway;
  /** Listeners that take the route, with the hostnames it has there; empty where it is refused. */
  listeners: readonly { plan: ListenerPlan; hostnames: readonly string[] }[];
  refused?: Problem;
}

/** A Gateway with its listeners. */
export interface GatewayPlan {
  gateway: Gateway;
  /** Where it listens, or why nowhere. */
  place: Placed;
  /** Port that is really bound for each that a listener wants. */
  ports: ReadonlyMap<number, number>;
  listeners: readonly ListenerPlan[];
}

/** Where a route attaches. Parents that are not ours are left out: their status is somebody else's to write. */
export function attachmentsOf(
  route: HTTPRoute,
  gateways: readonly GatewayPlan[],
  snapshot: Snapshot,
): Attachment[] {
  const own = route.metadata.namespace ?? "";
  return (route.spec.parentRefs ?? []).flatMap((parentRef) => {
    if ((parentRef.group ?? gatewayGroup) !== gatewayGroup || (parentRef.kind ?? "Gateway") !== "Gateway")
      return [];
    const found = gateways.find(
      ({ gateway: { metadata } }) =>
        metadata.name === parentRef.name && metadata.namespace === (parentRef.namespace ?? own),
    );
    return found === undefined ? [] : [attach(route, parentRef, found, snapshot)];
  });
}

function attach(route: HTTPRoute, parentRef: ParentRef, parent: GatewayPlan, snapshot: Snapshot): Attachment {
  const { gateway } = parent;
  const refuse = (reason: string, message: string): Attachment => ({
    parentRef,
    gateway,
    listeners: [],
    refused: { reason, message },
  });
  const named = parent.listeners.filter(
    ({ listener }) =>
      (parentRef.sectionName === undefined || parentRef.sectionName === listener.name) &&
      (parentRef.port === undefined || parentRef.port === listener.port),
  );
  if (named.length === 0) {
    const { sectionName = "any", port = "any" } = parentRef;
    return refuse(
      "NoMatchingParent",
      `the Gateway has no listener with name ${sectionName} and port ${port}`,
    );
  }
  const allowing = named.filter(
    (plan) =>
      plan.refused === undefined &&
      plan.supportedKinds.length > 0 &&
      allowsNamespace(plan, route.metadata.namespace ?? "", snapshot),
  );
  if (allowing.length === 0) {
    return refuse(
      "NotAllowedByListeners",
      `no listener accepts HTTPRoutes from namespace ${route.metadata.namespace ?? ""} (allowedRoutes)`,
    );
  }
  const listeners = allowing
    .map((plan) => ({
      plan,
      hostnames: effectiveHostnames(plan.listener.hostname, route.spec.hostnames),
    }))
    .filter(({ hostnames }) => hostnames.length > 0);
  if (listeners.length === 0) {
    return refuse("NoMatchingListenerHostname", "no listener has a hostname in common with the route");
  }
  return { parentRef, gateway, listeners };
}
