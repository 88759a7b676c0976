import { annotations } from "./names";
import type { Plan } from "./plan/plan";

/**
 * What the program writes on the customers' route beside the weights, in the same request: so the route itself can
 * tell what was written, however an update ends.
 */
export function routeAnnotations(
  { shares, latches, route }: Pick<Plan, "shares" | "latches" | "route">,
  deletable: boolean,
): Record<string, string> {
  const sorted = Object.entries(shares).sort(([a], [b]) => a.localeCompare(b));
  return {
    [annotations.weights]: JSON.stringify(Object.fromEntries(sorted)),
    ...(route.moves === 0 ? {} : { [annotations.moves]: String(route.moves) }),
    ...(latches.length === 0 ? {} : { [annotations.latched]: JSON.stringify(latches) }),
    ...(deletable ? { [annotations.deletable]: "true" } : {}),
    // The Kubernetes provider's own word for server-side apply that takes fields over from others.
    ...(route.force ? { "pulumi.com/patchForce": "true" } : {}),
  };
}
