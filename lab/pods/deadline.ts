/** A point in time that can only come nearer: a pod's grace period, which a second deletion may shorten. */
export class Deadline {
  private timer: NodeJS.Timeout | undefined;
  private at: number;
  private reach: () => void = () => undefined;
  private readonly reached = new Promise<void>((resolve) => (this.reach = resolve));

  constructor(ms: number) {
    this.at = performance.now() + ms;
    this.arm();
  }

  get leftMs(): number {
    return Math.max(0, this.at - performance.now());
  }

  /** Resolves when the time has come. */
  get over(): Promise<void> {
    return this.reached;
  }

  shorten(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.at) return;
    this.at = at;
    this.arm();
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    clearTimeout(this.timer);
  }

  private arm(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.reach(), this.leftMs);
  }
}
