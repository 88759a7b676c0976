import { setTimeout as sleep } from "node:timers/promises";

/** What a wait found at one moment: done with a value, or what is still missing. */
export type Progress<T> = { done: T } | { missing: readonly string[] };

export interface WaitOptions {
  timeoutSeconds: number;
  /** Told whenever what is missing changes, and every ten seconds. */
  report?: (text: string) => void;
  /** Default 250 ms: a gateway that is quick should not be made slow by asking rarely. */
  everyMs?: number;
  signal?: AbortSignal;
}

/** Asks until it is done. @returns what is missing when the time is up. */
export async function until<T>(
  look: () => Promise<Progress<T>>,
  { timeoutSeconds, report = () => undefined, everyMs = 250, signal }: WaitOptions,
): Promise<Progress<T>> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  let told = "";
  let toldAt = 0;
  for (;;) {
    const progress = await look();
    if ("done" in progress) return progress;
    if (Date.now() >= deadline || signal?.aborted === true) return progress;
    const text = progress.missing.join("; ");
    if (text !== told || Date.now() - toldAt > 10_000) {
      told = text;
      toldAt = Date.now();
      report(text);
    }
    await sleep(Math.min(everyMs, Math.max(0, deadline - Date.now())));
  }
}
