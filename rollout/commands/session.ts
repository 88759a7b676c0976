import { isDeepStrictEqual } from "node:util";
import { deployedOf, withLiveRoute, type Deployed } from "../steps/deployed";
import { describeStatus, statusOf, type LiveState, type Status } from "../steps/status";
import { valueOf, type StackValues } from "../steps/values";
import type { Begun } from "../pulumi/begin";
import { OwnGroupCommand } from "../pulumi/pulumi-command";
import { configOf, Engine, outputsOf } from "../pulumi/pulumi-engine";
import { lookAtCluster, observeCluster, type Seen } from "../pulumi/live";
import { readQuickly } from "../pulumi/quick-reading";
import type { Screen } from "../terminal/screen";
import { isObject } from "../../stacks/config/config-file";
import { completeGateway, type GivenGateway } from "../../components/gateways/endpoint";
import { isCalled, ownerOutput, type Owner } from "../../stacks/plan/claims";
import { loadKubeconfigs } from "../../stacks/state/credentials";
import {
  isAsKept,
  keepable,
  keepOutputs,
  keptOutputs,
  keptPlatform,
  withoutCredentials,
  type KeptOutputs,
  type KeptPlatform,
} from "../../stacks/state/kept-outputs";

/** Options that every command has. */
export interface CommonOptions {
  stack?: string;
  json?: boolean;
}

/** Options of those that change something. */
export interface ChangeOptions extends CommonOptions {
  yes?: boolean;
  dryRun?: boolean;
  policyPack?: string[];
}

/** The CLI says something else than a session in a hurry read on this machine: what was decided does not count. */
export class ReadOtherwise extends Error {
  /** @param before what was already done, in a sentence. */
  constructor(readonly before?: string) {
    super("pulumi knows something else of the stack than this machine");
  }
}

/** The stack and its config, as the CLI says them: both are asked at once. */
async function readByCli(
  command: OwnGroupCommand,
  { stack }: CommonOptions,
): Promise<{ engine: Engine; values: StackValues }> {
  const config = configOf(command, process.cwd(), stack);
  config.catch(() => undefined);
  const engine = await Engine.open(process.cwd(), stack, command);
  return { engine, values: await engine.values(undefined, config) };
}

/** The platform's stack of a service that has none of its own. */
function platformNamed(values: StackValues): string | undefined {
  const platform = valueOf(values, "role") === "service" ? valueOf(values, "platform") : undefined;
  return typeof platform === "string" ? platform : undefined;
}

/** @returns undefined where the platform's outputs do not say enough to be kept. */
function platformToKeep(
  stack: string,
  { kubeconfig, gateway }: Readonly<Record<string, unknown>>,
): KeptPlatform | undefined {
  if (!withoutCredentials(kubeconfig) || !isObject(gateway)) return undefined;
  return { stack, kubeconfig, gateway: completeGateway(gateway as unknown as GivenGateway) };
}

const isAsSeen = (kept: KeptOutputs, seen: Seen): boolean =>
  seen.outcome === "read" && isAsKept(kept, seen.observed.route);

/** What a session in a hurry has read without the CLI. */
interface Unconfirmed {
  /** Runs the CLI. */
  command: OwnGroupCommand;
  /** The stack as it was named or selected, maybe with organisation and project. */
  named: string;
  /** The outputs, where they are what was kept of the last update here. */
  kept?: KeptOutputs;
}

/** One run of a command: a stack, and what is known of it. */
export class Session {
  private constructor(
    public engine: Engine,
    readonly screen: Screen,
    /** What the config file says now. */
    public values: StackValues,
    public outputs: Readonly<Record<string, unknown>>,
    private readonly options: CommonOptions,
    private unconfirmed?: Unconfirmed,
  ) {
    if (unconfirmed === undefined) this.keep();
  }

  /** For the next rollback; only once the CLI has said which stack this is, and what its platform's outputs are. */
  private keep(): void {
    const { engine, outputs } = this;
    const { folder, shortName } = engine;
    const stack = platformNamed(this.values);
    if (stack === undefined) {
      keepOutputs(folder, shortName, outputs);
      return;
    }
    engine.knownPlatform(stack)?.then(
      (theirs) => {
        const platform = platformToKeep(stack, theirs);
        if (platform !== undefined) keepOutputs(folder, shortName, outputs, { platform });
      },
      () => undefined,
    );
  }

  /** @param begun what was asked of the CLI before. */
  static async open(screen: Screen, options: CommonOptions, begun?: Begun): Promise<Session> {
    const command = new OwnGroupCommand(begun);
    // Begun at once: each of these is a run of the CLI, and the command waits for all of them.
    const asked = outputsOf(command, process.cwd(), options.stack);
    asked.catch(() => undefined);
    const [{ engine, values }, outputs] = await Promise.all([readByCli(command, options), asked]);
    return new Session(engine, screen, values, outputs, options);
  }

  /** For a rollback's first write: what files say is read from them, where they say it plainly. See confirmed(). */
  static async openQuickly(screen: Screen, options: CommonOptions, begun?: Begun): Promise<Session> {
    const { stack } = options;
    const read = await readQuickly(process.cwd(), stack);
    if (read === undefined) return Session.open(screen, options, begun);
    const command = new OwnGroupCommand(begun);
    const kept = keptOutputs(process.cwd(), read.stack);
    const asked = kept ?? outputsOf(command, process.cwd(), stack);
    if (asked instanceof Promise) asked.catch(() => undefined);
    const engine = await Engine.open(process.cwd(), stack ?? read.stack, command);
    // While the CLI works on its answer.
    await loadKubeconfigs();
    const [values, outputs] = await Promise.all([
      engine.values(undefined, Promise.resolve(read.printed)),
      asked,
    ]);
    const unconfirmed = { command, named: read.named, ...(kept === undefined ? {} : { kept }) };
    const platform = kept === undefined ? undefined : keptPlatform(kept);
    if (platform !== undefined) engine.assumePlatform(platform.stack, { ...platform });
    return new Session(engine, screen, values, outputs, options, unconfirmed);
  }

  /**
   * Asks the CLI what was read from files so far.
   * @returns false where it says something else. Then the session has what it says, and whoever decided has to decide
   *   again.
   */
  async confirmed(): Promise<boolean> {
    if (this.unconfirmed === undefined) return true;
    const { command, kept } = this.unconfirmed;
    const asked = kept === undefined ? undefined : this.askOutputs(command);
    asked?.catch(() => undefined);
    const platform = kept === undefined ? undefined : keptPlatform(kept)?.stack;
    // One that is not there any more, or must not be read, does not say the same.
    const theirs =
      platform === undefined ? undefined : outputsOf(command, process.cwd(), platform).catch(() => undefined);
    const { engine, values } = await readByCli(command, this.options);
    const isSame = engine.file.path === this.engine.file.path && isDeepStrictEqual(values, this.values);
    const outputs = await (asked ?? (isSame ? this.outputs : engine.outputs()));
    const said = await theirs;
    const found = platform === undefined || said === undefined ? undefined : platformToKeep(platform, said);
    const wereSame = kept === undefined || isDeepStrictEqual(keepable(outputs, found), kept);
    if (platform !== undefined && said !== undefined) engine.assumePlatform(platform, said);
    // All of it or nothing: a stack's config goes with its own outputs.
    [this.engine, this.values, this.outputs, this.unconfirmed] = [engine, values, outputs, undefined];
    this.keep();
    return isSame && wereSame;
  }

  private askOutputs(command: OwnGroupCommand): Promise<Record<string, unknown>> {
    return outputsOf(command, process.cwd(), this.options.stack);
  }

  /**
   * What a decision needs of the cluster. Outputs that were kept count only where the live route says the same split and
   * latches: else the route was written since, and the backend is asked.
   * @param values the config by which it is read. Default: what the file says now.
   */
  async observe(values = this.values): Promise<Seen> {
    const seen = await this.observeBy(values);
    if (this.unconfirmed?.kept === undefined) return seen;
    const { kept, ...unconfirmed } = this.unconfirmed;
    if (isAsSeen(kept, seen)) return seen;
    this.outputs = await this.askOutputs(unconfirmed.command);
    this.unconfirmed = unconfirmed;
    // The platform too is asked for.
    this.engine.forgetPlatforms();
    return isDeepStrictEqual(keepable(this.outputs), kept) ? seen : this.observeBy(values);
  }

  /** Whether the outputs are what was kept on this machine: roles that changed since are then not known. */
  get isByKept(): boolean {
    return this.unconfirmed?.kept !== undefined;
  }

  /**
   * Whether what an object says of its owner is enough to write it: the CLI has confirmed the stack, or the object is
   * marked with the stack's name, and with its id where that is only what was kept of it.
   */
  isSure(owner: Owner | undefined): boolean {
    if (this.unconfirmed === undefined) return true;
    const { named, kept } = this.unconfirmed;
    const isNamed = owner !== undefined && isCalled(owner, named);
    return isNamed && (kept === undefined || owner.id === kept[ownerOutput]);
  }

  get deployed(): Deployed | undefined {
    return deployedOf(this.outputs);
  }

  async refresh(): Promise<void> {
    // By its name without organisation the CLI might find another stack.
    if (this.unconfirmed !== undefined) return;
    [this.values, this.outputs] = await Promise.all([this.engine.values(), this.engine.outputs()]);
    // The update has kept what it read of the platform; what this session knows of it is older.
    this.engine.forgetPlatforms();
    this.keep();
  }

  private async observeBy(values: StackValues): Promise<Seen> {
    const seen = await observeCluster(this.engine, values, this.outputs);
    // Now its platform's outputs are known.
    if (this.unconfirmed === undefined) this.keep();
    return seen;
  }

  /** What is deployed, as the live route says it too: by `rollback --now` it is ahead of the last update. */
  async deployedNow(): Promise<Deployed | undefined> {
    const { deployed } = this;
    const live = await this.observe();
    return deployed === undefined || live.outcome === "unreadable"
      ? deployed
      : withLiveRoute(deployed, live.observed);
  }

  async look(): Promise<LiveState> {
    const live = await lookAtCluster(this.engine, this.values, this.outputs);
    if (this.unconfirmed === undefined) this.keep();
    return live;
  }

  async status(): Promise<Status> {
    return statusOf(this.engine.stack, this.values, this.deployed, await this.look());
  }

  /** Shows where things stand; what programs read is the caller's. */
  async showStatus(again?: string): Promise<Status> {
    const status = await this.status();
    for (const line of describeStatus(status, again)) this.screen.line(line);
    return status;
  }
}
