import type { PoolPlan } from "../translate/endpoints";
import { gatewayGroup, keyOf, type InferencePool, type ParentStatus } from "../objects/types";
import type { Problem } from "../translate/listeners";
import { namesPool, type RoutePlan } from "../translate/plan";
import { conditions } from "./conditions";

/** The pool's entry for each Gateway of ours whose routes name it; entries of other controllers stay. */
export function poolParents(
  pool: InferencePool,
  plan: PoolPlan | undefined,
  routes: readonly RoutePlan[],
  controllerName: string,
  now: string,
): ParentStatus[] {
  const current = pool.status?.parents ?? [];
  const generation = pool.metadata.generation ?? 0;
  const unresolved: Problem | undefined =
    plan?.problem === undefined ? undefined : { reason: "InvalidExtensionRef", message: plan.problem };
  const own = parentsOf(pool, routes).map(({ name, namespace, accepted }): ParentStatus => {
    const parentRef = { group: gatewayGroup, kind: "Gateway", namespace, name };
    const before = current.find(
      (one) =>
        one.controllerName === controllerName &&
        one.parentRef.name === name &&
        one.parentRef.namespace === namespace,
    );
    const refused = {
      reason: "HTTPRouteNotAccepted",
      message: "no accepted HTTPRoute refers to the pool",
    };
    const verdicts = [
      { type: "Accepted", good: "Accepted", problem: accepted ? undefined : refused },
      { type: "ResolvedRefs", good: "ResolvedRefs", problem: unresolved },
    ];
    return {
      parentRef,
      controllerName,
      conditions: conditions(verdicts, generation, before?.conditions, now),
    };
  });
  return [...current.filter((one) => one.controllerName !== controllerName), ...own];
}

interface Parent {
  namespace: string;
  name: string;
  accepted: boolean;
}

/** Gateways through which the pool is named, and whether a route does so that is accepted there. */
function parentsOf(pool: InferencePool, routes: readonly RoutePlan[]): Parent[] {
  const parents = new Map<string, Parent>();
  for (const route of routes.filter((one) => namesPool(one, pool))) {
    const { attachments, unsupported } = route;
    for (const { gateway, refused } of attachments) {
      const key = keyOf(gateway);
      const { name, namespace = "" } = gateway.metadata;
      const accepted = unsupported === undefined && refused === undefined;
      parents.set(key, { name, namespace, accepted: accepted || parents.get(key)?.accepted === true });
    }
  }
  return [...parents.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, parent]) => parent);
}
