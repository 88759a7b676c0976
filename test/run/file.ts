import { spawn, type ChildProcess } from "node:child_process";
import * as path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { typescript } from "../../lab/processes/typescript";

/**
 * What record.cjs tells of a test or suite. `known` comes before `begun`: those at the top are known at once. `planned`
 * comes after all of those within. `said` is a diagnostic: at the top, also of an error outside of the tests.
 */
export interface Happened {
  what: "known" | "begun" | "passed" | "failed" | "planned" | "said";
  /** What was said, of `said`. */
  name: string;
  /** 0 for those at the top of the file. */
  nesting: number;
  isSuite: boolean;
  /** Skipped or to do. */
  isLeft: boolean;
  /** Of one that failed by itself, not by what is in it. */
  error: string | undefined;
}

export interface FileResult {
  file: string;
  passed: boolean;
  /** Tests that passed, without suites. */
  tests: number;
  left: number;
  failures: readonly { test: string; error: string }[];
  /** What is wrong with the file as a whole: it did not end, or ended without a test that says why. */
  problem: string | undefined;
  /** What it printed. */
  output: string;
  /** What there is to say of it beside its tests. */
  notes: readonly string[];
  seconds: number;
}

export interface Limits {
  /** For all of a file. */
  seconds: number;
  /** After its last test: connections close, processes end. Default 20. */
  afterTests?: number;
  /** From SIGTERM to SIGKILL: labs are taken down. Default 15. */
  toEnd?: number;
}

/**
 * One test file in a process of its own. Not by `node --test`, which waits for ever for a file that does not end, or
 * whose output another process holds, and prints nothing of those after it.
 */
export class TestFile {
  private readonly began = performance.now();
  /** The tests under way, by their nesting. */
  private readonly path: string[] = [];
  private readonly failures: { test: string; error: string }[] = [];
  private tests = 0;
  private left = 0;
  private openAtTop = 0;
  private isWhole = false;
  private output = "";
  private readonly notes: string[] = [];
  private problem: string | undefined;
  private idle: NodeJS.Timeout | undefined;
  private readonly child: ChildProcess;
  readonly result: Promise<FileResult>;

  constructor(
    readonly file: string,
    private readonly limits: Limits,
  ) {
    const reporter = [
      "--test-reporter",
      path.join(__dirname, "record.cjs"),
      "--test-reporter-destination=stdout",
    ];
    this.child = spawn(process.execPath, [...typescript, ...reporter, file], {
      // Of a test that runs this: node would speak to the outer one.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    }
    createInterface(this.child.stdio[3] as Readable).on("line", (line) => this.read(line));
    this.result = this.ended();
  }

  /** What runs now, and since when, for somebody who waits. */
  get running(): string {
    return `${[this.file, ...this.path].join(" › ")} (${this.seconds} s)`;
  }

  private get seconds(): number {
    return Math.round((performance.now() - this.began) / 1000);
  }

  private read(line: string): void {
    try {
      this.saw(JSON.parse(line) as Happened);
    } catch {
      // It was ended while it wrote.
      this.problem ??= "The last thing that it told is cut off";
    }
  }

  private saw({ what, name, nesting, isSuite, isLeft, error }: Happened): void {
    if (what === "known") {
      if (nesting === 0) this.openAtTop++;
      return;
    }
    if (what === "planned") {
      if (nesting === 0) this.isWhole = true;
      return;
    }
    if (what === "said") {
      // What node adds up at the end is added up here.
      if (nesting > 0 || !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(name))
        this.output += `${name}\n`;
      return;
    }
    this.path.length = nesting;
    clearTimeout(this.idle);
    if (what === "begun") {
      this.path.push(name);
      return;
    }
    if (error !== undefined) this.failures.push({ test: [...this.path, name].join(" › "), error });
    if (isLeft) this.left++;
    else if (what === "passed" && !isSuite) this.tests++;
    if (nesting > 0 || --this.openAtTop > 0) return;
    const { afterTests = 20 } = this.limits;
    this.idle = setTimeout(
      () => void this.end(`All its tests were done, but it did not end within ${afterTests} s`),
      afterTests * 1000,
    );
  }

  private async ended(): Promise<FileResult> {
    const { seconds: most } = this.limits;
    const limit = setTimeout(
      () => void this.end(`It was not done after ${most} s: ${this.running}`),
      most * 1000,
    );
    const closed = new Promise<boolean>((resolve) => this.child.once("close", () => resolve(true)));
    const how = await new Promise<number | string>((resolve) => {
      this.child.once("error", (error) => resolve(error.message));
      this.child.once("exit", (status, signal) => resolve(status ?? signal ?? "?"));
    });
    clearTimeout(limit);
    if (!(await Promise.race([closed, sleep(2000, false, { ref: false })]))) {
      this.notes.push("a process that it started and left still holds its output");
      // Else this process would not end before that one.
      for (const stream of this.child.stdio) stream?.destroy();
    }
    clearTimeout(this.idle);
    if (how !== 0 && this.failures.length === 0) this.problem ??= `It ended with ${how}`;
    else if (!this.isWhole) this.problem ??= `It ended before its tests: ${this.running}`;
    const { file, tests, left, failures, problem, output, notes, seconds } = this;
    const passed = how === 0 && problem === undefined && failures.length === 0;
    return { file, passed, tests, left, failures, problem, output, notes, seconds };
  }

  /** Ends it, if it has not ended. @param problem why. */
  async end(problem: string): Promise<void> {
    this.problem ??= problem;
    this.child.kill("SIGTERM");
    await sleep((this.limits.toEnd ?? 15) * 1000, undefined, { ref: false });
    this.child.kill("SIGKILL");
  }
}
