import { setTimeout as sleep } from "node:timers/promises";
import type { Deadline } from "./deadline";
import type { Container } from "./objects";
import { httpGet } from "./probe-check";
import type { RunningProgram } from "./program";
import { leastAfterHookMs, stopHook } from "./termination";

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
