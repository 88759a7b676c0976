import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { engines } from "../engines/catalogue";
import { closedPathsName } from "../names";
import {
  attached,
  routeObject,
  type CustomersMatch,
  type RouteAttachment,
  type ServiceRouteArgs,
} from "./inference-route";

/** What a rule of an HTTPRoute can have at most. Source: Gateway API, HTTPRouteRule.matches. */
const matchesPerRule = 64;

export interface ClosedPathsArgs extends ServiceRouteArgs {
  /**
   * Parents and hostnames of a customers' route that keeps the shape of its owner: paths are closed wherever it
   * attaches. Default: the gateway, for every hostname of the service.
   */
  beside?: RouteAttachment;
  /** Matches of such a route: what they do not take is another application's. Default: everything is taken. */
  taken?: readonly CustomersMatch[];
}

/**
 * Every engine's, whichever the pools run: a rollout between two engines changes nothing here, and what a pool created
 * outside this stack runs need not be known.
 */
export const closedPaths = (): string[] => [...new Set(engines.flatMap(({ adminPaths }) => adminPaths))];

/** Those that customers could reach. @param taken see {@link ClosedPathsArgs}; none of them: there is no such route. */
export const pathsToClose = (taken?: readonly CustomersMatch[]): string[] =>
  closedPaths().filter((path) => taken === undefined || taken.some((match) => takes(match, path)));

/**
 * Keeps customers from administering model servers: a server takes such requests on the port on which it answers, and
 * the customers' route leads there with every path. A longer path wins over theirs, whatever else it matches. The
 * answer is a redirect: the one answer that every implementation of Gateway API can give without a backend.
 */
export class ClosedPaths extends pulumi.ComponentResource {
  constructor(name: string, args: ClosedPathsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ClosedPaths", name, {}, opts);
    const paths = pathsToClose(args.taken);
    if (paths.length > 0) {
      const route = routeObject({ ...args, name: closedPathsName(args.service) }, chunks(paths).map(closing));
      new k8s.apiextensions.CustomResource(`${name}-closed-paths`, attached(route, args.beside), {
        parent: this,
      });
    }
    this.registerOutputs();
  }
}

/** Whether a match takes requests below a path. */
function takes({ path }: CustomersMatch, closed: string): boolean {
  const { type = "PathPrefix", value = "/" } = (path ?? {}) as { type?: string; value?: string };
  // A pattern may mean anything.
  if (type === "RegularExpression") return true;
  const below = (one: string, other: string): boolean =>
    `${one}/`.startsWith(other.endsWith("/") ? other : `${other}/`);
  return below(value, closed) || (type === "PathPrefix" && below(closed, value));
}

const closing = (paths: readonly string[]): object => ({
  matches: paths.map((value) => ({ path: { type: "PathPrefix", value } })),
  filters: [
    {
      type: "RequestRedirect",
      requestRedirect: {
        path: { type: "ReplaceFullPath", replaceFullPath: "/v1/models" },
        statusCode: 302,
      },
    },
  ],
});

function chunks(paths: readonly string[]): string[][] {
  const rules = Math.ceil(paths.length / matchesPerRule);
  return Array.from({ length: rules }, (_, i) => paths.slice(i * matchesPerRule, (i + 1) * matchesPerRule));
}
