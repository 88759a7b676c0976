import type { RunningProgram } from "./program";
import { setTimeout as sleep } from "node:timers/promises";
import { httpGet } from "./probe-check";
import type { Container, LifecycleHandler } from "./objects";

/** What a preStop hook amounts to in a lab. */
export type StopHook =
  | { kind: "none" }
  | { kind: "sleep"; ms: number }
  | { kind: "httpGet"; action: NonNullable<LifecycleHandler["httpGet"]> }
  | { kind: "unsupported"; what: string };

/** An exec hook that does nothing but sleep is a sleep: that is how it was written before there was `sleep`. */
export function stopHook(handler: LifecycleHandler | undefined): StopHook {
  if (handler === undefined) return { kind: "none" };
  if (handler.sleep !== undefined) return { kind: "sleep", ms: handler.sleep.seconds * 1000 };
  if (handler.httpGet !== undefined) return { kind: "httpGet", action: handler.httpGet };
  const words = (handler.exec?.command ?? []).join(" ");
  const slept = /^(?:(?:\/[\w/]*\/)?(?:ba|da)?sh -c )?(?:\/[\w/]*\/)?sleep (\d+(?:\.\d+)?)s?;?$/.exec(
    words.trim(),
  );
  if (slept !== null) return { kind: "sleep", ms: Number(slept[1]) * 1000 };
  return { kind: "unsupported", what: words === "" ? Object.keys(handler).join(", ") : `exec ${words}` };
}

/** A container gets this long after SIGTERM even where its preStop hook has used up the whole grace period. */
const leastAfterHookMs = 2000;

export type AfterExit = "restart" | "done" | "report";

/**
 * What follows the end of a container that nobody asked to end.
 * @param restartContainers false: an end that Kubernetes would answer with a restart is reported instead, because
 *   a rehearsal whose picker died must not go on as if nothing had been.
 */
export function afterExit(
  policy: string | undefined,
  code: number,
  role: "init" | "sidecar" | "main",
  restartContainers: boolean,
): AfterExit {
  if (role === "init" && code === 0) return "done";
  // An init container is tried again unless the pod's policy is Never; a sidecar is always started again.
  const restarts =
    role === "sidecar" || (policy ?? "Always") === "Always" || (policy === "OnFailure" && code !== 0);
  if (!restarts) return "done";
  return restartContainers ? "restart" : "report";
}

/** A point in time that can only come nearer: a pod's grace period, which a second deletion may shorten. */
export class Deadline {
  private timer: NodeJS.Timeout | undefined;
  private at: number;
  private reach: () => void = () => undefined;
  private readonly reached = new Promise<void>((resolve) => (this.reach = resolve));

  constructor(ms: number) {
    this.at = performance.now() + ms;
    this.arm();
  }

  get leftMs(): number {
    return Math.max(0, this.at - performance.now());
  }

  /** Resolves when the time has come. */
  get over(): Promise<void> {
    return this.reached;
  }

  shorten(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.at) return;
    this.at = at;
    this.arm();
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    clearTimeout(this.timer);
  }

  private arm(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.reach(), this.leftMs);
  }
}

/**
 * Ends a container's program as the kubelet does: its preStop hook, SIGTERM, and SIGKILL when the deadline is over.
 * @param host the pod's address, for a hook that asks there
 * @param unsupported told about a hook that the lab cannot run
 */
export async function endProgram(
  program: RunningProgram,
  container: Container,
  host: string,
  deadline: Deadline,
  unsupported: (message: string) => void,
): Promise<void> {
  const hook = stopHook(container.lifecycle?.preStop);
  const ended = program.ended.then(() => "ended" as const);
  const endedBefore = async (other: Promise<unknown>): Promise<boolean> =>
    (await Promise.race([ended, other])) === "ended";
  if (hook.kind === "unsupported") {
    unsupported(`the lab cannot run the preStop hook (${hook.what}); SIGTERM follows at once`);
  }
  if (hook.kind === "sleep" || hook.kind === "httpGet") {
    const over = new AbortController();
    const ran =
      hook.kind === "sleep"
        ? sleep(hook.ms, undefined, { signal: over.signal }).catch(() => undefined)
        : httpGet(hook.action, { host, ports: container.ports ?? [] }, deadline.leftMs);
    const early = await endedBefore(Promise.race([ran, deadline.over]));
    over.abort();
    if (early) return;
  }
  program.terminate();
  const least = sleep(hook.kind === "none" ? 0 : leastAfterHookMs, undefined, { ref: false });
  if (!(await endedBefore(Promise.all([deadline.over, least])))) program.kill();
  await program.ended;
}

const firstMs = 1000;

const longestMs = 10_000;

/** A container that ran this long starts from the first delay again. */
const calmMs = 60_000;

/**
 * How long to wait before the n-th restart of a container (n from 0): 1 s, doubling to 10 s. Kubernetes begins
 * with 10 s and goes to five minutes; a rehearsal has no time for that.
 */
export function restartDelay(restarts: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(restarts, 10));
}

/** Restarts that still count for the delay after a container has run for `ranMs`. */
export function restartsAfter(restarts: number, ranMs: number): number {
  return ranMs >= calmMs ? 0 : restarts;
}
