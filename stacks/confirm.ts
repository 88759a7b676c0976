import * as pulumi from "@pulumi/pulumi";
import type { GatewayConfig, ServiceConfig } from "./config/resolved";
import { UserError } from "./user-error";
import type { ClusterReader } from "./live/cluster-reader";
import { lookAtRoute } from "./live/programmed";
import { until } from "./live/wait";
import { previewRouteName, routeName } from "./names";
import type { Plan } from "./plan/plan";

/**
 * After the route: in every update, also in one that changes nothing, the gateway's own word that the route is in
 * force is waited for before any output is written. An update that cannot have it fails, and the next one asks again.
 */
export async function confirm(
  config: ServiceConfig,
  plan: Plan,
  gateway: GatewayConfig,
  reader: () => Promise<ClusterReader>,
): Promise<string> {
  const client = await reader();
  const routes = [
    { namespace: config.namespace, name: routeName(config.service) },
    ...(plan.candidate === undefined
      ? []
      : [{ namespace: config.namespace, name: previewRouteName(config.service) }]),
  ];
  let address = "";
  for (const route of routes) {
    const result = await until(() => lookAtRoute(client, route, gateway), {
      timeoutSeconds: config.gate.timeoutSeconds,
      report: (text) => void pulumi.log.info(`gateway: ${text}`, undefined, undefined, true),
    });
    if ("missing" in result) {
      throw new UserError(
        [
          `The route was written, and the gateway has not confirmed it after ${config.gate.timeoutSeconds} s:`,
          ...result.missing.map((text) => `  - ${text}`),
          "The cluster holds the new weights; pulumi up asks again, pulumi config set weight 0 && pulumi up goes back.",
        ].join("\n"),
      );
    }
    address = result.done;
  }
  return address;
}
