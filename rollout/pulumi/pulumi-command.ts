import { spawn, type ChildProcess } from "node:child_process";
import type { PulumiCommand } from "@pulumi/pulumi/automation";

export interface CommandResult {
  stdout: string;
  stderr: string;
  code: number;
}

/** A `pulumi` command that ended with another status than 0. */
export class PulumiFailed extends Error {
  constructor(
    readonly args: readonly string[],
    readonly result: CommandResult,
  ) {
    const said = `${result.stderr}\n${result.stdout}`.trim();
    super(
      `pulumi ${args.slice(0, 2).join(" ")} failed: ${said === "" ? `status ${result.code}` : said}${hintFor(said)}`,
    );
  }
}

/**
 * The file backend keeps attributes beside each file and writes them in place (its storage library's fileblob): a CLI
 * that was killed meanwhile leaves an empty file, and every later command says no more than EOF. The state is whole.
 */
export function hintFor(said: string): string {
  return /failed to load checkpoint: EOF|^error: EOF$/m.test(said)
    ? "\nA pulumi process was killed and left an empty attribute file; the stack's state itself is intact. In the backend's folder: " +
        "find .pulumi -name '*.attrs' -size 0 -delete"
    : "";
}

/**
 * Runs `pulumi` for the Automation API, which calls `run` (its public types hide it; a test holds that it does).
 *
 * It differs from the SDK's own in one thing: each command has a process group of its own. Ctrl-C in a terminal goes
 * to every process of the group, and npm and the SDK pass it on once more; but the engine takes the second interrupt
 * for "terminate immediately", which orphans resources. So it gets none from the terminal, and exactly one from here.
 */
export class OwnGroupCommand {
  readonly command = "pulumi";
  /** How many commands were run, for those who want to run fewer. */
  count = 0;
  /** Set before the Automation API is given the command: its requests depend on it. */
  version: PulumiCommand["version"] = null;
  private readonly running = new Set<ChildProcess>();

  /** As the SDK declares its own: interchangeable, whatever its types say. */
  asSdk(): PulumiCommand {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- only its shape is used
    return this;
  }

  /**
   * @param signal aborted: the engine is interrupted once.
   * @throws PulumiFailed
   */
  run(
    args: readonly string[],
    cwd: string,
    env: Readonly<Record<string, string>> = {},
    onOutput?: (text: string) => void,
    onError?: (text: string) => void,
    signal?: AbortSignal,
  ): Promise<CommandResult> {
    this.count++;
    const all = args.includes("--non-interactive") ? args : [...args, "--non-interactive"];
    const child = spawn(this.command, all, {
      cwd,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env, PULUMI_AUTOMATION_API: "true" },
    });
    this.running.add(child);
    const interrupt = (): void => void child.kill("SIGINT");
    if (signal?.aborted === true) interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    const [stdout, stderr] = [collect(child.stdout, onOutput), collect(child.stderr, onError)];
    return new Promise((resolve, reject) => {
      child.once("error", (error) => {
        this.running.delete(child);
        const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
        reject(
          new Error(
            missing
              ? "pulumi is not on PATH; to install it: https://www.pulumi.com/docs/install"
              : error.message,
          ),
        );
      });
      child.once("close", (code) => {
        this.running.delete(child);
        signal?.removeEventListener("abort", interrupt);
        const result = { stdout: stdout(), stderr: stderr(), code: code ?? -1 };
        if (code === 0) resolve(result);
        else reject(new PulumiFailed(args, result));
      });
    });
  }

  /** The second interrupt: the engine stops where it is. */
  terminate(): void {
    for (const child of this.running) child.kill("SIGINT");
  }
}

function collect(stream: NodeJS.ReadableStream, told?: (text: string) => void): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    told?.(chunk.toString());
  });
  return () => Buffer.concat(chunks).toString();
}
