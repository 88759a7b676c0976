import { deletion } from "../../stacks/plan/rules/release-rules";
import { waivedBy } from "../../stacks/plan/waivers";
import { clusterWriter, type ClusterPatcher } from "../../stacks/state/cluster-reader";
import { apis } from "../../components/names";
import { ownerOutput } from "../../stacks/plan/claims";
import { ownedObject } from "../../stacks/state/inventory";
import { routePath } from "../../stacks/state/paths";
import type { Observed } from "../../stacks/plan/observed";
import { handBackLive } from "../now/route-release";
import { platformOf } from "../pulumi/live";
import type { UpdateResult } from "../pulumi/update-log";
import { changesBetween, describeChange } from "../steps/changes";
import { command, type Reason } from "../steps/moves";
import {
  allowRelease,
  leavingOf,
  releaseObstacles,
  stillServing,
  type Leaving,
} from "../steps/leaving-stack";
import { resolveValues, type ServiceStack } from "../steps/resolve-values";
import type { StackValues } from "../steps/values";
import { agreed, exit, nothingBegun, packs, refused, showPreview, update, withoutGaps } from "./carry-out";
import type { ChangeOptions, Session } from "./session";

/** Seconds for the API server to answer one request. */
const patience = { answer: 10 };

/** What is known before anything is done. */
interface Present {
  config: ServiceStack;
  leaving: Leaving;
  observed: Observed;
  client: ClusterPatcher;
}

/**
 * `release`: the stack leaves. An update prepares its state (what serves stays, nothing names a hook), the live route
 * is handed back as it was, and `pulumi destroy` removes the rest. Each step finds what the one before it left, so
 * that the command is run again after an interruption.
 */
export async function runRelease(session: Session, options: ChangeOptions): Promise<number> {
  const { values } = session;
  const present = await lookAround(session, options.dryRun === true);
  if ("reasons" in present) return refused(session, "Nothing was released.", present.reasons);
  const target = allowRelease(values, true);
  show(session, present, target);
  if (options.dryRun === true) return dryRun(session, present, target, options);
  if (!(await agreed(session, options))) return exit.refused;
  return withoutGaps((interrupted) => leave(session, { present, target, options, interrupted }));
}

interface Leave {
  present: Present;
  target: StackValues;
  options: ChangeOptions;
  interrupted: () => boolean;
}

async function leave(session: Session, { present, target, options, interrupted }: Leave): Promise<number> {
  const { engine, screen } = session;
  const interruptedNow = (state: string): number | undefined =>
    interrupted() ? stopped(session, nothingBegun("cancelled"), state) : undefined;
  if (!present.leaving.isPrepared) {
    const edited = await engine.edit(target);
    const prepared = await update(session, "prepare the stack to leave", (say, signal) =>
      engine.up({ message: "rollout: prepare to release", say, signal, ...packs(options) }),
    );
    if (!prepared.ok) {
      const undone = prepared.begun.length === 0 && edited.undo();
      return stopped(
        session,
        prepared,
        `nothing was handed back${undone ? "; the edit of the config was undone" : ""}`,
      );
    }
  }
  const beforehand = interruptedNow("the state is prepared; nothing was handed back");
  if (beforehand !== undefined) return beforehand;
  const handedBack = await screen.task("hand back what serves", (say) => handBackAll(session, present, say));
  if ("reasons" in handedBack)
    return refused(session, "Not released; the stack still exists.", handedBack.reasons);
  for (const line of handedBack.lines) screen.line(`  ${line}`);
  const between = interruptedNow("what serves was handed back; the rest of the stack still exists");
  if (between !== undefined) return between;
  const removed = await update(session, "remove the rest of the stack", (say, signal) =>
    engine.destroyRest({ message: "rollout: release", say, signal }),
  );
  if (!removed.ok)
    return stopped(session, removed, "what serves was handed back; some of the stack still exists");
  await engine.edit(allowRelease(await engine.values(), false));
  screen.good(
    `Released. ${present.leaving.stays.length === 0 ? "Nothing stays in the cluster" : `Kept in the cluster: ${present.leaving.stays.join(", ")}`}.`,
  );
  screen.line(
    "The stack is empty; its config and history are kept. To adopt the service again: pulumi up. To remove the stack too: pulumi stack rm",
  );
  screen.result({
    ok: true,
    handedBack: handedBack.lines,
    stays: present.leaving.stays,
    removed: present.leaving.goes,
  });
  return exit.done;
}

async function lookAround(session: Session, dry: boolean): Promise<Present | { reasons: readonly Reason[] }> {
  const { engine, values, outputs } = session;
  const resolved = resolveValues(values);
  if (resolved.outcome === "mistakes") {
    return { reasons: resolved.mistakes.map((found) => ({ found, fix: "fix the config first" })) };
  }
  const { config } = resolved;
  const resources = await engine.stateResources();
  if (resources.length === 0) {
    // Interrupted after the last resource: what is left is the word in the config.
    if (!dry) await engine.edit(allowRelease(values, false));
    return one(
      "the stack is empty: there is nothing to release",
      "to remove the empty stack: pulumi stack rm",
    );
  }
  const { kubeconfig } = await platformOf(engine, config, outputs);
  if (kubeconfig === undefined) {
    return one(
      "the stack's outputs have no readable kubeconfig, so what serves cannot be handed back",
      "run pulumi up (a successful update writes it), or set the passphrase of the stack's secrets",
    );
  }
  const live = await session.observe();
  if (live.outcome === "unreadable") {
    return one(`the cluster cannot be read: ${live.why}`, "restore the access, then run the command again");
  }
  const leaving = leavingOf(resources, config);
  const { observed } = live;
  // A state that is prepared has passed the plan; only what customers get now counts.
  const reasons = leaving.isPrepared ? servingNow(observed) : releaseObstacles(values, observed);
  if (reasons.length > 0) return { reasons };
  const client = await clusterWriter(kubeconfig, patience);
  const theirs = await ownerElsewhere(client, config, outputs[ownerOutput]);
  if (theirs !== undefined) {
    return one(
      `the customers' route now belongs to stack ${theirs}, so this stack cannot hand it back`,
      `remove only this stack's state (this deletes nothing in the cluster): pulumi stack rm ${engine.stack} --force --preserve-config`,
    );
  }
  return { config, leaving, observed, client };
}

/** The stack that took the service over from this one; undefined where nobody did. */
async function ownerElsewhere(
  client: ClusterPatcher,
  { service }: ServiceStack,
  own: unknown,
): Promise<string | undefined> {
  const route = await client.get(routePath(service.namespace, service.route));
  const owner =
    route === undefined ? undefined : ownedObject(route, { group: apis.gateway, kind: "HTTPRoute" }).owner;
  // Without an update that succeeded there is no id to compare with: the mark may be this stack's own.
  return owner === undefined || own === undefined || owner.id === own ? undefined : owner.stack;
}

const one = (found: string, fix: string): { reasons: readonly Reason[] } => ({ reasons: [{ found, fix }] });

function servingNow(observed: Observed): Reason[] {
  const found = stillServing(observed);
  return found === undefined
    ? []
    : [{ found, fix: `move its traffic to a pool created outside this stack, then: ${command("release")}` }];
}

function show({ screen, engine, values }: Session, { leaving }: Present, target: StackValues): void {
  screen.line(screen.styled("bold", `${engine.stack}: release what this stack took over`));
  if (leaving.isPrepared) screen.line("step 1 of 3: done before: the state is prepared");
  else {
    screen.line("step 1 of 3: an update prepares the state; it changes nothing in the cluster");
    for (const change of changesBetween(values, target)) screen.line(`  ${describeChange(change)}`);
  }
  screen.line("step 2 of 3: hand back, as they were, with the live weights:");
  for (const { name } of leaving.serving) screen.line(`  ${name}`);
  screen.line(`step 3 of 3: remove the ${leaving.goes.length} other resources of the stack:`);
  for (const line of counted(leaving.goes)) screen.line(`  ${line}`);
  const kept = leaving.stays.length - leaving.serving.length;
  if (kept > 0) screen.line(`  (${kept} CRDs stay in the cluster too)`);
}

/** Names by kind, in one line each. */
function counted(names: readonly string[]): string[] {
  const kinds = new Map<string, string[]>();
  for (const text of names) {
    const [kind = "", name = ""] = text.split(" ");
    kinds.set(kind, [...(kinds.get(kind) ?? []), name]);
  }
  return [...kinds].map(([kind, all]) => `${kind} ${all.join(", ")}`);
}

async function dryRun(
  session: Session,
  { leaving }: Present,
  target: StackValues,
  options: ChangeOptions,
): Promise<number> {
  if (leaving.isPrepared) {
    session.screen.line("Nothing was changed.");
    session.screen.result({ ok: true, stays: leaving.stays, removed: leaving.goes });
    return exit.done;
  }
  const result = await session.engine.withDraft(target, (configFile) =>
    update(session, "preview of step 1", (say, signal) =>
      session.engine.preview({ configFile, say, signal, ...packs(options) }),
    ),
  );
  session.screen.line("Preview of step 1 only. Nothing was changed.");
  return showPreview(session, result);
}

/** The live route and what is around it, after another look at whom it sends requests to. */
async function handBackAll(
  session: Session,
  { config: { service }, leaving, client }: Present,
  say: (text: string) => void,
): Promise<{ lines: readonly string[] } | { reasons: readonly Reason[] }> {
  const live = await session.observe();
  if (live.outcome === "unreadable")
    return one(`the cluster cannot be read: ${live.why}`, command("release"));
  const reasons = servingNow(live.observed);
  if (reasons.length > 0) return { reasons };
  const leaves = new Set(live.observed.pools.filter(({ owned }) => owned).map(placeOf));
  // The route is handed back by its name, also where an interrupted run has removed it from the state already.
  const route = { name: `HTTPRoute ${service.route}`, path: routePath(service.namespace, service.route) };
  const all = [route, ...leaving.serving.filter(({ path }) => path !== route.path)];
  const lines: string[] = [];
  for (const { name, path } of all) {
    const result = await handBackLive(client, path, (pool) => leaves.has(placeOf(pool)));
    if ("serving" in result) {
      return one(
        `${name} now sends requests to ${placeOf(result.serving)} of this stack`,
        `move its traffic to a pool created outside this stack, then: ${command("release")}`,
      );
    }
    const { changes } = result;
    const line = `${name}: ${changes.length === 0 ? "nothing to hand back" : changes.join(", ")}`;
    say(line);
    lines.push(line);
  }
  return { lines };
}

const placeOf = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;

function stopped(session: Session, result: UpdateResult, state: string): number {
  const { screen } = session;
  screen.line();
  screen.bad(result.cancelled ? "Interrupted." : "The release failed.");
  for (const error of result.cancelled ? [] : result.errors) screen.line(error);
  screen.line(`Current state: ${state}. Customers are served as before.`);
  screen.line(`to continue  ${command("release")}`);
  screen.result({ ok: false, errors: result.cancelled ? ["interrupted"] : result.errors, state });
  return result.cancelled ? exit.interrupted : exit.refused;
}

/** For `destroy`: a route that was taken over is not deleted unasked. */
export async function takenOverReason(
  session: Session,
  allowed: readonly unknown[],
): Promise<Reason | undefined> {
  if (allowed.some((word) => waivedBy(String(word)) === deletion)) return undefined;
  const live = await session.observe();
  if (live.outcome !== "read" || live.observed.route?.takenOver !== true) return undefined;
  return {
    found:
      "the customers' route existed before this stack took it over; deleting it would fail every request",
    fix: `hand it back and leave: ${command("release")}`,
  };
}
