import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import type { Keeper } from "../processes/keeper";
import type { Exit } from "./program";

export interface ChildSpec {
  command: string;
  args: readonly string[];
  /** The whole environment: nothing is inherited, as in a container. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  log: string;
}

export interface Child {
  readonly pid: number | undefined;
  readonly ended: Promise<Exit>;
  signal(signal: NodeJS.Signals): void;
}

/** Starts a process in a group of its own, which the keeper ends should this process die. */
export function startChild(spec: ChildSpec, keeper: Keeper): Child {
  const out = fs.openSync(spec.log, "a");
  const { command, args, env, cwd } = spec;
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", out, out], detached: true });
  fs.closeSync(out);
  const { pid } = child;
  if (pid !== undefined) keeper.add(pid);
  const signal = (name: NodeJS.Signals): void => {
    if (pid === undefined) return;
    try {
      process.kill(-pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const ended = new Promise<Exit>((resolve) => {
    child.once("error", (error) => resolve({ code: 128, message: error.message }));
    child.once("exit", (status, by) => {
      // What the process may have started must not outlive it; then its number may be used again.
      signal("SIGKILL");
      if (pid !== undefined) keeper.remove(pid);
      if (by === null) resolve({ code: status ?? 0, message: "" });
      else resolve({ code: 128 + os.constants.signals[by], message: `ended by ${by}` });
    });
  });
  return { pid, ended, signal };
}
