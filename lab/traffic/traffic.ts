import { fork, type ChildProcess } from "node:child_process";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Patience } from "../processes/patience";
import type { Asking } from "../../rollout/traffic/client";
import type { FromTraffic, Outcome, Progress, Rates, Target, ToTraffic } from "./outcome";
import { typescript } from "../processes/typescript";

/** The customers of a rehearsal: continuous traffic, and everything that came of it. */
export class Traffic {
  readonly outcomes: Outcome[] = [];
  progress: Progress = { running: 0, streams: 0, settledUntil: 0, allSettledUntil: 0 };
  private ended: string | undefined;

  private constructor(private readonly child: ChildProcess) {
    child.on("message", (message: FromTraffic) => {
      if (message.type === "outcomes") {
        for (const outcome of message.outcomes) this.outcomes.push(outcome);
        this.progress = message.progress;
      } else {
        this.ended = message.reason;
      }
    });
    child.on("exit", (status, signal) => {
      this.ended ??= `the traffic process exited unexpectedly (${signal ?? `status ${status ?? "none"}`})`;
    });
  }

  /** @param limits traffic stops by itself after so many requests or seconds. @param asking how the service is asked. */
  static start(target: Target, limits: { requests: number; seconds: number }, asking: Asking = {}): Traffic {
    const child = fork(path.join(__dirname, "main.ts"), [], {
      execArgv: typescript,
      cwd: path.join(__dirname, "..", ".."),
      serialization: "advanced",
    });
    const traffic = new Traffic(child);
    traffic.tell({ type: "start", target, limits, asking });
    return traffic;
  }

  setRates(rates: Rates): void {
    this.tell({ type: "rates", rates });
  }

  /** Why the traffic has stopped; undefined while it goes on. */
  get stopped(): string | undefined {
    return this.ended;
  }

  /** Requests that started in a span of time. */
  startedBetween(from: number, to = Infinity): Outcome[] {
    return this.outcomes.filter(({ startedAt }) => startedAt >= from && startedAt < to);
  }

  /**
   * Waits until something is true of the outcomes.
   * @throws Error where the traffic has stopped, or the time is up.
   */
  async until(condition: () => boolean, what: string, seconds: number): Promise<void> {
    const patience = new Patience(seconds);
    while (!condition()) {
      if (this.ended !== undefined) throw new Error(`the traffic has stopped: ${this.ended}`);
      if (!(await patience.pause(50))) throw new Error(`${what}: not within ${seconds} s`);
    }
  }

  /** Sends nothing more and waits for the answers that are due; the rest is cut off after `seconds`. */
  async drain(seconds: number): Promise<void> {
    this.tell({ type: "stop" });
    const deadline = performance.now() + seconds * 1000;
    while (this.ended === undefined && performance.now() < deadline) await sleep(50);
    this.kill();
  }

  kill(): void {
    if (this.child.exitCode === null) this.child.kill("SIGKILL");
  }

  private tell(message: ToTraffic): void {
    // It may be ending at this moment; then nobody has to hear it.
    if (this.child.connected) this.child.send(message, () => undefined);
  }
}
