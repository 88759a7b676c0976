import type { Plan } from "../plan/model";
import { numbersText, routeTexts } from "../plan/route-texts";
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
  const { weights, latched } = routeTexts(shares, latches);
  return {
    ...(weights === undefined ? {} : { [annotations.weights]: weights }),
    ...(route.moves === 0 ? {} : { [annotations.moves]: String(route.moves) }),
    ...(latched === undefined ? {} : { [annotations.latched]: latched }),
    ...(Object.keys(carried).length === 0 ? {} : { [annotations.carried]: numbersText(carried) }),
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
