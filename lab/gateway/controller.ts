import type { Applier, Outcome } from "./envoy/apply";
import { Blame } from "./envoy/blame";
import type { ConfigFiles } from "./envoy/files";
import { ourGateways, type Snapshot } from "./objects/snapshot";
import type { StatusWriter } from "./objects/statuses";
import { keyOf } from "./objects/types";
import type { Pickers } from "./pickers/pickers";
import type { Placement } from "./placement";
import { statusUpdates } from "./status/updates";
import type { OtherNamespaces } from "./translate/other-namespaces";
import { translate, versionOf, type Plan } from "./translate/plan";

/** Events of one moment are answered together; long enough for a burst, short enough for nobody to notice. */
const debounceMs = 20;
/** How long the first answer of a new picker is waited for. */
const settleMs = 300;
/** When to look again at what Envoy could not do, such as binding a port in use. */
const retryMs = 5000;
const sweepMs = 1000;

/** What has been done last: for /state. */
export interface Done {
  plan: Plan;
  outcome: Outcome;
  /** Milliseconds from the first event to Envoy serving what came of it. */
  took: number;
}

export interface Parts {
  snapshot: () => Snapshot;
  placement: Placement;
  pickers: Pickers;
  applier: Applier;
  files: ConfigFiles;
  statuses: StatusWriter;
  tell: (line: string) => void;
  /** File for a line about each request; absent for none. */
  accessLog: string | undefined;
  /** How pools of other namespaces are refused, as a test says. */
  otherNamespaces: () => OtherNamespaces | undefined;
}

/** Turns what the cluster says into what Envoy does, and tells the cluster what Envoy did. */
export class Controller {
  done: Done | undefined;
  private readonly blame = new Blame();
  private timer: NodeJS.Timeout | undefined;
  private retry: NodeJS.Timeout | undefined;
  private sweeping: NodeJS.Timeout | undefined;
  private since: number | undefined;
  private urgent = false;
  private running: Promise<void> | undefined;
  private stopped = false;
  private reported = new Set<string>();

  constructor(private readonly parts: Parts) {}

  /** Something has changed. `now`: requests fail until it is answered. */
  changed(now = false): void {
    if (this.stopped) return;
    this.since ??= performance.now();
    this.urgent ||= now;
    if (this.running !== undefined) return;
    if (this.timer !== undefined && !now) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.begin(), this.urgent ? 0 : debounceMs);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of [this.timer, this.retry, this.sweeping]) clearTimeout(timer);
    await this.running;
  }

  private begin(): void {
    this.timer = undefined;
    const since = this.since ?? performance.now();
    this.since = undefined;
    this.urgent = false;
    this.running = this.reconcile(since)
      .catch((error: unknown) => {
        if (this.stopped) return;
        this.parts.tell(
          `not applied: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
        this.retryLater();
      })
      .then(() => {
        this.running = undefined;
        if (this.since !== undefined) this.changed();
      });
  }

  private async reconcile(since: number): Promise<void> {
    const { parts, blame } = this;
    const snapshot = parts.snapshot();
    await parts.placement.place(ourGateways(snapshot));
    // The pools in use are known only after translation, and translation asks which pickers answer: so a first
    // translation finds the pools, and the second one is made when their pickers have had time to answer.
    parts.pickers.follow(
      this.translate(snapshot, blame.refused).pools.flatMap(({ candidates }) => candidates),
    );
    await parts.pickers.settled(settleMs);
    blame.keepOnly(new Set(snapshot.routes.map(versionOf)));
    const { plan, outcome } = await blame.program(
      (refused) => this.translate(snapshot, refused),
      (config) => parts.applier.apply(config),
    );
    this.done = { plan, outcome, took: Math.round(performance.now() - since) };
    this.reportOnce([
      ...[...outcome.routes].map(([name, { message }]) => `routes ${name} not programmed: ${message}`),
      ...[...outcome.listeners].map(([name, message]) => `listener ${name} not programmed: ${message}`),
      ...plan.routes.flatMap(({ route, unsupported }) =>
        unsupported === undefined ? [] : [`HTTPRoute ${keyOf(route)} not accepted: ${unsupported.message}`],
      ),
    ]);
    parts.statuses.write(statusUpdates(snapshot, plan, outcome));
    if (outcome.routes.size + outcome.listeners.size > 0) this.retryLater();
    if (parts.applier.hasLeftovers) this.sweepLater();
  }

  private translate(snapshot: Snapshot, refused: ReadonlyMap<string, string>): Plan {
    const { placement, pickers, files, accessLog } = this.parts;
    return translate(snapshot, {
      placeOf: (gateway) => placement.placeOf(gateway),
      boundPort: (gateway, port) => placement.boundPort(gateway, port),
      answers: (endpoint) => pickers.stateOf(endpoint) === "up",
      routeFile: (name) => files.routes(name),
      refused,
      accessLog,
      otherNamespaces: this.parts.otherNamespaces(),
    });
  }

  /** Reports what it did not report the last time. */
  private reportOnce(lines: readonly string[]): void {
    lines.filter((line) => !this.reported.has(line)).forEach((line) => this.parts.tell(line));
    this.reported = new Set(lines);
  }

  private retryLater(): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.changed(), retryMs);
  }

  private sweepLater(): void {
    if (this.sweeping !== undefined || this.stopped) return;
    this.sweeping = setTimeout(() => {
      this.sweeping = undefined;
      this.parts.applier
        .sweep()
        .catch((error: unknown) => {
          if (!this.stopped) this.parts.tell(`sweep: ${String(error)}`);
        })
        .finally(() => {
          if (this.parts.applier.hasLeftovers) this.sweepLater();
        });
    }, sweepMs);
  }
}
