import { describeStatus } from "../steps/status";
import { packs, showPreview, update } from "./carry-out";
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
