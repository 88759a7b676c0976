import { deployedOf, withLiveRoute, type Deployed } from "../steps/deployed";
import { describeStatus, statusOf, type LiveState, type Status } from "../steps/status";
import type { StackValues } from "../steps/values";
import type { Begun } from "../pulumi/begin";
import { OwnGroupCommand } from "../pulumi/pulumi-command";
import { configOf, Engine, outputsOf } from "../pulumi/pulumi-engine";
import { lookAtCluster, observeCluster, type Seen } from "../pulumi/live";
import type { Screen } from "../terminal/screen";

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

/** One run of a command: a stack, and what is known of it. */
export class Session {
  private constructor(
    readonly engine: Engine,
    readonly screen: Screen,
    /** What the config file says now. */
    public values: StackValues,
    public outputs: Readonly<Record<string, unknown>>,
  ) {}

  /** @param begun what was asked of the CLI before. */
  static async open(screen: Screen, { stack }: CommonOptions, begun?: Begun): Promise<Session> {
    const command = new OwnGroupCommand(begun);
    // Begun at once: each of these is a run of the CLI, and a rollback waits for all of them.
    const early = outputsOf(command, process.cwd(), stack);
    const config = configOf(command, process.cwd(), stack);
    for (const begun of [early, config]) begun.catch(() => undefined);
    const engine = await Engine.open(process.cwd(), stack, command);
    const [values, outputs] = await Promise.all([engine.values(undefined, config), early]);
    return new Session(engine, screen, values, outputs);
  }

  get deployed(): Deployed | undefined {
    return deployedOf(this.outputs);
  }

  async refresh(): Promise<void> {
    [this.values, this.outputs] = await Promise.all([this.engine.values(), this.engine.outputs()]);
  }

  /** What a decision needs of the cluster. */
  observe(): Promise<Seen> {
    return observeCluster(this.engine, this.values, this.outputs);
  }

  /** What is deployed, as the live route says it too: by `rollback --now` it is ahead of the last update. */
  async deployedNow(): Promise<Deployed | undefined> {
    const { deployed } = this;
    const live = await this.observe();
    return deployed === undefined || live.outcome === "unreadable"
      ? deployed
      : withLiveRoute(deployed, live.observed);
  }

  look(): Promise<LiveState> {
    return lookAtCluster(this.engine, this.values, this.outputs);
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
