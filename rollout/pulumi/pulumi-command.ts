import type { ChildProcess } from "node:child_process";
import type { PulumiCommand } from "@pulumi/pulumi/automation";
import { begin, keyOf, type Begun, type CommandResult, type Running } from "./begin";

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

  /** @param begun commands that run already; each is taken for the first one with its words. */
  constructor(private readonly begun: Begun = new Map()) {}

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
    const { child, ended } =
      this.begunFor(args, cwd) ??
      begin(args, cwd, {
        env,
        ...(onOutput === undefined ? {} : { onOutput }),
        ...(onError === undefined ? {} : { onError }),
      });
    this.running.add(child);
    const interrupt = (): void => void child.kill("SIGINT");
    if (signal?.aborted === true) interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    return ended
      .then((result) => {
        if (result.code === 0) return result;
        throw new PulumiFailed(args, result);
      })
      .finally(() => {
        this.running.delete(child);
        signal?.removeEventListener("abort", interrupt);
      });
  }

  /** An answer counts once: the same question later is about what is then. */
  private begunFor(args: readonly string[], cwd: string): Running | undefined {
    const key = keyOf(args, cwd);
    const running = this.begun.get(key);
    this.begun.delete(key);
    return running;
  }

  /** The second interrupt: the engine stops where it is. */
  terminate(): void {
    for (const child of this.running) child.kill("SIGINT");
  }
}
