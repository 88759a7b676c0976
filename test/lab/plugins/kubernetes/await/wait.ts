import type { Severity } from "../../protocol/engine";
import { messageOf } from "../../protocol/errors";
import { record } from "../../protocol/record";
import type { Client } from "../api/client";
import { numberAt, textAt, uidOf, type KubeObject } from "../api/objects";
import { StatusError } from "../api/status";

/** What all waiting needs. */
export interface WaitContext {
  client: Client;
  /** Aborted when the user cancels the update. */
  cancel: AbortSignal;
  timeoutMs: number;
  /** The line beside the resource. */
  status: (message: string, severity?: Severity) => Promise<void>;
  /** A message that stays. */
  log: (message: string, severity: Severity) => Promise<void>;
}

/** What a look at an object says. */
export interface Look {
  done: boolean;
  /** What to tell beside the resource. */
  message?: string;
  severity?: Severity;
  /** Waiting is in vain: it ends at once with this. */
  failure?: Error;
}

export interface Outcome {
  object: KubeObject;
  end: "done" | "timeout" | "cancelled";
}

/** How often an object is read again even if nothing seems to change: its children may have. */
const rereadMs = 2000;

/**
 * Looks at an object whenever it changes, and every two seconds, until `look` is content, time is up or the user
 * cancels. Objects older than the one we wrote are not looked at.
 */
export async function waitFor(
  context: WaitContext,
  written: KubeObject,
  look: (object: KubeObject) => Look | Promise<Look>,
): Promise<Outcome> {
  const stop = new AbortController();
  const watcher = new Watcher(context.client, written, stop.signal);
  const deadline = Date.now() + context.timeoutMs;
  const generation = numberAt(written, "metadata", "generation") ?? 0;
  let object = written;
  try {
    for (;;) {
      const latest = watcher.take();
      if (latest !== undefined && (numberAt(latest, "metadata", "generation") ?? 0) >= generation)
        object = latest;
      const seen = await look(object);
      if (seen.failure !== undefined) throw seen.failure;
      if (seen.message !== undefined) await context.status(seen.message, seen.severity);
      if (seen.done) return { object, end: "done" };
      if (context.cancel.aborted) return { object, end: "cancelled" };
      const left = deadline - Date.now();
      if (left <= 0) return { object, end: "timeout" };
      await watcher.change(Math.min(left, rereadMs), context.cancel);
    }
  } finally {
    stop.abort();
  }
}

/** Waits until an object is gone; what it is called again under the same name by others does not count. */
export async function waitUntilGone(
  context: WaitContext,
  last: KubeObject,
  look: (object: KubeObject) => Look,
): Promise<Outcome> {
  const deadline = Date.now() + context.timeoutMs;
  const stop = new AbortController();
  let object = last;
  let watcher: Watcher | undefined;
  try {
    for (;;) {
      const now = watcher?.deleted === true ? undefined : await read(context.client, object);
      if (now === undefined || (uidOf(last) !== "" && uidOf(now) !== uidOf(last)))
        return { object, end: "done" };
      object = now;
      watcher ??= new Watcher(context.client, object, stop.signal);
      const { message, severity } = look(object);
      if (message !== undefined) await context.status(message, severity);
      if (context.cancel.aborted) return { object, end: "cancelled" };
      const left = deadline - Date.now();
      if (left <= 0) return { object, end: "timeout" };
      await watcher.change(Math.min(left, rereadMs), context.cancel);
      watcher.take();
    }
  } finally {
    stop.abort();
  }
}

async function read(client: Client, object: KubeObject): Promise<KubeObject | undefined> {
  try {
    return await client.get(object);
  } catch (error) {
    if (error instanceof StatusError && error.isNotFound) return undefined;
    throw error;
  }
}

/** Resolves after `ms`, or when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

/** Follows one object. */
class Watcher {
  /** It was there, and it is gone. */
  deleted = false;
  private latest: KubeObject | undefined;
  private news = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly client: Client,
    private readonly written: KubeObject,
    private readonly signal: AbortSignal,
  ) {
    void this.follow();
  }

  /** The object as it is since the last time it was taken; undefined where nothing has happened. */
  take(): KubeObject | undefined {
    const { latest } = this;
    this.latest = undefined;
    this.news = false;
    return latest;
  }

  /** Resolves when there is something new, on cancel, or after `ms` with the object as it is then. */
  async change(ms: number, cancel: AbortSignal): Promise<void> {
    if (this.news) return;
    const woken = new AbortController();
    this.wake = () => woken.abort();
    const either = AbortSignal.any([woken.signal, cancel]);
    await pause(ms, either);
    if (!either.aborted) this.latest ??= await read(this.client, this.written).catch(() => undefined);
  }

  private async follow(): Promise<void> {
    let from = this.written;
    while (!isAborted(this.signal)) {
      try {
        await this.client.watch(
          from,
          ({ type, object }) => {
            if (type === "BOOKMARK") return;
            // Too old to follow on from: the server ends the watch, and we read the object again.
            if (type === "ERROR") {
              record(`watch: ${textAt(object, "message")}`);
              return;
            }
            from = object;
            this.deleted = type === "DELETED";
            this.latest = this.deleted ? undefined : object;
            this.news = true;
            this.wake();
          },
          this.signal,
        );
      } catch (error) {
        record(`watch: ${messageOf(error)}`);
      }
      if (isAborted(this.signal)) return;
      await pause(500, this.signal);
      from = (await read(this.client, from).catch(() => undefined)) ?? from;
    }
  }
}

// A function, because the compiler would take the first answer for the only one.
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
