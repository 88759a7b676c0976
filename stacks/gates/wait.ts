import { setTimeout as sleep } from "node:timers/promises";

/** How far something is at one moment: done with a value, or what is still missing. */
export type Progress<T> = { state: "done"; value: T } | { state: "waiting"; missing: readonly string[] };

/** Done where nothing is missing. */
export function progressOf<T>(missing: readonly string[], value: T): Progress<T> {
  return missing.length === 0 ? { state: "done", value } : { state: "waiting", missing };
}

export interface WaitOptions {
  timeoutSeconds: number;
  /** Called whenever what is missing changes, and again after 1, 2, 4 and more minutes without a change. */
  report?: (text: string) => void;
  /** Time between two checks, once it has taken a moment: the first ones are closer. Default: 250 ms. */
  everyMs?: number;
  signal?: AbortSignal;
}

const firstReminderMs = 60_000;
/** Before the second check; each further pause is twice as long. A quick gateway is not made slow. */
const firstPauseMs = 30;

/** Checks until it is done. @returns what is missing at the timeout. */
export async function until<T>(
  check: () => Promise<Progress<T>>,
  { timeoutSeconds, report = () => undefined, everyMs = 250, signal }: WaitOptions,
): Promise<Progress<T>> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  let reported = "";
  let since = 0;
  let again = 0;
  let pause = Math.min(firstPauseMs, everyMs);
  for (;;) {
    const progress = await check();
    if (progress.state === "done") return progress;
    if (performance.now() >= deadline || signal?.aborted === true) return progress;
    const text = progress.missing.join("; ");
    if (text !== reported) {
      [reported, since, again] = [text, performance.now(), firstReminderMs];
      report(text);
    } else if (performance.now() - since >= again) {
      report(`${text} (for ${Math.round((performance.now() - since) / 60_000)} min)`);
      again *= 2;
    }
    await sleep(Math.min(pause, Math.max(0, deadline - performance.now())));
    pause = Math.min(pause * 2, everyMs);
  }
}
