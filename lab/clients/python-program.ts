import { spawn, type ChildProcess } from "node:child_process";
import { Patience } from "../processes/patience";
import { Keeper } from "../processes/keeper";

export interface PythonSpec {
  /** Interpreter of an environment (see tools/python.ts). */
  python: string;
  args: readonly string[];
  /** Added to an environment that reaches this machine only. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** It is killed after that long. It should have ended by itself before. */
  seconds: number;
}

/** A Python program of a test, with all of its processes: they end with it, and with the test. */
export class PythonProgram {
  /** Standard output and error, in the order in which they came. */
  output = "";
  /** Lines of standard output so far. */
  readonly lines: string[] = [];
  /** Its status; -1 where a signal ended it. */
  readonly ended: Promise<number>;
  private readonly child: ChildProcess;
  private status: number | undefined;

  constructor({ python, args, env = {}, cwd, seconds }: PythonSpec) {
    this.child = spawn(python, args, {
      cwd,
      env: localEnvironment(env),
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    const { pid, stdin, stdout, stderr } = this.child;
    if (pid !== undefined) keeper().add(pid);
    // It may have ended before it hears the last word.
    stdin?.on("error", () => undefined);
    let rest = "";
    stdout?.on("data", (chunk: Buffer) => {
      this.output += chunk.toString();
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines);
    });
    stderr?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    const timer = setTimeout(() => {
      this.output += `killed after ${seconds} s\n`;
      this.kill();
    }, seconds * 1000);
    this.ended = new Promise((resolve) => {
      const over = (status: number): void => {
        clearTimeout(timer);
        this.status = status;
        // What it may have started must not outlive it; then its number may be used again.
        this.kill();
        if (pid !== undefined) keeper().remove(pid);
        resolve(status);
      };
      this.child.once("error", (error) => {
        this.output += `${error.message}\n`;
        over(-1);
      });
      this.child.once("close", (status, signal) => over(signal === null ? (status ?? -1) : -1));
    });
  }

  /** A line on its standard input. */
  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Waits for something of it. @throws Error with what it printed, where it ends before or the time is up. */
  async until(holds: () => boolean, what: string, seconds: number): Promise<void> {
    const patience = new Patience(seconds);
    while (!holds()) {
      if (this.status !== undefined) {
        throw new Error(`${what}: it ended with status ${this.status} before\n${this.output}`);
      }
      if (!(await patience.pause(50))) throw new Error(`${what}: not within ${seconds} s\n${this.output}`);
    }
  }

  kill(): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

let ownKeeper: Keeper | undefined;
const keeper = (): Keeper => (ownKeeper ??= new Keeper());

/** Nothing of a proxy, of a model hub or of somebody's own account: traffic stays on this machine. */
function localEnvironment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(.*_proxy|OPENAI_.*|HF_.*|HUGGING_?FACE.*|AIPERF_.*|PYTHON.*|VIRTUAL_ENV)$/i.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    NO_PROXY: "*",
    PYTHONUNBUFFERED: "1",
    // A hub that is nowhere: whoever asks it fails at once, and says so.
    HF_ENDPOINT: "http://127.0.0.1:9",
    HF_HUB_DISABLE_TELEMETRY: "1",
    ...env,
  };
}

/** Seconds between two lines of progress where nobody watches a terminal. */
const pause = 5;

/** Prints what an installation says, a line every few seconds: a test of a minute must not look as if it hung. */
export function progressOf(name: string): (line: string) => void {
  const began = performance.now();
  let next = began;
  return (line) => {
    if (performance.now() < next) return;
    next = performance.now() + pause * 1000;
    console.log(`# ${name}: ${Math.round((performance.now() - began) / 1000)} s: ${line}`);
  };
}
