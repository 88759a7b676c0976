import * as fs from "node:fs";
import * as path from "node:path";
import type {
  DestroyOptions,
  EngineEvent,
  PreviewOptions,
  Stack,
  UpOptions,
} from "@pulumi/pulumi/automation";
import { configFolder, keysInFile } from "../../stacks/config/config-file";
import { changesBetween, configCommands } from "../steps/changes";
import { pastUpdates, type PastUpdate } from "../steps/deployed";
import type { StateResource } from "../steps/leaving-stack";
import { asWritten, parseValues, project, type StackValues } from "../steps/values";
import { ConfigFile, type Replaced } from "./stack-file";
import { questions } from "./begin";
import { OwnGroupCommand, PulumiFailed } from "./pulumi-command";
import { UpdateLog, type UpdateResult } from "./update-log";
import { errorText } from "../../stacks/messages/user-error";

export interface UpdateOptions {
  /** Stands in the stack's history. */
  message?: string;
  /** Called with progress. */
  say?: (line: string) => void;
  /** Config to use instead of the stack's file. */
  configFile?: string;
  signal?: AbortSignal;
  policyPacks?: readonly string[];
}

/** One stack of the project in a folder, as `pulumi` on the PATH sees it. */
export class Engine {
  private stackOfSdk: Promise<Stack> | undefined;
  private readonly platforms = new Map<string, Promise<Record<string, unknown>>>();

  private constructor(
    readonly folder: string,
    /** Name as the user gave it, maybe with organisation and project. */
    readonly stack: string,
    readonly file: ConfigFile,
    private readonly command: OwnGroupCommand,
  ) {}

  /** @param stack default: the selected one. @throws Error where there is none, or no config file of it. */
  static async open(folder: string, stack?: string, command = new OwnGroupCommand()): Promise<Engine> {
    const name = stack ?? (await selectedStack(command, folder));
    const file = path.resolve(configFolder(folder), `Pulumi.${shortName(name)}.yaml`);
    return new Engine(folder, name, new ConfigFile(file), command);
  }

  /** How many `pulumi` commands were run. */
  get commands(): number {
    return this.command.count;
  }

  /** The stack's name without organisation and project. */
  get shortName(): string {
    return shortName(this.stack);
  }

  /** Outputs, with secrets where they can be decrypted: they are for reading the cluster, never to be shown. */
  outputs(): Promise<Record<string, unknown>> {
    return outputsOf(this.command, this.folder, this.stack);
  }

  /** Outputs of the platform's stack, asked for once: a rollback looks at the cluster several times. */
  platformOutputs(stack: string): Promise<Record<string, unknown>> {
    const known = this.platforms.get(stack);
    if (known !== undefined) return known;
    const outputs = outputsOf(this.command, this.folder, stack);
    this.platforms.set(stack, outputs);
    // The next caller tries again.
    outputs.catch(() => this.platforms.delete(stack));
    return outputs;
  }

  /** What is known of the platform's outputs without asking. */
  knownPlatform(stack: string): Promise<Record<string, unknown>> | undefined {
    return this.platforms.get(stack);
  }

  /** Until the CLI is asked: what was kept of the platform's outputs. */
  assumePlatform(stack: string, outputs: Record<string, unknown>): void {
    this.platforms.set(stack, Promise.resolve(outputs));
  }

  forgetPlatforms(): void {
    this.platforms.clear();
  }

  /**
   * The stack's config. Secrets stay with the CLI.
   * @param asked what the CLI prints of it. Default: it is run.
   */
  async values(file = this.file.path, asked = this.printed(file)): Promise<StackValues> {
    const printed = parseValues(JSON.parse(await asked));
    const text = file === this.file.path ? this.file.read() : fs.readFileSync(file, "utf8");
    const written = await keysInFile(text, project);
    return written === undefined ? printed : asWritten(printed, written);
  }

  private async printed(file: string): Promise<string> {
    const args = ["config", "--json", "--stack", this.stack, "--config-file", file];
    return (await this.command.run(args, this.folder)).stdout;
  }

  /** A value of the stack's config that is a secret, or holds one: to be used, never to be shown. Key without prefix. */
  async secret(key: string): Promise<unknown> {
    const args = ["config", "get", key, "--json", "--stack", this.stack, "--config-file", this.file.path];
    const { stdout } = await this.command.run(args, this.folder);
    const { objectValue, value } = JSON.parse(stdout) as { objectValue?: unknown; value?: string };
    return objectValue ?? value;
  }

  /** Every update of the stack, newest first. */
  async history(): Promise<PastUpdate[]> {
    // Page size 0 is all of it, also of Pulumi Cloud.
    const args = ["stack", "history", "--json", "--page-size", "0", "--stack", this.stack];
    const { stdout } = await this.command.run(args, this.folder);
    return pastUpdates((JSON.parse(stdout) ?? []) as Parameters<typeof pastUpdates>[0]);
  }

  /**
   * Makes the config file say `wanted`: on a copy, which is read back, and then in one step. So the file is the old one
   * or the one that was shown, whatever happens.
   */
  async edit(wanted: StackValues): Promise<Replaced> {
    return this.file.withCopy(async (copy) => {
      await this.editCopy(copy, wanted);
      return this.file.replaceBy(copy);
    });
  }

  /** The same on a copy only: for a preview of what is not decided yet. */
  async withDraft<T>(wanted: StackValues, use: (file: string) => Promise<T>): Promise<T> {
    return this.file.withCopy(async (copy) => {
      await this.editCopy(copy, wanted);
      return use(copy);
    });
  }

  private async editCopy(copy: string, wanted: StackValues): Promise<void> {
    const before = await this.values(copy);
    for (const command of configCommands(changesBetween(before, wanted), wanted)) {
      await this.command.run([...command, "--stack", this.stack, "--config-file", copy], this.folder);
    }
    const written = await this.values(copy);
    if (changesBetween(written, wanted).length === 0) return;
    const differences = changesBetween(written, { ...(await this.defaults()), ...wanted });
    if (differences.length > 0) {
      const keys = differences.map(({ key, path: inner }) => [key, ...inner].join(".")).join(", ");
      throw new Error(`pulumi config did not write the requested values (${keys}); nothing was changed`);
    }
  }

  /** What the project declares for keys that a stack's file does not have: they are read as if they stood there. */
  private defaults(): Promise<StackValues> {
    return this.file.withCopy((empty) => {
      fs.writeFileSync(empty, "config: {}\n");
      return this.values(empty);
    });
  }

  up(options: UpdateOptions): Promise<UpdateResult> {
    return this.carryOut(options, (stack, common) => stack.up(common));
  }

  preview(options: UpdateOptions): Promise<UpdateResult> {
    return this.carryOut(options, (stack, common) => stack.preview(common));
  }

  /** With the program run: its hooks stand before everything that customers are connected to. */
  destroy(options: UpdateOptions): Promise<UpdateResult> {
    return this.carryOut(options, (stack, common) => stack.destroy({ ...common, runProgram: true }));
  }

  /** Without the program: of a state that was prepared for it, see steps/leaving-stack.ts. */
  destroyRest(options: UpdateOptions): Promise<UpdateResult> {
    return this.carryOut(options, (stack, common) => stack.destroy(common));
  }

  /** What the state holds; secrets stay encrypted. */
  async stateResources(): Promise<StateResource[]> {
    const { stdout } = await this.command.run(["stack", "export", "--stack", this.stack], this.folder);
    const { deployment } = JSON.parse(stdout) as { deployment?: { resources?: StateResource[] } };
    return deployment?.resources ?? [];
  }

  /** The engine stops where it is; what it was doing may be left half done. */
  terminate(): void {
    this.command.terminate();
  }

  private async carryOut(
    { message, say, configFile, signal, policyPacks = [] }: UpdateOptions,
    operation: (stack: Stack, options: UpOptions & PreviewOptions & DestroyOptions) => Promise<unknown>,
  ): Promise<UpdateResult> {
    const log = new UpdateLog(say);
    const cancelled = (): boolean => signal?.aborted === true;
    try {
      await operation(await this.sdk(), {
        color: "never",
        // Else the API asks for the history with its secrets decrypted, after every update.
        showSecrets: false,
        onEvent: (event: EngineEvent) => log.take(event),
        ...(message === undefined ? {} : { message }),
        ...(configFile === undefined ? {} : { configFile }),
        ...(signal === undefined ? {} : { signal }),
        ...(policyPacks.length === 0 ? {} : { policyPacks: [...policyPacks] }),
      });
      // Ctrl-C can come when the engine has nothing left to cancel.
      return log.result({ ok: true, cancelled: cancelled() });
    } catch (error) {
      // Also what the API itself could not do (a full disk, say): whoever called says how things stand.
      const failure = error instanceof PulumiFailed ? briefly(error) : errorText(error);
      return log.result({ ok: false, cancelled: cancelled(), failure });
    }
  }

  /** The Automation API's stack, without three things that it does by itself. */
  private sdk(): Promise<Stack> {
    this.stackOfSdk ??= (async () => {
      // Loaded only for an update: with TypeScript in it, it takes longer than a rollback may.
      const { LocalWorkspace, PulumiCommand, Stack } = await import("@pulumi/pulumi/automation/index.js");
      this.command.version = (await PulumiCommand.get()).version;
      const pulumiCommand = this.command.asSdk();
      const workspace = await LocalWorkspace.create({ workDir: this.folder, pulumiCommand });
      // It would change which stack the user has selected: the next plain `pulumi up` would go somewhere else.
      workspace.selectStack = () => Promise.resolve();
      // It would run two commands after every update; those who need the outputs read them.
      workspace.stackOutputs = () => Promise.resolve({});
      const stack = await Stack.select(this.stack, workspace);
      // It would ask for the history after an update, and report an update that succeeded as failed where that fails.
      stack.info = () => Promise.resolve(undefined);
      return stack;
    })().catch((error: unknown) => {
      // The next one tries again.
      this.stackOfSdk = undefined;
      throw error;
    });
    return this.stackOfSdk;
  }
}

/**
 * Outputs of a stack, with secrets where they can be decrypted.
 * @param stack default: the selected one, which the CLI finds by itself.
 */
export async function outputsOf(
  command: OwnGroupCommand,
  folder: string,
  stack?: string,
): Promise<Record<string, unknown>> {
  const { stdout } = await command
    .run(questions.secretOutputs(stack), folder)
    .catch(() => command.run(questions.outputs(stack), folder));
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** What the CLI prints of a stack's config. @param stack default: the selected one. */
export async function configOf(command: OwnGroupCommand, folder: string, stack?: string): Promise<string> {
  return (await command.run(questions.config(stack), folder)).stdout;
}

async function selectedStack(command: OwnGroupCommand, folder: string): Promise<string> {
  try {
    return (await command.run(questions.name, folder)).stdout.trim();
  } catch (error) {
    if (!(error instanceof PulumiFailed)) throw error;
    const said = briefly(error);
    // A backend that cannot be reached says something else.
    if (!/no stack selected/i.test(said))
      throw new Error(`Pulumi cannot say which stack is selected: ${said}`);
    throw new Error("no stack is selected: use --stack NAME, or pulumi stack select NAME");
  }
}

const shortName = (stack: string): string => stack.split("/").at(-1) ?? stack;

/** What the CLI said, without the lines that say that it is the CLI. */
function briefly({ result }: PulumiFailed): string {
  const lines = `${result.stderr}\n${result.stdout}`.split("\n").map((line) => line.trim());
  const errors = lines.filter((line) => line.startsWith("error:"));
  const said = errors.length > 0 ? errors : lines.filter((line) => line !== "");
  return said
    .slice(-5)
    .join("\n")
    .replace(/^error: /, "");
}
