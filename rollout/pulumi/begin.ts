import { spawn, type ChildProcess } from "node:child_process";

export interface CommandResult {
  stdout: string;
  stderr: string;
  code: number;
}

/** A `pulumi` command that runs. */
export interface Running {
  child: ChildProcess;
  /** Whatever came of it. Fails only where there is no `pulumi` to run. */
  ended: Promise<CommandResult>;
}

/** Commands that run before somebody wants to know their result, by their words. */
export type Begun = Map<string, Running>;

/** What a command is known by, until somebody asks for its result. */
export const keyOf = (args: readonly string[], cwd: string): string => JSON.stringify([cwd, ...args]);

export interface BeginOptions {
  env?: Readonly<Record<string, string>>;
  onOutput?: (text: string) => void;
  onError?: (text: string) => void;
}

/** Runs `pulumi` in a process group of its own; see OwnGroupCommand. */
export function begin(args: readonly string[], cwd: string, options: BeginOptions = {}): Running {
  const { env = {}, onOutput, onError } = options;
  const all = args.includes("--non-interactive") ? args : [...args, "--non-interactive"];
  const child = spawn("pulumi", all, {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env, PULUMI_AUTOMATION_API: "true" },
  });
  const [stdout, stderr] = [collect(child.stdout, onOutput), collect(child.stderr, onError)];
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.once("error", (error) => {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      reject(
        missing
          ? new Error("pulumi is not on PATH; to install it: https://www.pulumi.com/docs/install")
          : error,
      );
    });
    child.once("close", (code) => resolve({ stdout: stdout(), stderr: stderr(), code: code ?? -1 }));
  });
  ended.catch(() => undefined);
  return { child, ended };
}

function collect(stream: NodeJS.ReadableStream, told?: (text: string) => void): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    told?.(chunk.toString());
  });
  return () => Buffer.concat(chunks).toString();
}

const of = (stack: string | undefined): string[] => (stack === undefined ? [] : ["--stack", stack]);

/** What every command asks of a stack first. @param stack default: the selected one. */
export const questions = {
  name: ["stack", "--show-name"],
  /** Of the file that belongs to the stack. */
  config: (stack?: string): string[] => ["config", "--json", ...of(stack)],
  outputs: (stack?: string): string[] => ["stack", "output", "--json", ...of(stack)],
  secretOutputs: (stack?: string): string[] => [...questions.outputs(stack), "--show-secrets"],
} as const;
