import type { Plan } from "../plan/model";
import { annotations } from "../../components/names";

/**
 * What the program writes on the customers' route beside the weights, in the same request: so the route itself can
 * tell what was written, however an update ends.
 */
export function routeAnnotations(
  {
    shares,
    latches,
    carried,
    route,
    shape,
  }: Pick<Plan, "shares" | "latches" | "carried" | "route" | "shape">,
  deletable: boolean,
): Record<string, string> {
  return {
    [annotations.weights]: JSON.stringify(sorted(shares)),
    ...(route.moves === 0 ? {} : { [annotations.moves]: String(route.moves) }),
    ...(latches.length === 0 ? {} : { [annotations.latched]: JSON.stringify(latches) }),
    ...(Object.keys(carried).length === 0 ? {} : { [annotations.carried]: JSON.stringify(sorted(carried)) }),
    ...(shape === undefined
      ? {}
      : {
          [annotations.shape]: shape.digest,
          [annotations.writtenFrom]: shape.writtenFrom,
          [annotations.found]: JSON.stringify(shape.found),
        }),
    ...(route.original === undefined ? {} : { [annotations.takenOver]: route.original }),
    ...(deletable ? { [annotations.deletable]: "true" } : {}),
    // The Kubernetes provider's own word for server-side apply that takes fields over from others.
    ...(route.force ? { "pulumi.com/patchForce": "true" } : {}),
  };
}

/** In one order, so that the same numbers are the same text. */
function sorted(numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).sort(([a], [b]) => a.localeCompare(b)));
}
