import type { Observed, Draft } from "./model";
import { sameShares, sharesOf } from "./shares";

/** How the live route comes to say what the plan says. */
export interface RouteMove {
  /**
   * A count of this program's moves of the route, this update included. It is written on the route, so that whatever
   * Pulumi's state says, a route that has to move is different from what the state has: after an update that was
   * killed, and after a state was put back, the state can say what the config says while the live route does not,
   * and Pulumi would leave it there. A new route begins at the time (in seconds), so that it never says again what
   * one that was deleted has said.
   */
  moves: number;
  /** Whether fields that others own are taken over in this update. */
  force: boolean;
  /** Whether the route of somebody else becomes this stack's. */
  takeOver: boolean;
}

export function moveOf(observed: Observed, draft: Draft, waived: readonly string[]): RouteMove {
  const { route } = observed;
  const wanted = new Map(Object.entries(draft.shares));
  const moves = route === undefined || sameShares(sharesOf(route.backends), wanted) ? 0 : 1;
  const takeOver = waived.includes("take-over-route");
  // Whoever edited weights that we adopt owns all rules with us (the list is atomic, with the API server's defaults
  // in it), and every later move would conflict. What may not pass of it was refused by a rule.
  const conflicts = (route?.coOwners ?? []).length > 0;
  return {
    moves: (route?.moves ?? Math.floor((observed.now?.getTime() ?? 0) / 1000)) + moves,
    force: takeOver || waived.includes("route-edited") || (conflicts && route?.foreign !== true),
    takeOver,
  };
}
