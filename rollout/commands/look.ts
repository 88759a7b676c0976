import { plan } from "../../stacks/plan/plan";
import { liveShares } from "../../stacks/plan/shares";
import { describePreview, previewReport, type PreviewFacts } from "../steps/preview-report";
import { resolveValues } from "../steps/resolve-values";
import { describeStatus } from "../steps/status";
import { Interruption } from "../terminal/interruption";
import { exit, packs, showPreview, update } from "./carry-out";
import type { ChangeOptions, Session } from "./session";

/** `status`: where the rollout stands. */
export async function runStatus(session: Session): Promise<number> {
  const status = await session.status();
  if (session.screen.json) session.screen.result(status);
  else for (const line of describeStatus(status)) session.screen.line(line);
  return 0;
}

/** `check`: what the program would say to the config as it is; nothing is changed. */
export async function runCheck(session: Session, options: ChangeOptions): Promise<number> {
  const result = await update(session, "preview", (say, signal) =>
    session.engine.preview({ say, signal, ...packs(options) }),
  );
  return showPreview(session, result);
}

/** `preview`: what an update of the config as it is would do, on one screen. */
export async function runPreview(
  session: Session,
  options: ChangeOptions & { markdown?: boolean },
): Promise<number> {
  const { screen, engine } = session;
  const shares = await sharesOfPreview(session);
  const result =
    options.markdown === true
      ? // Nothing but the comment goes to standard output.
        await quietly(engine, (signal) => engine.preview({ signal, ...packs(options) }))
      : await update(session, "preview", (say, signal) => engine.preview({ say, signal, ...packs(options) }));
  const { ok, begun, warnings, errors, cancelled } = result;
  const report = previewReport({ stack: engine.stack, ...shares, ok, begun, warnings, errors });
  if (!screen.json) for (const line of describePreview(report, options.markdown === true)) screen.line(line);
  screen.result(report);
  return cancelled ? exit.interrupted : ok ? exit.done : exit.refused;
}

/** What customers get now, by the live route or else by the last update, and what the config says. */
async function sharesOfPreview(session: Session): Promise<Pick<PreviewFacts, "now" | "then">> {
  const live = await session.observe();
  const { deployed } = session;
  if (live.outcome === "unreadable") return deployed === undefined ? {} : { now: deployed.weights };
  const resolved = resolveValues(session.values);
  if (resolved.outcome === "mistakes") return { now: liveShares(live.observed) };
  return {
    now: liveShares(live.observed),
    then: plan(resolved.config.service, live.observed).plan.shares,
  };
}

/** Without output; Ctrl-C interrupts the engine. */
function quietly<T>(engine: Session["engine"], work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new Interruption(
    () => undefined,
    () => engine.terminate(),
  );
  return interruption.during(() => work(interruption.signal));
}
