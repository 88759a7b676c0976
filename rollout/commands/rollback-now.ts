import { quoted } from "../../stacks/messages/edits";
import {
  clusterWriter,
  ClusterUnreadable,
  type ClusterWriter,
  type LiveObject,
} from "../../stacks/state/cluster-reader";
import type { LiveRollback } from "../now/live-rollback";
import { chooseRoutes, customersRoutes, rollBackNow, routesToMove, type Written } from "../now/route-writer";
import { exit, Screen } from "../terminal/screen";

/** `rollback --now`: needs a kubeconfig, and nothing of Pulumi's. */
export interface RollbackNowOptions {
  kubeconfig: string;
  service?: string;
  namespace?: string;
  route?: string;
  from?: string;
  to?: string;
  reason?: string;
  force?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** Seconds for the API server to answer one request. */
const patience = 10;

/** @returns the exit status. */
export async function runRollbackNow(options: RollbackNowOptions): Promise<number> {
  const screen = new Screen(options.json === true);
  try {
    return await rollback(await clusterWriter(options.kubeconfig, patience), screen, options);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const fix =
      error instanceof ClusterUnreadable && error.reason === "forbidden"
        ? "these credentials may not do it: it takes get and list of httproutes and patch of the one (docs/permissions.md); narrow it with --namespace NAMESPACE"
        : "check the kubeconfig: kubectl --kubeconfig FILE get httproutes -A";
    return refused(screen, [{ found, fix }]);
  }
}

async function rollback(client: ClusterWriter, screen: Screen, options: RollbackNowOptions): Promise<number> {
  const { kubeconfig, from } = options;
  const command = `npm run rollout -- rollback --now --kubeconfig ${quoted(kubeconfig)}`;
  const choice = chooseRoutes(await customersRoutes(client, options), options, command);
  if ("reasons" in choice) return refused(screen, choice.reasons);
  const routes = await routesToMove(client, choice.routes, from);
  // One that cannot be written holds none of the others up.
  const results = await Promise.all(routes.map((route) => rollBackOne(client, route, options)));
  const [only] = results;
  if (only === undefined || results.length > 1)
    return several(screen, routes, results, options.dryRun === true);
  if ("reasons" in only) return refused(screen, only.reasons);
  for (const line of describeRollback(only, options.dryRun === true)) screen.line(line);
  screen.result(resultOf(only, options.dryRun === true));
  return exit.done;
}

type Done = Written & { rollback: Exclude<LiveRollback, { outcome: "refused" }> };
type Reasons = readonly { found: string; fix: string }[];

async function rollBackOne(
  client: ClusterWriter,
  route: LiveObject,
  { reason = "no reason given", from, to, dryRun, force }: RollbackNowOptions,
): Promise<Done | { reasons: Reasons }> {
  const request = { reason, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const how = { dryRun: dryRun === true, force: force === true };
  const written = await rollBackNow(client, route, request, how);
  const { rollback: done } = written;
  return done.outcome === "refused" ? { reasons: done.reasons } : { ...written, rollback: done };
}

/** The result of each route by its name, and one status for all. */
function several(
  screen: Screen,
  routes: readonly LiveObject[],
  results: readonly (Done | { reasons: Reasons })[],
  dryRun: boolean,
): number {
  const named = results.map((result, i) => {
    const { namespace = "default", name = "" } = routes[i]?.metadata ?? {};
    return { name: `${namespace}/${name}`, result };
  });
  screen.line(`The service has ${named.length} routes that send requests to its pools.`);
  for (const { name, result } of named) {
    if ("reasons" in result) {
      screen.bad(`HTTPRoute ${name}: not rolled back; it was not changed.`);
      for (const { found, fix } of result.reasons) screen.line(`  found: ${found}\n  fix:   ${fix}`);
    } else {
      screen.line(`HTTPRoute ${name}:`);
      for (const line of describeRollback(result, dryRun)) screen.line(`  ${line}`);
    }
  }
  const ok = results.every((result) => !("reasons" in result));
  screen.result({
    ok,
    routes: named.map(({ name, result }) => ({
      route: name,
      ...("reasons" in result ? { ok: false, reasons: result.reasons } : resultOf(result, dryRun)),
    })),
  });
  return ok ? exit.done : exit.refused;
}

const resultOf = ({ rollback: done, milliseconds }: Done, dryRun: boolean): object => ({
  ok: true,
  moved: done.outcome === "move" && !dryRun,
  from: done.from,
  to: done.to,
  ...(done.outcome === "move" ? { share: done.share } : {}),
  milliseconds: Math.round(milliseconds),
});

/** What was done, and what comes next, for a person. */
export function describeRollback(
  { rollback: done, ready, milliseconds }: Written,
  dryRun: boolean,
): string[] {
  if (done.outcome === "refused") return [];
  if (done.outcome === "there") {
    return [
      `${done.from} has no traffic, and is latched since ${done.latch.time} (${done.latch.reason}).`,
      recordIt,
    ];
  }
  const pods = ready === undefined ? "" : ` (${ready.ready} of ${ready.all} pods ready)`;
  const share = Math.round(done.share);
  const { served } = done;
  const small =
    served === undefined || ready === undefined || ready.ready >= served
      ? []
      : [
          `${done.to.name} last served all of the traffic with ${served} replicas, and ${ready.ready} are ready: scale it up, or raise its autoscaler's minimum, in namespace ${done.to.namespace}.`,
        ];
  if (dryRun) {
    return [
      ...small,
      `Would send all of the traffic to ${done.to.name}${pods}; ${done.from} has ${share} % of it. Nothing was changed.`,
    ];
  }
  return [
    `All traffic goes to ${done.to.name}${pods}. ${done.from} had ${share} % and is latched. The API server took it in ${(milliseconds / 1000).toFixed(2)} s.`,
    ...small,
    done.isCandidate
      ? recordIt
      : `The next pulumi up of the config as it is sends the traffic back to ${done.from}. First: pulumi config set stable ${done.to.name} && pulumi config set candidate ${done.from} && pulumi config set weight 0 && pulumi up`,
  ];
}

const recordIt =
  "Pulumi does not know it yet: until the stack's config says weight 0, pulumi up is refused. " +
  "Next: npm run rollout -- rollback";

function refused(screen: Screen, reasons: readonly { found: string; fix: string }[]): number {
  screen.bad("Not rolled back; the route was not changed.");
  for (const { found, fix } of reasons) {
    screen.line(`  found: ${found}`);
    screen.line(`  fix:   ${fix}`);
  }
  screen.result({ ok: false, reasons });
  return exit.refused;
}
