import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * When a process started, in clock ticks since boot; undefined where there is no such process. Together with the
 * process id it names one process for good: ids are used again, pairs are not. Source: proc(5), stat field 22.
 */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Whether the process runs (a zombie does not) and, where `started` is given, is still the one that was meant. */
export function isAlive(pid: number, started?: string): boolean {
  const now = startTimeOf(pid);
  return now !== undefined && (started === undefined || started === "" || started === now);
}

/** Waits for a process to end. @returns whether it has, within that time. */
export async function endsWithin(pid: number, seconds: number): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000;
  while (isAlive(pid) && performance.now() < deadline) await sleep(20);
  return !isAlive(pid);
}
