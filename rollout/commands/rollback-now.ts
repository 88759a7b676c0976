import { quoted } from "../../stacks/messages/edits";
import { noReason } from "../../stacks/plan/latch";
import {
  clusterWriter,
  ClusterUnreadable,
  type ClusterWriter,
  type LiveObject,
} from "../../stacks/state/cluster-reader";
import type { LiveRollback } from "../now/live-rollback";
import { chooseRoutes, customersRoutes, rollBackNow, routesToMove, type Written } from "../now/route-writer";
import { exit, Screen } from "../terminal/screen";
import { errorText } from "../../stacks/messages/user-error";

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

/** Seconds for the API server to answer one request, and for a program to hand out credentials. */
const patience = { answer: 10, credentials: 20 };
/** A wait that needs no word. */
const quietMs = 2000;

/** @returns the exit status. */
export async function runRollbackNow(options: RollbackNowOptions): Promise<number> {
  const screen = new Screen(options.json === true);
  const slow = setTimeout(() => screen.faint("Waiting for the API server."), quietMs);
  try {
    return await rollback(await clusterWriter(options.kubeconfig, patience), screen, options);
  } catch (error) {
    return refused(screen, reasonsOf(error));
  } finally {
    clearTimeout(slow);
  }
}

function reasonsOf(error: unknown): Reasons {
  const found = errorText(error);
  const fix =
    error instanceof ClusterUnreadable && error.reason === "forbidden"
      ? "grant these credentials get and list on httproutes, and patch on the customers' route (docs/permissions.md); if they may read one namespace only: --namespace NAMESPACE"
      : "check the kubeconfig: kubectl --kubeconfig FILE get httproutes -A";
  return [{ found, fix }];
}

async function rollback(client: ClusterWriter, screen: Screen, options: RollbackNowOptions): Promise<number> {
  const { kubeconfig, from } = options;
  const command = `npm run rollout -- rollback --now --kubeconfig ${quoted(kubeconfig)}${said(options)}`;
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

/** What the user has said beside the service, for a command that is typed again. */
function said({ from, to, reason, force, dryRun, json }: RollbackNowOptions): string {
  const words = Object.entries({ from, to, reason }).flatMap(([name, value]) =>
    value === undefined ? [] : [` --${name} ${quoted(value)}`],
  );
  const flags = Object.entries({ force, "dry-run": dryRun, json }).flatMap(([name, isSet]) =>
    isSet === true ? [` --${name}`] : [],
  );
  return [...words, ...flags].join("");
}

type Done = Written & { rollback: Exclude<LiveRollback, { outcome: "refused" }> };
type Reasons = readonly { found: string; fix: string }[];

async function rollBackOne(
  client: ClusterWriter,
  route: LiveObject,
  { reason = noReason, from, to, dryRun, force }: RollbackNowOptions,
): Promise<Done | { reasons: Reasons }> {
  const request = { reason, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const how = { dryRun: dryRun === true, force: force === true };
  try {
    const written = await rollBackNow(client, route, request, how);
    const { rollback: done } = written;
    return done.outcome === "refused" ? { reasons: done.reasons } : { ...written, rollback: done };
  } catch (error) {
    return { reasons: reasonsOf(error) };
  }
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
      `${done.from} has no traffic and has been latched since ${done.latch.time} (${done.latch.reason}).`,
      recordIt(done.latch.reason),
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
      ? recordIt(done.reason)
      : `With the present config, the next pulumi up sends the traffic back to ${done.from}. Before that: pulumi config set stable ${done.to.name} && pulumi config set candidate ${done.from} && pulumi config set weight 0 && pulumi up`,
  ];
}

/** The reason goes along: another one, or none, would be the newer word. */
const recordIt = (reason: string): string =>
  "Pulumi has not recorded this yet: until the stack's config says weight 0, pulumi up is refused. " +
  `Next: npm run rollout -- rollback${reason === noReason ? "" : ` --reason ${quoted(reason)}`}`;

function refused(screen: Screen, reasons: readonly { found: string; fix: string }[]): number {
  screen.bad("Not rolled back; the route was not changed.");
  for (const { found, fix } of reasons) {
    screen.line(`  found: ${found}`);
    screen.line(`  fix:   ${fix}`);
  }
  screen.result({ ok: false, reasons });
  return exit.refused;
}
