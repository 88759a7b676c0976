import { changesBetween, describeChange } from "../steps/changes";
import type { Reason } from "../steps/moves";
import type { Status } from "../steps/status";
import type { Step } from "../steps/way-back";
import type { Replaced } from "../pulumi/stack-file";
import type { UpdateResult } from "../pulumi/update-log";
import { Interruption } from "../terminal/interruption";
import { exit } from "../terminal/screen";
import { ReadOtherwise, type ChangeOptions, type Session } from "./session";
import { errorText } from "../../stacks/messages/user-error";

export { exit };

export interface Undertaking {
  /** What is done, in one line. */
  title: string;
  steps: readonly Step[];
  notes: readonly string[];
  /** The command that goes on where it stopped. */
  again: string;
  /** The same where the config has no edit of this command: it was not made, or was undone. Default: again. */
  anew?: string;
  /**
   * Whether a config that was refused before anything happened is taken back. Not where it leads to less traffic for
   * the candidate: then the next update is to go there, whoever runs it.
   */
  takeBack: boolean;
  /** Done before the first update, once the user has agreed. */
  first?: () => Promise<First>;
  /** What was done before this was decided, in a sentence. */
  before?: string;
}

/** What came of what is done before the first update. */
export interface First {
  /** Whether the live route was written, or found as it was to be written. */
  isBack: boolean;
  /** What was done, or why it was not, in a sentence without its full stop. */
  text: string;
}

/** What a command that changes something tells programs. */
export interface Outcome {
  ok: boolean;
  /** Updates that succeeded, of those that were meant. */
  updates: { done: number; of: number };
  errors: readonly string[];
  /** What was done before the first update; absent: nothing. */
  before?: string;
  status: Status;
}

/**
 * Shows what will be done, asks, and does it update by update. @returns the exit status.
 * @throws ReadOtherwise, before the config is edited.
 */
export async function carryOut(
  session: Session,
  undertaking: Undertaking,
  options: ChangeOptions,
): Promise<number> {
  show(session, undertaking);
  if (options.dryRun === true) return preview(session, undertaking, options);
  if (!(await agreed(session, options))) return exit.refused;
  return withoutGaps((interrupted) => updateByUpdate(session, undertaking, options, interrupted));
}

/**
 * From the consent on, Ctrl-C ends the command only where it can say how things stand: between updates, and within one
 * as the engine does it (update). @param work is told whether there was one.
 */
export function withoutGaps<T>(work: (interrupted: () => boolean) => Promise<T>): Promise<T> {
  const interruption = new Interruption(
    () => undefined,
    () => undefined,
  );
  return interruption.during(() => work(() => interruption.happened));
}

async function updateByUpdate(
  session: Session,
  undertaking: Undertaking,
  options: ChangeOptions,
  interrupted: () => boolean,
): Promise<number> {
  const { screen } = session;
  const { steps, first } = undertaking;
  const begun = await first?.();
  if (begun !== undefined) screen.line(`${begun.text}.`);
  // What an earlier decision did is still done.
  const before = begun?.isBack === true ? `${begun.text}.` : undertaking.before;
  const stopped = (end: Omit<End, "before">): Promise<number> =>
    failed(session, undertaking, { ...end, ...(before === undefined ? {} : { before }) });
  const confirmed = await attempt(() => session.confirmed());
  if ("error" in confirmed) return stopped({ result: nothingBegun(confirmed), done: 0 });
  if (interrupted()) return stopped({ result: nothingBegun("cancelled"), done: 0 });
  if (!confirmed.value) throw new ReadOtherwise(before);
  for (const [i, step] of steps.entries()) {
    const where = steps.length === 1 ? "" : ` (update ${i + 1} of ${steps.length})`;
    // An update that ended well in spite of it is not followed by another one.
    if (interrupted()) return stopped({ result: nothingBegun("cancelled"), done: i });
    const edited = await attempt(() => session.engine.edit(step.target));
    if ("error" in edited) return stopped({ result: nothingBegun(edited), done: i });
    const result = await update(session, `${step.title}${where}`, (say, signal) =>
      session.engine.up({
        message: `rollout: ${step.title}${where}`,
        say,
        signal,
        ...packs(options),
      }),
    );
    if (!result.ok) return stopped({ result, edited: edited.value, done: i });
    for (const warning of result.warnings) screen.line(`  ! ${warning}`);
    // The next update's config was made of what this command read: not of what somebody writes meanwhile.
    const read = await attempt(async () => {
      if (i + 1 < steps.length) session.engine.file.unchanged();
      await session.refresh();
    });
    if (!("error" in read)) continue;
    if (i + 1 < steps.length) {
      return stopped({ result: nothingBegun(read), done: i + 1 });
    }
    // Whoever repeats a `next` that succeeded takes one step more than they know of.
    screen.line(`  ! The update succeeded, but the stack cannot be read: ${read.error}`);
  }
  screen.line();
  const status = await session.showStatus();
  const outcome: Outcome = {
    ok: true,
    updates: { done: steps.length, of: steps.length },
    errors: [],
    status,
  };
  screen.result(outcome);
  return exit.done;
}

export const packs = ({ policyPack }: ChangeOptions): { policyPacks?: readonly string[] } =>
  policyPack === undefined ? {} : { policyPacks: policyPack };

/** A refusal of this command's, with what to do instead. @param what a sentence. @returns the exit status. */
export function refused({ screen }: Session, what: string, reasons: readonly Reason[]): number {
  screen.bad(what);
  for (const { found, fix } of reasons) {
    screen.line(`  found: ${found}`);
    screen.line(`  fix:   ${fix}`);
  }
  screen.result({ ok: false, reasons });
  return exit.refused;
}

function show({ screen, values, engine }: Session, { title, steps, notes }: Undertaking): void {
  screen.line(screen.styled("bold", `${engine.stack}: ${title}`));
  let before = values;
  for (const [i, step] of steps.entries()) {
    if (steps.length > 1) screen.line(`update ${i + 1} of ${steps.length}: ${step.title}`);
    const changes = changesBetween(before, step.target);
    for (const change of changes) screen.line(`  ${describeChange(change)}`);
    if (changes.length === 0) screen.line(`  no change: ${engine.file.name} has these values already`);
    before = step.target;
  }
  for (const note of notes) screen.line(`  (${note})`);
}

/** The user's confirmation, on the command line or at the terminal. */
export async function agreed({ screen }: Session, { yes }: ChangeOptions): Promise<boolean> {
  if (yes === true) return true;
  if (!screen.interactive) {
    screen.bad("Nothing was changed: not a terminal. Use --yes to apply, or --dry-run to preview.");
    screen.result({ ok: false, reasons: [{ found: "not a terminal", fix: "use --yes to apply" }] });
    return false;
  }
  if (/^y(es)?$/i.test(await screen.ask("Apply? [y/N] "))) return true;
  screen.line("Nothing was changed.");
  return false;
}

/** The first update's preview; the later ones start from a world that is not there yet. */
async function preview(session: Session, { steps }: Undertaking, options: ChangeOptions): Promise<number> {
  const { engine, screen } = session;
  const [first] = steps;
  if (first === undefined) return exit.done;
  const result = await engine.withDraft(first.target, (configFile) =>
    update(session, `preview of ${first.title}`, (say, signal) =>
      engine.preview({ configFile, say, signal, ...packs(options) }),
    ),
  );
  if (steps.length > 1)
    screen.line(`Preview of the first of ${steps.length} updates; later updates depend on its result.`);
  screen.line("Nothing was changed.");
  return showPreview(session, result);
}

/** What a preview found. @returns the exit status. */
export function showPreview({ screen }: Session, result: UpdateResult): number {
  const { ok, errors, warnings, begun, cancelled } = result;
  for (const warning of warnings) screen.line(`  ! ${warning}`);
  if (ok) {
    screen.good(
      begun.length === 0
        ? "The update would succeed and change no resources."
        : `The update would change: ${listed(begun)}.`,
    );
  } else {
    screen.bad(cancelled ? "The preview was interrupted." : "The update would fail:");
    for (const error of errors) screen.line(error);
  }
  screen.result({ ok, resources: begun, warnings, errors });
  return cancelled ? exit.interrupted : ok ? exit.done : exit.refused;
}

/** One operation of the engine, with progress, and with Ctrl-C for it alone. */
export async function update(
  { screen, engine }: Session,
  title: string,
  operation: (say: (text: string) => void, signal: AbortSignal) => Promise<UpdateResult>,
): Promise<UpdateResult> {
  return screen.task(
    title,
    async (say) => {
      const interruption = new Interruption(
        () => say("interrupted: waiting for the operations in progress (press Ctrl-C again to stop at once)"),
        () => {
          say("interrupted again: stopping the engine at once");
          engine.terminate();
        },
      );
      return interruption.during(() =>
        operation((text) => {
          if (!interruption.happened) say(text);
        }, interruption.signal),
      );
    },
    ({ ok }) => !ok,
  );
}

/** An end before an update has begun: by Ctrl-C, or by what went wrong. */
export const nothingBegun = (end: "cancelled" | { error: string }): UpdateResult => ({
  ok: false,
  cancelled: end === "cancelled",
  errors: end === "cancelled" ? [] : [end.error],
  warnings: [],
  begun: [],
});

async function attempt<T>(work: () => Promise<T>): Promise<{ value: T } | { error: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: errorText(error) };
  }
}

/** How an undertaking stopped. */
interface End {
  result: UpdateResult;
  /** The edit of its last update; absent: there was none. */
  edited?: Replaced;
  /** Updates that succeeded. */
  done: number;
  /** What was done before the first one. */
  before?: string;
}

/** Says exactly where things stand after an update that failed or was interrupted, and how to go on. */
async function failed(
  session: Session,
  { steps, again, anew = again, takeBack }: Undertaking,
  { result, edited, done, before }: End,
): Promise<number> {
  const { screen, engine } = session;
  const untouched = result.begun.length === 0;
  const undone = takeBack && untouched && edited?.changed === true && edited.undo();
  const edit =
    edited === undefined
      ? `${engine.file.name} was not edited`
      : `the edit of ${engine.file.name} ${undone ? "was undone" : "is kept"}`;
  screen.line();
  screen.bad(result.cancelled ? "The update was interrupted." : "The update failed.");
  for (const error of result.cancelled ? [] : result.errors) screen.line(error);
  screen.line();
  if (steps.length > 1) screen.line(`${done} of ${steps.length} updates completed.`);
  const unchanged =
    before !== undefined
      ? `Before the update: ${before} The update itself changed no resources`
      : done > 0
        ? "The next update changed no resources"
        : "No resources changed";
  screen.line(
    untouched
      ? `${unchanged}; ${edit}.`
      : `The update had started on: ${listed(result.begun)}. The edit of ${engine.file.name} is kept.`,
  );
  await attempt(() => session.refresh());
  const status = await session.showStatus(edited === undefined || undone ? anew : again);
  const outcome: Outcome = {
    ok: false,
    updates: { done, of: steps.length },
    errors: result.cancelled ? ["interrupted"] : result.errors,
    ...(before === undefined ? {} : { before }),
    status,
  };
  screen.result(outcome);
  return result.cancelled ? exit.interrupted : exit.refused;
}

function listed(resources: readonly string[]): string {
  const shown = resources.slice(0, 5).join(", ");
  return resources.length > 5 ? `${shown} and ${resources.length - 5} more` : shown;
}
