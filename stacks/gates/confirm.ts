import { overriddenBy } from "../plan/rival-routes";
import type { GatewayConfig } from "../../components/gateways/gateway";
import type { ServiceConfig, Plan } from "../plan/model";
import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../messages/user-error";
import type { ClusterReader } from "../state/cluster-reader";
import { lookAtRoute } from "./programmed";
import { observedRoute } from "../state/observe";
import { readOtherRoutes } from "../state/other-routes";
import { routePath } from "../state/paths";
import { until } from "./wait";
import { previewRouteName } from "../../components/names";
import { sameShares, shareText, sharesOf } from "../plan/shares";

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
    { namespace: config.namespace, name: config.route },
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
  await Promise.all([confirmPrecedence(config, plan, gateway, client), confirmShares(config, plan, client)]);
  return address;
}

/**
 * That the split is the one that customers get: no other route has come meanwhile that gets their requests first. An
 * update that goes back, or was told to go on (allow: other-route), succeeds and says so.
 */
async function confirmPrecedence(
  config: ServiceConfig,
  plan: Plan,
  gateway: GatewayConfig,
  client: ClusterReader,
): Promise<void> {
  const pools = [plan.stable, ...(plan.candidate === undefined ? [] : [plan.candidate])];
  const places = [config.namespace, ...pools.map(({ namespace }) => namespace)];
  const others = await readOtherRoutes(client, config, { ...gateway, configurable: false }, places);
  const overridden = overriddenBy(config, others, pools);
  const expected =
    plan.candidateFalls || plan.waived.includes("other-route") || config.allow.includes("destroy");
  if (overridden.length === 0) return;
  if (expected) {
    for (const text of overridden) await pulumi.log.warn(`the weights are not what customers get: ${text}`);
    return;
  }
  throw new UserError(
    [
      "The route was written, and customers do not get its split:",
      ...overridden.map((text) => `  - ${text}`),
      "Run pulumi up again: it says how to take that route over.",
    ].join("\n"),
  );
}

/** That the cluster has what was planned, and not only what Pulumi's state says. */
async function confirmShares(config: ServiceConfig, plan: Plan, client: ClusterReader): Promise<void> {
  const route = await client.get(routePath(config.namespace, config.route));
  const live = sharesOf(route === undefined ? [] : observedRoute(route).backends);
  // Half a percent: an edit by hand that the config adopted need not add up to 100.
  if (sameShares(live, plan.shares, 0.5)) return;
  throw new UserError(
    `The live route sends ${shareText(live)}, and this update's plan is ${shareText(plan.shares)}: somebody edited it meanwhile, or Pulumi's state is ahead of the cluster. pulumi up --refresh looks again.`,
  );
}
