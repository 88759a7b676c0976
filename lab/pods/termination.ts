import type { LifecycleHandler } from "./objects";

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
export const leastAfterHookMs = 2000;

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
