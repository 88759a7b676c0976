import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { engines } from "../engines/catalogue";
import { closedPathsName } from "../names";
import { routeObject, type ServiceRouteArgs } from "./inference-route";

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
  constructor(name: string, args: ServiceRouteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ClosedPaths", name, {}, opts);
    new k8s.apiextensions.CustomResource(
      `${name}-closed-paths`,
      routeObject({ ...args, name: closedPathsName(args.service) }, [
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
      ]),
      { parent: this },
    );
    this.registerOutputs();
  }
}
