import { clusterWriter, ClusterUnreadable, type ClusterWriter } from "../../stacks/state/cluster-reader";
import { chooseRoute, customersRoutes, rollBackNow, type Written } from "../now/route-writer";
import { exit, Screen } from "../terminal/screen";

/** `rollback --now`: needs a kubeconfig, and nothing of Pulumi's. */
export interface RollbackNowOptions {
  kubeconfig: string;
  service?: string;
  namespace?: string;
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
        ? "grant these credentials get and list on httproutes, and patch on the customers' route (docs/permissions.md); if they may read one namespace only: --namespace NAMESPACE"
        : "check the kubeconfig: kubectl --kubeconfig FILE get httproutes -A";
    return refused(screen, [{ found, fix }]);
  }
}

async function rollback(client: ClusterWriter, screen: Screen, options: RollbackNowOptions): Promise<number> {
  const { reason = "no reason given", from, to, dryRun, force } = options;
  const choice = chooseRoute(await customersRoutes(client, options), options);
  if ("reasons" in choice) return refused(screen, choice.reasons);
  const written = await rollBackNow(
    client,
    choice.route,
    { reason, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) },
    { dryRun: dryRun === true, force: force === true },
  );
  const { rollback: done } = written;
  if (done.outcome === "refused") return refused(screen, done.reasons);
  for (const line of describeRollback(written, dryRun === true)) screen.line(line);
  screen.result({
    ok: true,
    moved: done.outcome === "move" && dryRun !== true,
    from: done.from,
    to: done.to,
    ...(done.outcome === "move" ? { share: done.share } : {}),
    milliseconds: Math.round(written.milliseconds),
  });
  return exit.done;
}

/** What was done, and what comes next, for a person. */
export function describeRollback(
  { rollback: done, ready, milliseconds }: Written,
  dryRun: boolean,
): string[] {
  if (done.outcome === "refused") return [];
  if (done.outcome === "there") {
    return [
      `${done.from} has no traffic and has been latched since ${done.latch.time} (${done.latch.reason}).`,
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
          `${done.to.name} has ${ready.ready} ready replicas; when it last served all traffic it had ${served}. Scale it up, or raise its autoscaler's minimum, in namespace ${done.to.namespace}.`,
        ];
  if (dryRun) {
    return [
      ...small,
      `Would send all traffic to ${done.to.name}${pods}; ${done.from} now has ${share} %. Nothing was changed.`,
    ];
  }
  return [
    `All traffic now goes to ${done.to.name}${pods}. ${done.from} had ${share} % and is latched. The API server accepted the write in ${(milliseconds / 1000).toFixed(2)} s.`,
    ...small,
    done.isCandidate
      ? recordIt
      : `With the present config, the next pulumi up sends the traffic back to ${done.from}. Before that: pulumi config set stable ${done.to.name} && pulumi config set candidate ${done.from} && pulumi config set weight 0 && pulumi up`,
  ];
}

const recordIt =
  "Pulumi has not recorded this yet: until the stack's config says weight 0, pulumi up is refused. " +
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
