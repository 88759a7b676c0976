import type { Keeper } from "../processes/keeper";
import * as fs from "node:fs";
import { spawn } from "node:child_process";
import * as os from "node:os";
import type { Mount } from "../simulator/protocol";
import type { Invocation } from "./environment";
import type { Container, Pod } from "./objects";

/** How a container's program ended. */
export interface Exit {
  /** 128 + n where signal n ended it, as a shell and the kubelet count. */
  code: number;
  message: string;
}

/** A container that runs. */
export interface RunningProgram {
  /** Process id, for what is a process of its own. */
  readonly pid: number | undefined;
  /** Where the pod's ports really are, by port of the pod; empty where they are no other. */
  readonly ports: Readonly<Record<number, number>>;
  /** Resolves when it has ended and nothing listens for it any more. */
  readonly ended: Promise<Exit>;
  /** SIGTERM. */
  terminate(): void;
  /** SIGKILL. */
  kill(): void;
}

/** What a program is started with. */
export interface ContainerStart {
  pod: Pod;
  container: Container;
  invocation: Invocation;
  mounts: readonly Mount[];
  /** A folder for this container alone. */
  folder: string;
  log: string;
  /** Counts the starts of this container. */
  attempt: number;
}

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
