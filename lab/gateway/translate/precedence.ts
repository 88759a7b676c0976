import { byAge } from "../objects/snapshot";
import type { HTTPRoute, RouteMatch } from "../objects/types";
import { moreSpecific } from "./hostnames";
import { pathPrefix } from "./matches";

/** One match of one rule of one route, on one domain. */
export interface Candidate {
  route: HTTPRoute;
  rule: number;
  /** Position of the match in its rule. */
  position: number;
  match: RouteMatch;
  /** The hostname by which the route serves this domain. */
  hostname: string;
}

/**
 * Gateway API's order of matches; the first that fits a request takes it. More specific hostname; exact path,
 * then regular expression, then the longest prefix; method; more headers; more query parameters; older route;
 * name; position in the route. (Where regular expressions stand is left to the implementation.)
 */
export function byPrecedence(a: Candidate, b: Candidate): number {
  return (
    moreSpecific(a.hostname, b.hostname) ||
    pathRank(a.match) - pathRank(b.match) ||
    pathLength(b.match) - pathLength(a.match) ||
    Number(b.match.method !== undefined) - Number(a.match.method !== undefined) ||
    (b.match.headers?.length ?? 0) - (a.match.headers?.length ?? 0) ||
    (b.match.queryParams?.length ?? 0) - (a.match.queryParams?.length ?? 0) ||
    byAge(a.route, b.route) ||
    a.rule - b.rule ||
    a.position - b.position
  );
}

function pathRank({ path }: RouteMatch): number {
  return ["Exact", "RegularExpression", "PathPrefix"].indexOf(path?.type ?? "PathPrefix");
}

/** Exact paths are equal or exclude each other, so their length does not matter. */
function pathLength({ path }: RouteMatch): number {
  switch (path?.type ?? "PathPrefix") {
    case "PathPrefix":
      return pathPrefix(path?.value).length;
    case "RegularExpression":
      return path?.value?.length ?? 0;
    default:
      return 0;
  }
}
