import { liveShares } from "../../stacks/plan/shares";
import { next, promote, resume, rollback, command, type Decision } from "../steps/moves";
import { withLiveLatches } from "../steps/deployed";
import { quoted } from "../../stacks/messages/edits";
import { rolesOf } from "../steps/values";
import { rollBackFirst } from "../now/rollback-first";
import { changesBetween, describeChange } from "../steps/changes";
import { carryOut, exit, refused, type Undertaking } from "./carry-out";
import { ReadOtherwise, type ChangeOptions, type Session } from "./session";

/** `next`: one step up the ladder, or to another weight. */
export async function runNext(session: Session, options: ChangeOptions & { to?: number }): Promise<number> {
  const { to } = options;
  const again = command(to === undefined ? "next" : `next --to ${to}`);
  return move(session, next(session.values, await session.deployedNow(), to), options, {
    again,
    takeBack: true,
  });
}

/** `promote`: the candidate becomes the stable pool. */
export async function runPromote(session: Session, options: ChangeOptions): Promise<number> {
  const decision = promote(session.values, await session.deployedNow());
  return move(session, decision, options, {
    again: "pulumi up",
    anew: command("promote"),
    takeBack: true,
  });
}

/** `rollback`: all traffic back to the stable pool, and the candidate latched. */
export async function runRollback(session: Session, options: RollbackOptions): Promise<number> {
  try {
    return await decideAndGoBack(session, options);
  } catch (error) {
    if (!(error instanceof ReadOtherwise)) throw error;
    // The session has what the CLI says by now.
    session.screen.line("Pulumi knows something else of the stack than this machine; deciding again.");
    return decideAndGoBack(session, options, error.before);
  }
}

interface RollbackOptions extends ChangeOptions {
  reason?: string;
}

/** @param before what was done by an earlier decision. */
async function decideAndGoBack(session: Session, options: RollbackOptions, before?: string): Promise<number> {
  const { values } = session;
  const live = await session.observe();
  // Only now: where the live route says something else than what was kept, the CLI has been asked meanwhile.
  const { deployed } = session;
  const observed = live.outcome === "read" ? live.observed : undefined;
  const decision = rollback(values, withLiveLatches(deployed, observed), {
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    now: new Date(),
    ...(observed === undefined ? {} : { live: liveShares(observed) }),
  });
  if (decision.outcome === "refused" && !(await session.confirmed())) throw new ReadOtherwise();
  const again = "pulumi up";
  const why = options.reason === undefined ? "" : ` --reason ${quoted(options.reason)}`;
  // A version of an adapter goes back by the rewrites, not by the route.
  const target = decision.outcome === "update" ? decision.target : undefined;
  const first =
    // A policy pack judges updates before they happen: then nothing happens before the update.
    target === undefined || rolesOf(target).candidate === undefined || options.policyPack !== undefined
      ? undefined
      : // Nobody was asked since the cluster was read: it is as it was.
        () => rollBackFirst(session, target, options.yes === true ? live : undefined);
  return move(session, decision, options, {
    again,
    anew: command(`rollback${why}`),
    takeBack: false,
    ...(first === undefined ? {} : { first }),
    ...(before === undefined ? {} : { before }),
  });
}

async function move(
  session: Session,
  decision: Decision,
  options: ChangeOptions,
  how: Pick<Undertaking, "again" | "anew" | "takeBack" | "first" | "before">,
): Promise<number> {
  if (decision.outcome === "refused") {
    if (how.before === undefined)
      return refused(session, "Not possible now; nothing was changed.", decision.reasons);
    const done = { found: `done before: ${how.before}`, fix: command("status") };
    return refused(session, "Not possible now; the config was not edited.", [done, ...decision.reasons]);
  }
  const { title, target, notes } = decision;
  return carryOut(session, { title, steps: [{ title, target }], notes, ...how }, options);
}

/** `resume`: the config says that a candidate may have traffic again; no update is run. */
export async function runResume(
  session: Session,
  options: ChangeOptions & { reason: string; candidate?: string },
): Promise<number> {
  const { screen, engine, values } = session;
  const { reason, candidate } = options;
  const decision = resume(values, await session.deployedNow(), {
    reason,
    now: new Date(),
    ...(candidate === undefined ? {} : { candidate }),
  });
  if (decision.outcome === "refused")
    return refused(session, "Not possible now; nothing was changed.", decision.reasons);
  const changes = changesBetween(values, decision.target);
  screen.line(screen.styled("bold", `${engine.stack}: ${decision.title}`));
  for (const change of changes) screen.line(`  ${describeChange(change)}`);
  for (const note of decision.notes) screen.line(`  (${note})`);
  if (options.dryRun !== true) {
    if (options.yes !== true && !screen.interactive) {
      return refused(session, "Nothing was changed: not a terminal.", [
        { found: "not a terminal", fix: "--yes" },
      ]);
    }
    if (options.yes !== true && !/^y(es)?$/i.test(await screen.ask("Write it to the config? [y/N] "))) {
      screen.line("Nothing was changed.");
      return exit.refused;
    }
    await engine.edit(decision.target);
    screen.good(`Written to ${engine.file.name}. The traffic has not changed; next step: ${command("next")}`);
  }
  screen.result({ ok: true, changes: changes.map(describeChange), written: options.dryRun !== true });
  return exit.done;
}
