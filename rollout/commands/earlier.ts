import type { DeploymentRecord } from "../../stacks/plan/observed";
import { observedByRecord, withLiveLatches, type PastUpdate } from "../steps/deployed";
import { command, type Reason } from "../steps/moves";
import { resolveValues } from "../steps/resolve-values";
import { rolesOf } from "../steps/values";
import { wayBack, type Present, type WayBack } from "../steps/way-back";
import { carryOut, exit, refused } from "./carry-out";
import type { ChangeOptions, Session } from "./session";

/** `rollback --to-update N`: to what an earlier update deployed, in as many updates as it takes. */
export async function runRollbackTo(
  session: Session,
  options: ChangeOptions & { toUpdate: number; reason?: string },
): Promise<number> {
  const { toUpdate } = options;
  const [history, now] = await Promise.all([session.engine.history(), present(session)]);
  if (now.outcome === "unknown")
    return refused(session, "Not possible now; nothing was changed.", [now.reason]);
  const past = history.find(({ number }) => number === toUpdate);
  if (past === undefined) {
    const found = `the stack has no update ${toUpdate}`;
    return refused(session, "Not possible; nothing was changed.", [
      { found, fix: command("rollback --list") },
    ]);
  }
  const reason = options.reason ?? `back to update ${toUpdate}`;
  const way = wayBack(past, now.present, { reason, now: new Date() });
  if (way.outcome === "refused")
    return refused(session, `Cannot go back to update ${toUpdate}; nothing was changed.`, way.reasons);
  if (way.outcome === "same") {
    session.screen.good(`Nothing to do: what update ${toUpdate} deployed is still deployed.`);
    session.screen.result({ ok: true, updates: { done: 0, of: 0 }, errors: [] });
    return exit.done;
  }
  const again = command(`rollback --to-update ${toUpdate}`);
  const title = `back to update ${toUpdate} (${past.time})`;
  const notes = [...way.notes, ...now.notes];
  return carryOut(session, { title, steps: way.steps, notes, again, takeBack: true }, options);
}

/** `rollback --list`: the updates, with whether each can be gone back to, and why not. */
export async function runList(session: Session): Promise<number> {
  const { screen } = session;
  const [history, now] = await Promise.all([session.engine.history(), present(session)]);
  if (now.outcome === "unknown")
    return refused(session, "Not possible now; nothing was changed.", [now.reason]);
  const why = { reason: "listing", now: new Date() };
  const rows = history.map((past) => ({ past, way: wayBack(past, now.present, why) }));
  for (const note of now.notes) screen.line(`(${note})`);
  for (const { past, way } of rows) {
    const { stable, candidate, weight } = rolesOf(past.values);
    const roles = `stable ${stable ?? "-"}, candidate ${candidate ?? "-"}, weight ${weight}`;
    screen.line(`${String(past.number).padStart(4)}  ${past.time}  ${roles}  ${past.message}`);
    for (const line of verdict(way)) screen.faint(`      ${line}`);
  }
  if (rows.length === 0) screen.line("The stack has never been updated.");
  screen.result({
    ok: true,
    updates: rows.map(({ past, way }) => ({ ...summary(past), ...summaryOf(way) })),
    notes: now.notes,
  });
  return exit.done;
}

function verdict(way: WayBack): string[] {
  if (way.outcome === "same") return ["deployed now"];
  if (way.outcome === "refused") return way.reasons.map(({ found }) => `no: ${found}`);
  return [`yes, in ${way.steps.length === 1 ? "one update" : `${way.steps.length} updates`}`];
}

function summary({ number, kind, succeeded, time, message, values }: PastUpdate): object {
  return { number, kind, succeeded, time, message, config: rolesOf(values) };
}

function summaryOf(way: WayBack): object {
  if (way.outcome === "same") return { possible: true, updates: 0 };
  if (way.outcome === "refused") return { possible: false, reasons: way.reasons };
  return { possible: true, updates: way.steps.length };
}

/** What there is now, as well as it can be known: the cluster's own word, else the last update's. */
async function present(
  session: Session,
): Promise<
  { outcome: "known"; present: Present; notes: readonly string[] } | { outcome: "unknown"; reason: Reason }
> {
  const { values, deployed, outputs } = session;
  const common = { values, ...(deployed === undefined ? {} : { deployed }) };
  const live = await session.observe();
  if (live.outcome === "read") {
    const known = deployed === undefined ? {} : { deployed: withLiveLatches(deployed, live.observed) };
    return { outcome: "known", present: { ...common, ...known, observed: live.observed }, notes: [] };
  }
  const resolved = resolveValues(values);
  const record = outputs["deployed"] as DeploymentRecord | undefined;
  if (resolved.outcome !== "resolved" || record === undefined) {
    return {
      outcome: "unknown",
      reason: {
        found: `cannot read what is deployed: ${live.why}`,
        fix: "restore the access to the cluster, or fix the config",
      },
    };
  }
  const observed = { ...observedByRecord(resolved.config.service, record), now: new Date() };
  return {
    outcome: "known",
    present: { ...common, observed },
    notes: [`based on the last update's record, because the cluster could not be read (${live.why})`],
  };
}
