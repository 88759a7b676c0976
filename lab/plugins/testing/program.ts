import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { typescript } from "../../processes/typescript";
import { runCommand, type CommandResult } from "../../tools/command";
import type { TestLab } from "./test-lab";

const checkout = path.join(__dirname, "..", "..", "..");

/** What the tests look at in a resource of the state. */
export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  initErrors?: string[];
}

/** Of a lab, what a program needs. */
type Place = Pick<TestLab, "folder" | "plugins">;

/** A Pulumi program in a folder of its own, with one stack, run by the real engine. */
export class Program {
  readonly folder: string;

  private constructor(
    private readonly lab: Place,
    readonly name: string,
  ) {
    this.folder = path.join(lab.folder, "programs", name);
  }

  /** `source` is the program, in TypeScript. */
  static async make(
    lab: Place,
    name: string,
    source: string,
    config: Readonly<Record<string, string>> = {},
  ): Promise<Program> {
    const program = new Program(lab, name);
    fs.mkdirSync(program.folder, { recursive: true });
    fs.symlinkSync(path.join(checkout, "node_modules"), path.join(program.folder, "node_modules"));
    // Transpiled as the tests themselves are: with ts-node each update takes 0.3 s more.
    const nodeargs = typescript.map((word) => JSON.stringify(word)).join(" ");
    const options = { typescript: false, nodeargs };
    program.file("Pulumi.yaml", JSON.stringify({ name, runtime: { name: "nodejs", options } }));
    program.file("package.json", JSON.stringify({ name, main: "index.ts" }));
    program.write(source);
    await program.mustRun("stack", "init", name);
    for (const [key, value] of Object.entries(config)) await program.mustRun("config", "set", key, value);
    return program;
  }

  write(source: string): void {
    this.file("index.ts", source);
  }

  file(name: string, content: string): void {
    fs.writeFileSync(path.join(this.folder, name), content);
  }

  run(...args: string[]): Promise<CommandResult> {
    return runCommand("pulumi", [...args, "--non-interactive"], {
      cwd: this.folder,
      env: this.environment,
      timeoutSeconds: 120,
    });
  }

  /** @throws Error with all that was printed where it does not end with 0. */
  async mustRun(...args: string[]): Promise<string> {
    const { status, output } = await this.run(...args);
    if (status !== 0)
      throw new Error(`pulumi ${args.join(" ")} ended with ${status ?? "a signal"}:\n${output}`);
    return output;
  }

  up(...args: string[]): Promise<CommandResult> {
    return this.run("up", "--yes", "--skip-preview", ...args);
  }

  mustUp(...args: string[]): Promise<string> {
    return this.mustRun("up", "--yes", "--skip-preview", ...args);
  }

  preview(...args: string[]): Promise<CommandResult> {
    return this.run("preview", "--diff", ...args);
  }

  async destroy(): Promise<void> {
    await this.mustRun("destroy", "--yes", "--skip-preview");
  }

  set(key: string, value: string): Promise<string> {
    return this.mustRun("config", "set", key, value);
  }

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.mustRun("stack", "output", "--json", "--show-secrets")) as Record<
      string,
      unknown
    >;
  }

  async state(): Promise<StateResource[]> {
    const exported = JSON.parse(await this.mustRun("stack", "export")) as {
      deployment: { resources?: StateResource[] };
    };
    return exported.deployment.resources ?? [];
  }

  /** A resource of the state by its name in the program. */
  async resource(name: string): Promise<StateResource | undefined> {
    return (await this.state()).find(({ urn }) => urn.endsWith(`::${name}`));
  }

  /** Starts the engine and leaves it to the test; in a process group of its own. */
  start(...args: string[]): ChildProcess {
    return spawn("pulumi", [...args, "--non-interactive"], {
      cwd: this.folder,
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  }

  private get environment(): NodeJS.ProcessEnv {
    return this.lab.plugins.environment();
  }
}

/** Processes whose command line or parents lead to `pid`, with their command lines. */
export function descendants(pid: number): Map<number, string> {
  const parents = new Map<number, number>();
  const commands = new Map<number, string>();
  for (const name of fs.readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
      commands.set(Number(name), fs.readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " "));
    } catch {
      // It has just ended.
    }
  }
  const found = new Map<number, string>();
  const isBelow = (child: number): boolean => {
    const parent = parents.get(child);
    return parent !== undefined && (parent === pid || (parent > 1 && isBelow(parent)));
  };
  for (const [child, command] of commands) if (isBelow(child)) found.set(child, command);
  return found;
}
