import { Deadline } from "./termination";
import { type Events, removePod, StatusWriter } from "./pod-reports";
import type { ClusterApi } from "../cluster/cluster-api";
import { ContainerRun, defaultGraceSeconds, type ContainerHost } from "./container-run";
import { ContainerStarter, type StarterServices } from "./container-starter";
import type { Exit } from "./program";
import { podStatus, type Condition, type ContainerView, type WrittenStatus } from "./status";
import { identify, pathOf, type Pod } from "./objects";

/** What all pods share. */
export interface PodServices extends StarterServices {
  api: ClusterApi;
  events: Events;
  /** The InferencePools whose selector matches the pod, joined with commas. */
  poolOf(pod: Pod): string;
  /** Waits until the address is nobody's; the function returned gives it back. */
  claimAddress(address: string): Promise<() => void>;
  report(pod: Pod, container: string, exit: Exit, log: string): void;
}

/** The life of one pod: its containers in their order, its status, its end. */
export class PodWorker {
  private readonly runs: readonly ContainerRun[];
  private readonly starter: ContainerStarter;
  private readonly status: StatusWriter;
  private conditions: readonly Condition[];
  private ending: { deadline: Deadline; gone: Promise<void> } | undefined;
  private release: (() => void) | undefined;
  private pool: string;

  constructor(
    private pod: Pod,
    private readonly services: PodServices,
  ) {
    this.pool = services.poolOf(pod);
    this.conditions = pod.status?.conditions ?? [];
    this.starter = new ContainerStarter(pod, services);
    this.status = new StatusWriter(services.api, `${pathOf(pod)}/status`, identify(pod).uid, () =>
      this.written(),
    );
    const host = this.host();
    const init = pod.spec?.initContainers ?? [];
    const waitingFor = init.length > 0 ? "PodInitializing" : "ContainerCreating";
    this.runs = [
      ...init.map((container) => {
        const role = container.restartPolicy === "Always" ? "sidecar" : "init";
        return new ContainerRun(container, role, host, "PodInitializing");
      }),
      ...(pod.spec?.containers ?? []).map(
        (container) => new ContainerRun(container, "main", host, waitingFor),
      ),
    ];
  }

  get current(): Pod {
    return this.pod;
  }

  get views(): ContainerView[] {
    return this.runs.map(({ view }) => view);
  }

  start(): void {
    this.status.changed();
    void this.live();
  }

  /** A newer state of the object. */
  update(pod: Pod): void {
    this.pod = pod;
    this.poolsChanged();
    // A readiness gate may have opened, or somebody else may have written the status.
    this.status.seen(pod);
  }

  /** The pod may belong to other InferencePools now. */
  poolsChanged(): void {
    const pool = this.services.poolOf(this.pod);
    if (pool === this.pool) return;
    this.pool = pool;
    this.starter.poolChanged(pool);
  }

  /**
   * Ends the pod within `graceMs`, 0 for at once, and then removes the object; a later call can only shorten it.
   * Resolves when nothing of the pod is left on its address.
   */
  end(graceMs: number): Promise<void> {
    if (this.ending === undefined) {
      const deadline = new Deadline(graceMs);
      this.ending = { deadline, gone: this.terminate(graceMs, deadline) };
      this.status.changed(0);
    } else {
      this.ending.deadline.shorten(graceMs);
      if (graceMs === 0) for (const run of this.runs) void run.kill();
    }
    return this.ending.gone;
  }

  /** Kills what runs and leaves the object alone: the lab itself is ending. */
  async kill(): Promise<void> {
    this.status.close();
    await Promise.all(this.runs.map((run) => run.kill()));
    this.starter.close();
  }

  private isEnding(): boolean {
    return this.ending !== undefined;
  }

  private written(): WrittenStatus {
    const now = new Date().toISOString();
    const status = podStatus(this.pod, this.views, this.conditions, this.isEnding(), now);
    this.conditions = status.conditions;
    return status;
  }

  private async live(): Promise<void> {
    const release = await this.services.claimAddress(this.pod.status?.podIP ?? "");
    if (this.isEnding()) {
      release();
      return;
    }
    this.release = release;
    for (const run of this.runs.filter(({ role }) => role !== "main")) {
      const ended = run.run();
      // A sidecar goes on beside the others once it has started; an init container has to succeed.
      const code = run.role === "sidecar" ? await Promise.race([run.started, ended]) : await ended;
      if (this.isEnding() || (run.role === "init" && code !== 0)) return;
    }
    const main = this.runs.filter(({ role }) => role === "main");
    await Promise.all(main.map((run) => run.run()));
    if (this.isEnding()) return;
    const seconds = this.pod.spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds;
    await this.stopSidecars(new Deadline(seconds * 1000));
  }

  private async terminate(graceMs: number, deadline: Deadline): Promise<void> {
    if (graceMs === 0) await Promise.all(this.runs.map((run) => run.kill()));
    else {
      const others = this.runs.filter(({ role }) => role !== "sidecar");
      await Promise.all(others.map((run) => run.stop(deadline)));
      await this.stopSidecars(deadline);
    }
    deadline.cancel();
    this.status.close();
    this.starter.close();
    this.release?.();
    // An object that is still there keeps its address from being given to another pod; now it may go.
    await removePod(this.services.api, this.pod);
  }

  /** In the reverse of their order, after everything that may use them. */
  private async stopSidecars(deadline: Deadline): Promise<void> {
    for (const run of [...this.runs].reverse()) if (run.role === "sidecar") await run.stop(deadline);
  }

  private host(): ContainerHost {
    const { services } = this;
    return {
      pod: () => this.pod,
      restartContainers: services.config.restartContainers,
      begin: (container, attempt) => this.starter.start(this.pod, container, attempt, this.pool),
      changed: () => this.status.changed(),
      event: (type, reason, message, container) =>
        services.events.write(this.pod, type, reason, message, container),
      report: (container, exit) =>
        services.report(this.pod, container, exit, this.starter.log(this.pod, container)),
    };
  }
}
