import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apis, closedPathsName, labels, managedBy } from "../stacks/names";
import { parentRef, type GatewayRef } from "./inference-route";

export interface ClosedPathsArgs {
  service: string;
  namespace: string;
  gateway: GatewayRef;
  hostnames?: readonly string[];
}

/** What vLLM opens, for anybody who reaches it, once adapters may come while it runs. */
const adapterPaths = ["/v1/load_lora_adapter", "/v1/unload_lora_adapter"];

/**
 * Keeps customers from loading and unloading adapters: vLLM takes such requests on the port on which it answers, and
 * the customers' route leads there with every path. A longer path wins over theirs, whatever else it matches. The
 * answer is a redirect, because that is the one thing every implementation can answer without a backend.
 */
export class ClosedPaths extends pulumi.ComponentResource {
  constructor(name: string, args: ClosedPathsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ClosedPaths", name, {}, opts);
    new k8s.apiextensions.CustomResource(
      `${name}-closed-paths`,
      {
        apiVersion: `${apis.gateway}/v1`,
        kind: "HTTPRoute",
        metadata: {
          name: closedPathsName(args.service),
          namespace: args.namespace,
          labels: { [labels.managedBy]: managedBy, [labels.service]: args.service },
        },
        spec: {
          parentRefs: [parentRef(args.gateway, args.namespace)],
          ...(args.hostnames === undefined ? {} : { hostnames: [...args.hostnames] }),
          rules: [
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
          ],
        },
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
