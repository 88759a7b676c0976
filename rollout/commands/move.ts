import { liveShares, type Shares } from "../../stacks/plan/shares";
import { next, promote, resume, rollback, command, type Decision } from "../steps/moves";
import { rolesOf } from "../steps/values";
import { rollBackFirst } from "../now/rollback-first";
import { changesBetween, describeChange } from "../steps/changes";
import { carryOut, exit, refused } from "./carry-out";
import type { ChangeOptions, Session } from "./session";

/** The reason where the user gives none. */
export const noReason = "no reason given";

/** `next`: one step up the ladder, or to another weight. */
export function runNext(session: Session, options: ChangeOptions & { to?: number }): Promise<number> {
  const { to } = options;
  const again = session.command(command(to === undefined ? "next" : `next --to ${to}`));
  return move(session, next(session.values, session.deployed, to), options, { again, takeBack: true });
}

/** `promote`: the candidate becomes the stable pool. */
export function runPromote(session: Session, options: ChangeOptions): Promise<number> {
  const decision = promote(session.values, session.deployed);
  return move(session, decision, options, {
    again: session.command("pulumi up"),
    takeBack: true,
  });
}

/** `rollback`: all traffic back to the stable pool, and the candidate latched. */
export async function runRollback(
  session: Session,
  options: ChangeOptions & { reason?: string },
): Promise<number> {
  const { values, deployed } = session;
  const decision = rollback(values, deployed, {
    reason: options.reason ?? noReason,
    now: new Date(),
    live: await sharesNow(session),
  });
  const again = session.command("pulumi up");
  // A version of an adapter goes back by the rewrites, not by the route.
  const target = decision.outcome === "update" ? decision.target : undefined;
  const first =
    // A policy pack judges updates before they happen: then nothing happens before the update.
    target === undefined || rolesOf(target).candidate === undefined || options.policyPack !== undefined
      ? undefined
      : () => rollBackFirst(session, target);
  return move(session, decision, options, {
    again,
    takeBack: false,
    ...(first === undefined ? {} : { first }),
  });
}

/** The live route's word, where config and last update do not agree: else a rollback is in a hurry. */
async function sharesNow(session: Session): Promise<Shares> {
  const { values, deployed } = session;
  if (deployed === undefined || rolesOf(values).candidate === deployed.candidate) return {};
  const live = await session.observe();
  return live.outcome === "read" ? liveShares(live.observed) : {};
}

async function move(
  session: Session,
  decision: Decision,
  options: ChangeOptions,
  how: { again: string; takeBack: boolean; first?: () => Promise<string> },
): Promise<number> {
  if (decision.outcome === "refused")
    return refused(session, "Not possible now; nothing was changed.", decision.reasons);
  const { title, target, notes } = decision;
  return carryOut(session, { title, steps: [{ title, target }], notes, ...how }, options);
}

/** `resume`: the config says that a candidate may have traffic again; no update is run. */
export async function runResume(
  session: Session,
  options: ChangeOptions & { reason: string; candidate?: string },
): Promise<number> {
  const { screen, engine, values, deployed } = session;
  const { reason, candidate } = options;
  const decision = resume(values, deployed, {
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
    screen.good(
      `Written to ${engine.file.name}. The traffic has not changed; next step: ${session.command(command("next"))}`,
    );
  }
  screen.result({ ok: true, changes: changes.map(describeChange), written: options.dryRun !== true });
  return exit.done;
}
