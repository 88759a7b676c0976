import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { engines } from "../engines/catalogue";
import { closedPathsName } from "../names";
import { routeObject, type ServiceRouteArgs } from "./inference-route";

export interface ClosedPathsArgs extends ServiceRouteArgs {
  /**
   * Parents and hostnames of a customers' route that keeps the shape of its owner: paths are closed wherever it
   * attaches. Default: the gateway, for every hostname of the service.
   */
  beside?: { parentRefs?: unknown; hostnames?: unknown };
}

/** What model servers open, for anybody who reaches them, once adapters may come while they run. */
const adapterPaths = (): string[] => [
  ...new Set(engines.flatMap(({ adapters }) => (adapters.supported ? adapters.closedPaths : []))),
];

/**
 * Keeps customers from loading and unloading adapters: a server takes such requests on the port on which it answers, and
 * the customers' route leads there with every path. A longer path wins over theirs, whatever else it matches. The
 * answer is a redirect: the one answer that every implementation of Gateway API can give without a backend.
 */
export class ClosedPaths extends pulumi.ComponentResource {
  constructor(name: string, args: ClosedPathsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ClosedPaths", name, {}, opts);
    const rules = [
      {
        matches: adapterPaths().map((value) => ({ path: { type: "PathPrefix", value } })),
        filters: [
          {
            type: "RequestRedirect",
            requestRedirect: {
              path: { type: "ReplaceFullPath", replaceFullPath: "/v1/models" },
              statusCode: 302,
            },
          },
        ],
      },
    ];
    const route = routeObject({ ...args, name: closedPathsName(args.service) }, rules);
    new k8s.apiextensions.CustomResource(
      `${name}-closed-paths`,
      args.beside === undefined ? route : { ...route, spec: { ...args.beside, rules } },
      { parent: this },
    );
    this.registerOutputs();
  }
}
