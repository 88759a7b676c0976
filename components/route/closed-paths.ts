import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { closedPathsName } from "../names";
import { routeObject, type ServiceRouteArgs } from "./inference-route";

/** What vLLM opens to everybody who reaches it, once adapters can be loaded at run time. Source: vLLM's page on LoRA. */
const adapterPaths = ["/v1/load_lora_adapter", "/v1/unload_lora_adapter"];

/**
 * Keeps customers from loading and unloading adapters: vLLM takes such requests on the port on which it serves, and
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
          matches: adapterPaths.map((value) => ({ path: { type: "PathPrefix", value } })),
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
