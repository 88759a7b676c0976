import { setTimeout as sleep } from "node:timers/promises";

/** The most that one look and one pause take on a machine that runs: a look that hangs counts no more either. */
const mostMs = 15_000;

/**
 * Time to wait for something, of which only that counts in which this process ran: a machine that stood still for a
 * minute has given nobody a minute to get ready.
 */
export class Patience {
  private left: number;
  private last: number;

  constructor(
    seconds: number,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.left = seconds * 1000;
    this.last = clock();
  }

  /** Pauses before the next look. @returns false, at once, where the time is up. */
  async pause(ms: number): Promise<boolean> {
    this.count();
    if (this.left <= 0) return false;
    await sleep(ms);
    this.count();
    return true;
  }

  private count(): void {
    const now = this.clock();
    this.left -= Math.min(now - this.last, mostMs);
    this.last = now;
  }
}

/**
 * Asks until `found` gives something.
 * @throws Error saying what was asked for, where it takes longer.
 */
export async function eventually<T>(
  what: string,
  found: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 20,
  pauseMs = 50,
): Promise<T> {
  const patience = new Patience(seconds);
  for (;;) {
    const value = await found();
    if (value !== undefined && value !== false) return value;
    if (!(await patience.pause(pauseMs))) throw new Error(`not after ${seconds} s: ${what}`);
  }
}
