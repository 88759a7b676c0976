import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** What one run of a command took, in seconds. */
export interface Sample {
  wall: number;
  /** Processor time of the command and of all processes that it waited for, in user and system mode. */
  processor: number;
  /** Most memory that the command and its processes had together, in MB; only where it was asked for. */
  memory?: number;
}

export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** One command beside another in the same rounds: ratios are taken round by round, so that what slows a round slows both. */
export interface Compared {
  name: string;
  wall: Spread;
  processor: Spread;
  memory?: Spread;
  /** To the first of the comparison; absent for that one. */
  ratio?: { wall: Spread; processor: Spread };
}

/** Seconds from something to something, several times. */
export interface Delays {
  name: string;
  seconds: Spread;
  samples: number;
}

/** Moves of one stack, beside those of stacks with more or less in them. */
export interface Sized {
  name: string;
  /** Of its state, the stack itself included. */
  resources: number;
  /** Wall time of a move that gives the candidate more, which the gate checks; and of one that gives it less. */
  up: Spread;
  back: Spread;
  /** Processor time of the latter. */
  processor: Spread;
  /** Most memory that the CLI, the engine, the program and the providers have together, in MB. */
  memory: Spread;
}

/** What each resource more adds to a move, between two stacks that differ in nothing but their number of resources. */
export interface Growth {
  /** Resources of both. */
  from: number;
  to: number;
  /** Seconds. */
  wall: Spread;
  processor: Spread;
  /** MB. */
  memory: Spread;
}

/** Moves of one stack, in the order of the rounds. */
export interface Moves {
  resources: number;
  samples: readonly Sample[];
}

/** Taken round by round, so that what slows a round slows both. */
export function growth(some: Moves, many: Moves): Growth {
  const more = many.resources - some.resources;
  const each = (of: "wall" | "processor" | "memory"): Spread =>
    spread(
      many.samples.map((sample, round) => ((sample[of] ?? NaN) - (some.samples[round]?.[of] ?? NaN)) / more),
    );
  return {
    ...{ from: some.resources, to: many.resources },
    ...{ wall: each("wall"), processor: each("processor"), memory: each("memory") },
  };
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error("nothing was measured");
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** @param samples of each command, one a round; the first command is what the others are compared with. */
export function compare(samples: Readonly<Record<string, readonly Sample[]>>): Compared[] {
  const [first = []] = Object.values(samples);
  const ratios = (own: readonly Sample[], of: "wall" | "processor"): Spread =>
    spread(own.map((sample, round) => sample[of] / (first[round]?.[of] ?? NaN)));
  return Object.entries(samples).map(([name, own], i) => ({
    name,
    wall: spread(own.map(({ wall }) => wall)),
    processor: spread(own.map(({ processor }) => processor)),
    ...(own.some(({ memory }) => memory === undefined)
      ? {}
      : { memory: spread(own.map(({ memory }) => memory ?? NaN)) }),
    ...(i === 0 ? {} : { ratio: { wall: ratios(own, "wall"), processor: ratios(own, "processor") } }),
  }));
}

/**
 * Runs a command and measures it, with the shell's own clock: it knows the processor time of everything that the command
 * started and waited for.
 * @throws Error with what it printed, where it ends with another status than 0.
 */
export async function measured(
  command: string,
  args: readonly string[],
  { memory = false, ...options }: { cwd?: string; env?: NodeJS.ProcessEnv; memory?: boolean } = {},
): Promise<Sample> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bench-"));
  const [times, output] = [path.join(folder, "times"), path.join(folder, "output")];
  try {
    const script = `TIMEFORMAT='%R %U %S'; { time "$@" > ${output} 2>&1; } 2> ${times}`;
    const child = spawn("bash", ["-c", script, "bash", command, ...args], { ...options, stdio: "ignore" });
    const peak = memory ? new PeakMemory(child.pid ?? 0) : undefined;
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    peak?.stop();
    if (status !== 0) {
      throw new Error(
        `${command} ${args.join(" ")} ended with ${status ?? "a signal"}:\n${fs.readFileSync(output, "utf8")}`,
      );
    }
    const last = fs.readFileSync(times, "utf8").trim().split("\n").at(-1) ?? "";
    const [wall = NaN, user = NaN, system = NaN] = last.split(" ").map(Number);
    return { wall, processor: user + system, ...(peak === undefined ? {} : { memory: peak.megabytes }) };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Looks at a process and all below it, ten times a second. */
class PeakMemory {
  megabytes = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly root: number) {
    this.timer = setInterval(() => this.look(), 100);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const parents = new Map<number, { parent: number; pages: number }>();
    for (const name of fs.readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      try {
        // After the name, which is in brackets and may hold anything: state, parent, and 21 fields on resident pages.
        const fields = fs
          .readFileSync(`/proc/${name}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ");
        parents.set(Number(name), { parent: Number(fields[1]), pages: Number(fields[21]) });
      } catch {
        // It has ended meanwhile.
      }
    }
    const isBelow = (pid: number): boolean => {
      if (pid === this.root) return true;
      const parent = parents.get(pid)?.parent ?? 0;
      return parent > 0 && isBelow(parent);
    };
    const pages = [...parents].reduce((sum, [pid, { pages: own }]) => sum + (isBelow(pid) ? own : 0), 0);
    this.megabytes = Math.max(this.megabytes, (pages * 4096) / 1e6);
  }
}
