import { check, type Outcome } from "./probe-check";
import type { Container, Probe } from "./objects";

export type ProbeKind = "startup" | "readiness" | "liveness";

export interface ProberHooks {
  /** `started` or `ready` may have changed. */
  changed(): void;
  /** A probe failed for the first time in a row, or in a new way: worth an event. */
  failing(kind: ProbeKind, message: string): void;
  /** The startup or liveness probe has given the container up. */
  restart(kind: ProbeKind, message: string): void;
}

/** Questions that are no further apart are one. */
const sameMs = 50;

/** Runs the probes of one running container; a new one is made for every start of it. */
export class Prober {
  started: boolean;
  private readonly states = new Map<ProbeKind, ProbeState>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly startedAt = performance.now();
  private stopped = false;
  private asked: { question: string; at: number; outcome: Promise<Outcome> } | undefined;

  constructor(
    private readonly container: Container,
    private readonly host: string,
    private readonly hooks: ProberHooks,
  ) {
    const { startupProbe } = container;
    this.started = startupProbe === undefined;
    if (startupProbe !== undefined) this.schedule("startup", startupProbe);
    else this.begin();
  }

  /** Without a readiness probe a container is ready when it has started. */
  get ready(): boolean {
    if (!this.started) return false;
    return this.container.readinessProbe === undefined || this.states.get("readiness")?.passing === true;
  }

  /** What each probe found last, for the admin API. */
  get results(): Readonly<Record<string, ProbeState>> {
    return Object.fromEntries(this.states);
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
  }

  /** Readiness and liveness wait for the startup probe. */
  private begin(): void {
    const { readinessProbe, livenessProbe } = this.container;
    if (readinessProbe !== undefined) this.schedule("readiness", readinessProbe);
    if (livenessProbe !== undefined) this.schedule("liveness", livenessProbe);
  }

  private schedule(kind: ProbeKind, probe: Probe): void {
    this.states.set(kind, unprobed);
    const timing = timingOf(probe);
    const delay = timing.initialDelayMs - (performance.now() - this.startedAt);
    this.after(Math.max(0, delay), () => void this.probe(kind, probe));
  }

  private async probe(kind: ProbeKind, probe: Probe): Promise<void> {
    const timing = timingOf(probe);
    const asked = performance.now();
    const { ok, message } = await this.ask(probe, timing.timeoutMs);
    if (this.stopped) return;
    const before = this.states.get(kind) ?? unprobed;
    const state = afterOutcome(before, ok, message, timing);
    this.states.set(kind, state);
    if (!ok && (before.last !== false || before.message !== message)) this.hooks.failing(kind, message);
    if (state.passing !== before.passing && this.verdict(kind, state)) return;
    this.after(
      Math.max(0, timing.periodMs - (performance.now() - asked)),
      () => void this.probe(kind, probe),
    );
  }

  /**
   * Readiness and liveness mostly ask the same at the same time: then one answer serves both, which halves what
   * the probes of hundreds of pods cost.
   */
  private ask(probe: Probe, timeoutMs: number): Promise<Outcome> {
    const { httpGet, tcpSocket, grpc } = probe;
    const question = JSON.stringify([httpGet, tcpSocket, grpc, timeoutMs]);
    const now = performance.now();
    if (this.asked?.question !== question || now - this.asked.at > sameMs) {
      const target = { host: this.host, ports: this.container.ports ?? [] };
      this.asked = { question, at: now, outcome: check(probe, target, timeoutMs) };
    }
    return this.asked.outcome;
  }

  /** True where this probe is not to run again. */
  private verdict(kind: ProbeKind, { passing, message }: ProbeState): boolean {
    if (kind === "readiness") {
      this.hooks.changed();
      return false;
    }
    if (passing === false) {
      this.stop();
      this.hooks.restart(kind, message);
      return true;
    }
    if (kind === "liveness") return false;
    this.started = true;
    this.begin();
    this.hooks.changed();
    return true;
  }

  private after(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!this.stopped) then();
    }, ms);
    this.timers.add(timer);
  }
}

/** Thresholds of a probe, with Kubernetes' defaults applied (core/v1 Probe). */
export interface ProbeTiming {
  initialDelayMs: number;
  periodMs: number;
  timeoutMs: number;
  successThreshold: number;
  failureThreshold: number;
}

export interface ProbeFields {
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
}

export function timingOf(probe: ProbeFields): ProbeTiming {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: (probe.periodSeconds ?? 10) * 1000,
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1000,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
  };
}

/** What a probe has found so far. `passing` undefined: neither threshold was reached yet. */
export interface ProbeState {
  passing: boolean | undefined;
  /** The last outcome and how often in a row it came. */
  last: boolean | undefined;
  run: number;
  message: string;
}

export const unprobed: ProbeState = { passing: undefined, last: undefined, run: 0, message: "" };

/** The state after one more outcome, as the kubelet's prober has it: a verdict changes at its threshold only. */
export function afterOutcome(
  state: ProbeState,
  ok: boolean,
  message: string,
  timing: ProbeTiming,
): ProbeState {
  const run = state.last === ok ? state.run + 1 : 1;
  const threshold = ok ? timing.successThreshold : timing.failureThreshold;
  return { passing: run >= threshold ? ok : state.passing, last: ok, run, message };
}
