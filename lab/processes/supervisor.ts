import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Patience } from "./patience";
import { Keeper } from "./keeper";

export interface ProcessSpec {
  /** Unique within the lab; also the name of its log file. */
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Resolves to true once the process serves, within 10 s; asked every 50 ms. Absent: ready when started. */
  ready?: () => Promise<boolean>;
  readySeconds?: number;
  /** Seconds between SIGTERM and SIGKILL when it is stopped. Default 5. */
  graceSeconds?: number;
}

/** A process of the lab that failed to start or died by itself. The message ends with the end of its log. */
export class ProcessFailed extends Error {
  constructor(
    readonly process: string,
    what: string,
    readonly log: string,
  ) {
    super(`${process} ${what}. The end of its log (${log}):\n${endOf(log).replace(/^/gm, "    ")}`);
  }
}

export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  /** Resolves when the process has ended, with how. */
  readonly ended: Promise<string>;
  /** SIGTERM, and SIGKILL after the grace; resolves when it is gone. Not reported as a death. */
  stop(): Promise<void>;
  /** Sends a signal and lets the lab see the consequence: for fault tests. */
  signal(signal: NodeJS.Signals): void;
}

/** Starts, watches and ends the processes of one lab. */
export class Supervisor {
  private readonly keeper = new Keeper();
  private readonly running = new Map<string, Running>();
  private stopping: Promise<void> | undefined;
  private readonly death: { promise: Promise<ProcessFailed>; resolve: (failure: ProcessFailed) => void };

  constructor(private readonly logs: string) {
    fs.mkdirSync(logs, { recursive: true });
    let resolve: (failure: ProcessFailed) => void = () => undefined;
    const promise = new Promise<ProcessFailed>((done) => (resolve = done));
    this.death = { promise, resolve };
  }

  /** Resolves when a process has died that nobody stopped: the first one. Never rejects. */
  get firstDeath(): Promise<ProcessFailed> {
    return this.death.promise;
  }

  get processes(): readonly Running[] {
    return [...this.running.values()];
  }

  /** @throws ProcessFailed when it dies or is not ready in time; it is gone by then. */
  async start(spec: ProcessSpec): Promise<Running> {
    if (this.stopping !== undefined) throw new Error(`the lab is stopping, so ${spec.name} was not started`);
    if (this.running.has(spec.name)) throw new Error(`${spec.name} is already running`);
    const log = path.join(this.logs, `${spec.name}.log`);
    const out = fs.openSync(log, "a");
    fs.writeSync(out, `# ${new Date().toISOString()} ${spec.command} ${spec.args.join(" ")}\n`);
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...process.env, ...spec.env },
      stdio: ["ignore", out, out],
      detached: true,
    });
    fs.closeSync(out);
    const running = this.watch(spec, child, log);
    try {
      await this.untilReady(spec, running);
      return running;
    } catch (error) {
      await running.stop();
      throw error;
    }
  }

  /** Ends all processes, the last started first. Safe to call more than once. */
  stop(): Promise<void> {
    this.stopping ??= (async () => {
      for (const process of [...this.running.values()].reverse()) await process.stop();
      this.keeper.close();
    })();
    return this.stopping;
  }

  private watch(spec: ProcessSpec, child: ChildProcess, log: string): Running {
    let expected = false;
    const pid = child.pid;
    if (pid !== undefined) this.keeper.add(pid);
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error) => {
        fs.appendFileSync(log, `${error.message}\n`);
        resolve(`could not be started (${error.message})`);
      });
      child.once("exit", (status, signal) =>
        resolve(signal === null ? `exited with status ${status}` : `was ended by ${signal}`),
      );
    });
    const running: Running = {
      name: spec.name,
      pid: pid ?? -1,
      log,
      ended,
      stop: async () => {
        expected = true;
        if (pid === undefined) return;
        signalGroup(pid, "SIGTERM");
        const grace = (spec.graceSeconds ?? 5) * 1000;
        const timer = setTimeout(() => signalGroup(pid, "SIGKILL"), grace);
        await ended;
        clearTimeout(timer);
        signalGroup(pid, "SIGKILL");
      },
      signal: (signal) => signalGroup(pid ?? -1, signal),
    };
    this.running.set(spec.name, running);
    void ended.then((how) => {
      this.running.delete(spec.name);
      if (pid !== undefined) this.keeper.remove(pid);
      if (!expected && this.stopping === undefined) {
        this.death.resolve(new ProcessFailed(spec.name, how, log));
      }
    });
    return running;
  }

  private async untilReady(spec: ProcessSpec, running: Running): Promise<void> {
    let how: string | undefined;
    void running.ended.then((text) => (how = text));
    const seconds = spec.readySeconds ?? 180;
    const patience = new Patience(seconds);
    await sleep(0);
    for (;;) {
      if (how !== undefined) throw new ProcessFailed(spec.name, how, running.log);
      if (spec.ready === undefined || (await within(spec.ready()))) return;
      if (!(await patience.pause(50))) {
        throw new ProcessFailed(spec.name, `was not ready after ${seconds} s`, running.log);
      }
    }
  }
}

/** What accepts a connection and does not answer is not ready either. */
function within(ready: Promise<boolean>, seconds = 10): Promise<boolean> {
  return Promise.race([ready.catch(() => false), sleep(seconds * 1000, false, { ref: false })]);
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  if (group <= 1) return;
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The last lines of a log file; never more than 64 KiB of it are read. */
export function endOf(file: string, lines = 20): string {
  try {
    const size = fs.statSync(file).size;
    const length = Math.min(size, 65_536);
    const buffer = Buffer.alloc(length);
    const handle = fs.openSync(file, "r");
    fs.readSync(handle, buffer, 0, length, size - length);
    fs.closeSync(handle);
    return buffer.toString().trimEnd().split("\n").slice(-lines).join("\n");
  } catch (error) {
    return `(no log: ${error instanceof Error ? error.message : String(error)})`;
  }
}
