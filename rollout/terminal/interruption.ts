/** Between two signals that are one key press: a terminal sends it to everybody, and npm passes it on. */
const echoMs = 2000;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Ctrl-C while something runs: the first ends it in an orderly way, one well after that at once. */
export class Interruption {
  private readonly abort = new AbortController();
  private at: number | undefined;

  /**
   * @param first told of the first signal, before the abort.
   * @param again told of one that came later and not as the first one's echo.
   */
  constructor(
    private readonly first: () => void,
    private readonly again: () => void,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  get happened(): boolean {
    return this.at !== undefined;
  }

  readonly take = (): void => {
    const now = this.clock();
    if (this.at === undefined) {
      this.at = now;
      this.first();
      this.abort.abort();
    } else if (now - this.at >= echoMs) {
      this.at = now;
      this.again();
    }
  };

  /** Listens while `work` runs. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    for (const name of signals) process.on(name, this.take);
    try {
      return await work();
    } finally {
      for (const name of signals) process.off(name, this.take);
    }
  }
}
