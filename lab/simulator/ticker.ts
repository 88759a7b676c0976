/** Something with work that goes on by itself. */
export interface Ticking {
  /** Does what is due. False: nothing is left, do not call again. */
  tick(now: number): boolean;
}

/**
 * One clock for all model servers: with hundreds of streams, a timer for each token would cost more than the
 * tokens. Runs only while somebody has work. Every time in the simulator is exact to one period.
 */
export class Ticker {
  private readonly active = new Set<Ticking>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly periodMs = 4) {}

  add(ticking: Ticking): void {
    this.active.add(ticking);
    this.timer ??= setInterval(() => this.tick(), this.periodMs);
  }

  private tick(): void {
    const now = performance.now();
    for (const ticking of this.active) if (!ticking.tick(now)) this.active.delete(ticking);
    if (this.active.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
