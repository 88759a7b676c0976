import { overriddenBy } from "../plan/rival-routes";
import type { GatewayConfig } from "../../components/gateways/gateway";
import type { ServiceConfig } from "../plan/service-config";
import { meanwhileText, newLatch } from "../plan/meanwhile";
import type { Observed, ObservedRoute } from "../plan/observed";
import type { Plan } from "../plan/model";
import { UserError } from "../messages/user-error";
import type { ClusterReader } from "../state/cluster-reader";
import { confirmVersions } from "./adapter-waits";
import { otherModeFor } from "./one-namespace";
import { attachedElsewhere, gatewayAddress, routeProgress } from "./programmed";
import { knownOf, observedRoute } from "../state/observe";
import { readOtherRoutes } from "../state/other-routes";
import { setCommand } from "../messages/edits";
import { gatewayPath, routePath } from "../state/paths";
import { until, type Progress } from "./wait";
import { closedPathsName, previewRouteName } from "../../components/names";
import { pathsToClose } from "../../components/route/closed-paths";
import { sameShares, shareIn, shareText, sharesOf } from "../plan/shares";
import * as pulumi from "@pulumi/pulumi";

/** What the checks before and after a route's move know of the update. */
export interface UpdateContext {
  config: ServiceConfig;
  plan: Plan;
  /** What was deployed before this update. */
  observed: Observed;
  gateway: GatewayConfig;
  /** The cluster as it is when it is read: it may have been made by this very update. */
  reader: () => Promise<ClusterReader>;
}

/**
 * The last step of every update: the gateway has confirmed the routes, and every pod that was to load a new version
 * of an adapter has loaded it. Outputs are written only after it.
 * @returns the gateway's address.
 * @throws UserError
 */
export async function confirmUpdate(context: UpdateContext): Promise<string> {
  const address = await confirmRoutes(context);
  await confirmVersions(context);
  return address;
}

/** A route of the service, and how much depends on it. */
interface Asked {
  name: string;
  /** How long it may take. */
  seconds: number;
  /** What is wrong while it is not in force, for a warning; absent: the update fails. */
  without?: string;
  /** Of a failure: what comes before the missing conditions, and after them. */
  failed: { found: string; fix: string };
}

/** The time that is given to what an update only warns of. */
const warningSeconds = 30;

/** The customers' route comes first: where it has left the Gateway, nothing else is asked for. */
function askedOf(config: ServiceConfig, plan: Plan, { record }: Observed): Asked[] {
  const { timeoutSeconds } = config.gate;
  const { candidate, candidateFalls, candidateRises, shape } = plan;
  const failed = {
    found: `The route was written, but the gateway has not confirmed it after ${timeoutSeconds} s:`,
    fix: "The cluster holds the new weights. To check again: pulumi up. To go back: pulumi config set weight 0 && pulumi up",
  };
  const serves = candidate !== undefined && (candidateRises || shareIn(plan.shares, candidate.name) > 0);
  const preview: Asked = {
    name: previewRouteName(config.service),
    failed,
    // Going back waits for nothing of a candidate: it may be gone. Before its first weight, the gate asks for the route.
    seconds: candidateFalls ? 0 : timeoutSeconds,
    ...(serves && !candidateFalls
      ? {}
      : { without: "The preview route is not in force; customers do not come by it" }),
  };
  const closed: Asked = {
    name: closedPathsName(config.service),
    failed: {
      found: `Customers may reach the paths that administer model servers: after ${timeoutSeconds} s the gateway has not confirmed the route that closes them:`,
      fix: "To check again: pulumi up. To take the service down: pulumi config set --path 'allow[0]' destroy && pulumi up && pulumi destroy --run-program",
    },
    seconds: candidateFalls
      ? 0
      : record === undefined
        ? timeoutSeconds
        : Math.min(timeoutSeconds, warningSeconds),
    // A rollout, and a rollback even more, does not end for what was so before.
    ...(record === undefined && !candidateFalls
      ? {}
      : {
          without:
            "Customers may reach the paths that administer model servers: the route that closes them is not in force",
        }),
  };
  return [
    { name: config.route, failed, seconds: timeoutSeconds },
    ...(candidate === undefined ? [] : [preview]),
    ...(pathsToClose(shape?.matches).length === 0 ? [] : [closed]),
  ];
}

/**
 * Every update waits until the gateway confirms that the route is in force, also one that changes nothing: an update
 * that failed here leaves the route as it should be, and the next one has only this left to do.
 */
async function confirmRoutes({ config, plan, observed, gateway, reader }: UpdateContext): Promise<string> {
  const client = await reader();
  const otherMode = otherModeFor(config, [
    plan.stable,
    ...(plan.candidate === undefined ? [] : [plan.candidate]),
  ]);
  let address = "";
  for (const { name, seconds, without, failed } of askedOf(config, plan, observed)) {
    const route = { namespace: config.namespace, name };
    const check = (): Promise<Progress<Confirmed>> =>
      confirmedOrGone(client, route, gateway, plan.shape !== undefined);
    const result = await until(check, {
      timeoutSeconds: seconds,
      report: (text) => void pulumi.log.info(`gateway: ${text}`, undefined, undefined, true),
    });
    if (result.state === "waiting" && without !== undefined) {
      const texts = [
        `${without}: ${result.missing.join("; ")}`,
        ...(otherMode === undefined ? [] : [otherMode]),
      ];
      await pulumi.log.warn(texts.join("\n"));
      continue;
    }
    if (result.state === "waiting") {
      throw new UserError(
        [
          failed.found,
          ...result.missing.map((text) => `  - ${text}`),
          ...(otherMode === undefined ? [] : [otherMode]),
          failed.fix,
        ].join("\n"),
      );
    }
    if ("elsewhere" in result.value) {
      await sayGone(config, plan, gateway, result.value.elsewhere);
      address = gatewayAddress(await client.get(gatewayPath(gateway))) ?? "";
      break;
    }
    address = result.value.address;
  }
  await Promise.all([
    confirmPrecedence(config, plan, gateway, client),
    confirmShares(config, plan, observed, client),
  ]);
  return address;
}

type Confirmed = { address: string } | { elsewhere: string };

/** @param kept whether the route keeps its owner's shape: then its owner may attach it to another Gateway. */
async function confirmedOrGone(
  client: ClusterReader,
  route: { namespace: string; name: string },
  gateway: GatewayConfig,
  kept: boolean,
): Promise<Progress<Confirmed>> {
  const progress = await routeProgress(client, route, gateway);
  if (progress.state === "done") return { state: "done", value: { address: progress.value } };
  const elsewhere = kept
    ? attachedElsewhere(await client.get(routePath(route.namespace, route.name)), gateway)
    : undefined;
  return elsewhere === undefined ? progress : { state: "done", value: { elsewhere } };
}

/** A route that has left the Gateway: an update that goes back or leaves waits for nothing; any other fails at once. */
async function sayGone(
  config: ServiceConfig,
  plan: Plan,
  gateway: GatewayConfig,
  elsewhere: string,
): Promise<void> {
  const { namespace, route, allow } = config;
  const found = `HTTPRoute ${namespace}/${route} no longer attaches to Gateway ${gateway.namespace}/${gateway.name}: its owner attaches it to ${elsewhere}`;
  if (plan.candidateFalls || allow.includes("destroy") || allow.includes("release")) {
    await pulumi.log.warn(`${found}. The weights were written, and no Gateway was asked to confirm them`);
    return;
  }
  throw new UserError(
    `${found}. The route was written, but customers who come by that Gateway do not reach the pools. Attach the route to it again (kubectl edit httproute -n ${namespace} ${route}), or set the Gateway by which customers come (${setCommand("gateway.name", "NAME")}); then: pulumi up`,
  );
}

/**
 * That customers get the split: no other route has come meanwhile that gets their requests first. An update that goes
 * back, or that allow: other-route lets pass, succeeds with a warning.
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
    for (const text of overridden) await pulumi.log.warn(`customers do not get these weights: ${text}`);
    return;
  }
  throw new UserError(
    [
      "The route was written, but customers do not get its split:",
      ...overridden.map((text) => `  - ${text}`),
      "Run pulumi up again: it prints how to take that route over.",
    ].join("\n"),
  );
}

/** That the cluster has what was planned: Pulumi's state alone can be ahead of it. */
async function confirmShares(
  config: ServiceConfig,
  plan: Plan,
  { record }: Observed,
  client: ClusterReader,
): Promise<void> {
  const route = await client.get(routePath(config.namespace, config.route));
  const known = { ...knownOf(config, record), kept: plan.shape !== undefined };
  const now: ObservedRoute = route === undefined ? { backends: [] } : observedRoute(route, undefined, known);
  const { backends, uneven = [] } = now;
  const live = sharesOf(backends);
  // Nothing of a stack that leaves is in the route, or nothing was moved.
  if (config.allow.includes("release")) return;
  // Half a percent: an edit by hand that the config adopted need not add up to 100.
  if (sameShares(live, plan.shares, 0.5) && uneven.length === 0) return;
  const latch = newLatch(plan.latches, now.latches);
  if (latch !== undefined)
    throw new UserError(meanwhileText(`${config.namespace}/${config.route}`, { kind: "rolled-back", latch }));
  throw new UserError(
    `The live route sends ${uneven.length === 0 ? shareText(live) : uneven.join("; ")}, but this update planned ${shareText(plan.shares)}: someone edited the route during the update, or Pulumi's state does not match the cluster. Run pulumi up --refresh.`,
  );
}
