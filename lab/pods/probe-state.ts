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
