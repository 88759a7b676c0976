import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import { Patience } from "../../lab/processes/patience";
import { projectFolder } from "../../lab/workspace";
import { typescript } from "../../lab/processes/typescript";

/** A command of the project as a person runs it, without a terminal. */
export class Command {
  output = "";
  readonly ended: Promise<number>;
  private readonly child: ChildProcess;

  constructor(
    program: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = process.env,
    folder = projectFolder,
  ) {
    this.child = spawn(process.execPath, [...(program.endsWith(".ts") ? typescript : []), program, ...args], {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.ended = new Promise((resolve) => {
      this.child.once("close", (status, signal) => resolve(signal === null ? (status ?? 1) : -1));
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Waits until it has printed something. @throws Error where it ends before, or the time is up. */
  async prints(what: RegExp, seconds: number): Promise<void> {
    let status: number | undefined;
    void this.ended.then((code) => (status = code));
    const patience = new Patience(seconds);
    while (!what.test(this.output)) {
      if (status !== undefined) throw new Error(`it ended with ${status} before:\n${this.output}`);
      if (!(await patience.pause(100))) throw new Error(`not within ${seconds} s: ${what}\n${this.output}`);
    }
  }
}

/** Processes whose command line mentions a folder: what is left of a lab that lives there. */
export function processesOf(folder: string): { pid: number; command: string }[] {
  return fs.readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      const command = fs.readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ");
      return command.includes(folder) ? [{ pid: Number(entry), command }] : [];
    } catch {
      // It has gone meanwhile.
      return [];
    }
  });
}

/** @throws Error naming what is still there after ten seconds. */
export async function allGone(folder: string): Promise<void> {
  const patience = new Patience(10);
  for (;;) {
    const left = processesOf(folder);
    if (left.length === 0) return;
    if (!(await patience.pause(100)))
      throw new Error(`left behind:\n${left.map(({ pid, command }) => `${pid} ${command}`).join("\n")}`);
  }
}
