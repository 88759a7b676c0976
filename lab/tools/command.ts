import { spawn } from "node:child_process";

export interface CommandResult {
  status: number | null;
  /** Standard output and error, in the order in which they came. */
  output: string;
}

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Called with every line as it is printed: for progress displays. */
  onLine?: (line: string) => void;
  timeoutSeconds?: number;
  /** Ends the program: SIGTERM, and SIGKILL three seconds later. */
  signal?: AbortSignal;
}

/** Runs a program to its end. A program that cannot be started has status null and says so in `output`. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.timeoutSeconds === undefined ? undefined : options.timeoutSeconds * 1000,
    });
    const end = (): void => {
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), 3000).unref();
    };
    if (options.signal?.aborted === true) end();
    options.signal?.addEventListener("abort", end, { once: true });
    let output = "";
    const take = (chunk: Buffer): void => {
      const text = chunk.toString();
      output += text;
      for (const line of text.split("\n")) if (line.trim() !== "") options.onLine?.(line.trim());
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (error) => resolve({ status: null, output: `${output}${error.message}\n` }));
    child.on("close", (status, signal) => {
      options.signal?.removeEventListener("abort", end);
      resolve({ status, output: signal === null ? output : `${output}ended by ${signal}\n` });
    });
  });
}

/** The last `lines` lines of a text, for error messages. */
export function tail(text: string, lines = 15): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
