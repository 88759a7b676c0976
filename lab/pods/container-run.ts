import { setTimeout as sleep } from "node:timers/promises";
import { Prober, type ProbeKind } from "./prober";
import type { Exit, RunningProgram } from "./program";
import { ReferenceMissing } from "./references";
import type { ContainerState, ContainerView, Role, Terminated } from "./status";
import { restartDelay, restartsAfter, endProgram, Deadline, afterExit } from "./termination";
import { identify, type Container, type Pod } from "./objects";

/** The lab has nothing to run for the image. */
export class ImageUnknown extends Error {}

/** What a container needs of the pod around it. */
export interface ContainerHost {
  pod(): Pod;
  restartContainers: boolean;
  /** @throws ImageUnknown, ReferenceMissing or any Error */
  begin(container: Container, attempt: number): Promise<RunningProgram>;
  changed(): void;
  event(type: "Normal" | "Warning", reason: string, message: string, container: string): void;
  /** The container ended by itself, and that is to end the lab. */
  report(container: string, exit: Exit): void;
}

const retryMs = 1000;
/** Kubernetes' default of terminationGracePeriodSeconds. */
export const defaultGraceSeconds = 30;

/** One container from its first start to its end for good. */
export class ContainerRun {
  private state: ContainerState;
  private lastTerminated: Terminated | undefined;
  private restartCount = 0;
  private attempt = 0;
  private recentRestarts = 0;
  private startedAt = 0;
  private program: RunningProgram | undefined;
  private prober: Prober | undefined;
  private demanded = false;
  private readonly stopping = new AbortController();
  private finished: Promise<number | undefined> | undefined;
  private hasStarted: () => void = () => undefined;
  /** Resolves when the startup probe has passed for the first time. */
  readonly started = new Promise<void>((resolve) => (this.hasStarted = resolve));

  constructor(
    readonly container: Container,
    readonly role: Role,
    private readonly host: ContainerHost,
    waitingFor: "ContainerCreating" | "PodInitializing",
  ) {
    this.state = { waiting: { reason: waitingFor } };
  }

  get view(): ContainerView {
    const { container, role, state, lastTerminated, restartCount, prober, program } = this;
    const running = "running" in state;
    return {
      ...{ name: container.name, image: container.image ?? "", role, state, lastTerminated, restartCount },
      started: running && prober?.started === true,
      ready: running && prober?.ready === true,
      containerID: this.containerID,
      ...{ pid: program?.pid, ports: program?.ports ?? {}, probes: prober?.results ?? {} },
    };
  }

  /** Resolves with the exit code when the container is done, with undefined when it was stopped. */
  run(): Promise<number | undefined> {
    this.finished ??= this.loop();
    return this.finished;
  }

  /** preStop, SIGTERM, and SIGKILL when the deadline is over; resolves when nothing is left. */
  async stop(deadline: Deadline): Promise<void> {
    this.stopping.abort();
    if (this.program !== undefined) await this.end(this.program, deadline);
    await this.finished;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.stopping.abort();
    this.program?.kill();
    await this.finished;
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private get containerID(): string {
    return this.attempt === 0
      ? ""
      : `lab://${identify(this.host.pod()).uid}.${this.container.name}.${this.attempt}`;
  }

  private async loop(): Promise<number | undefined> {
    for (;;) {
      const program = await this.create();
      if (program === undefined) return undefined;
      const exit = await this.watch(program);
      if (this.isStopping()) return undefined;
      const { restartPolicy } = this.host.pod().spec ?? {};
      const next = this.demanded
        ? "restart"
        : afterExit(restartPolicy, exit.code, this.role, this.host.restartContainers);
      if (next === "report") this.host.report(this.container.name, exit);
      if (next !== "restart") return exit.code;
      await this.backOff();
    }
  }

  /** Tries until the program runs; undefined where the pod is stopped meanwhile. */
  private async create(): Promise<RunningProgram | undefined> {
    while (!this.isStopping()) {
      try {
        const program = await this.host.begin(this.container, ++this.attempt);
        // Known before anybody can ask to stop, or nobody would end it.
        this.program = program;
        if (!this.isStopping()) return program;
        program.kill();
        await program.ended;
      } catch (error) {
        this.attempt--;
        const message = error instanceof Error ? error.message : String(error);
        if (error instanceof ImageUnknown) {
          this.wait("ImagePullBackOff", message);
          this.host.event("Warning", "Failed", message, this.container.name);
          await this.pause(undefined);
        } else {
          const missing = error instanceof ReferenceMissing;
          this.wait(missing ? "CreateContainerConfigError" : "RunContainerError", message);
          const mount = message.startsWith("MountVolume");
          this.host.event("Warning", mount ? "FailedMount" : "Failed", message, this.container.name);
          await this.pause(retryMs);
        }
      }
    }
    return undefined;
  }

  private async watch(program: RunningProgram): Promise<Exit> {
    this.demanded = false;
    this.startedAt = new Date().getTime();
    this.state = { running: { startedAt: new Date(this.startedAt).toISOString() } };
    this.prober = new Prober(this.container, this.host.pod().status?.podIP ?? "", {
      changed: () => this.progressed(),
      failing: (kind, message) => this.unhealthy(kind, message),
      restart: (kind, message) => this.demandRestart(kind, message),
    });
    this.progressed();
    const exit = await program.ended;
    this.prober.stop();
    this.program = undefined;
    const terminated: Terminated = {
      exitCode: exit.code,
      reason: exit.code === 0 ? "Completed" : "Error",
      ...(exit.message === "" ? {} : { message: exit.message.slice(-2000) }),
      startedAt: new Date(this.startedAt).toISOString(),
      finishedAt: new Date().toISOString(),
      containerID: this.containerID,
    };
    this.state = { terminated };
    this.lastTerminated = terminated;
    this.host.changed();
    return exit;
  }

  private async backOff(): Promise<void> {
    const restarts = restartsAfter(this.recentRestarts, new Date().getTime() - this.startedAt);
    const delay = restartDelay(restarts);
    this.recentRestarts = restarts + 1;
    const { name } = this.container;
    const message = `back-off ${delay / 1000}s restarting failed container=${name} pod=${identify(this.host.pod()).name}`;
    this.wait("CrashLoopBackOff", message);
    this.host.event("Warning", "BackOff", message, name);
    await this.pause(delay);
    this.restartCount++;
  }

  private wait(reason: string, message: string): void {
    this.state = { waiting: { reason, message } };
    this.host.changed();
  }

  /** Waits, for ever where `ms` is undefined, or until the pod is stopped. */
  private async pause(ms: number | undefined): Promise<void> {
    const longest = 2 ** 31 - 1;
    await sleep(ms ?? longest, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private progressed(): void {
    if (this.prober?.started === true) this.hasStarted();
    this.host.changed();
  }

  private unhealthy(kind: ProbeKind, message: string): void {
    const shown = `${kind.charAt(0).toUpperCase()}${kind.slice(1)} probe failed: ${message}`;
    this.host.event("Warning", "Unhealthy", shown, this.container.name);
  }

  private demandRestart(kind: ProbeKind, message: string): void {
    const { program, container } = this;
    if (program === undefined || this.isStopping()) return;
    this.demanded = true;
    this.host.event(
      "Normal",
      "Killing",
      `Container ${container.name} failed ${kind} probe, will be restarted: ${message}`,
      container.name,
    );
    const probe = kind === "liveness" ? container.livenessProbe : container.startupProbe;
    const seconds =
      probe?.terminationGracePeriodSeconds ?? this.host.pod().spec?.terminationGracePeriodSeconds;
    const deadline = new Deadline((seconds ?? defaultGraceSeconds) * 1000);
    void this.end(program, deadline).finally(() => deadline.cancel());
  }

  private async end(program: RunningProgram, deadline: Deadline): Promise<void> {
    this.prober?.stop();
    const { container, host } = this;
    await endProgram(program, container, host.pod().status?.podIP ?? "", deadline, (message) =>
      host.event("Warning", "FailedPreStopHook", message, container.name),
    );
  }
}
