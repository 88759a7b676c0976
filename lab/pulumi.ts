import { runCommand, type CommandResult } from "./tools/command";
import type { Workspace } from "./workspace";

/** A `pulumi` command that ended with another status than 0, with what it printed. */
export class PulumiFailed extends Error {
  constructor(
    readonly args: readonly string[],
    readonly result: CommandResult,
  ) {
    super(
      `pulumi ${args.join(" ")} ended with status ${result.status ?? "none"}:\n${result.output.trimEnd()}`,
    );
  }
}

/** Runs `pulumi` as a user would, in a workspace and with a lab's environment. */
export class Pulumi {
  constructor(
    readonly workspace: Workspace,
    readonly environment: NodeJS.ProcessEnv,
    /** Ends whatever runs. */
    private readonly signal?: AbortSignal,
  ) {}

  /** @returns whatever came of it, also a failure. */
  attempt(
    args: readonly string[],
    onLine?: (line: string) => void,
    environment = this.environment,
  ): Promise<CommandResult> {
    return runCommand("pulumi", args, {
      cwd: this.workspace.folder,
      env: { ...environment, NO_COLOR: "1" },
      ...(onLine === undefined ? {} : { onLine }),
      ...(this.signal === undefined ? {} : { signal: this.signal }),
    });
  }

  /** @throws PulumiFailed */
  async run(args: readonly string[], onLine?: (line: string) => void): Promise<string> {
    const result = await this.attempt(args, onLine);
    if (result.status !== 0) throw new PulumiFailed(args, result);
    return result.output;
  }

  async initStack(): Promise<void> {
    await this.run(["stack", "init", this.workspace.stack, "--non-interactive"]);
  }

  /** `pulumi up` without questions; the preview is left out as in a pipeline. */
  up(onLine?: (line: string) => void): Promise<string> {
    return this.run(["up", "--yes", "--skip-preview", "--non-interactive"], onLine);
  }

  setConfig(key: string, value: string): Promise<string> {
    return this.run(["config", "set", ...pathFlag(key), "--", key, value]);
  }

  removeConfig(key: string): Promise<string> {
    return this.run(["config", "rm", ...pathFlag(key), key]);
  }

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.run(["stack", "output", "--json", "--show-secrets"])) as Record<
      string,
      unknown
    >;
  }
}

/** A key with brackets or dots is a path into an object or a list. */
function pathFlag(key: string): string[] {
  return /[.[]/.test(key) ? ["--path"] : [];
}
