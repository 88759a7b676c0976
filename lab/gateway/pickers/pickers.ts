import { endpointKey, type Endpoint } from "../translate/endpoints";
import { PickerSession, type PickerState } from "./session";

/** Which pickers answer. Only those that a route of ours leads to are followed. */
export class Pickers {
  private readonly sessions = new Map<string, PickerSession>();
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly changed: () => void,
    private readonly tell: (line: string) => void,
  ) {}

  /** Follows exactly these endpoints from now on. */
  follow(endpoints: readonly Endpoint[]): void {
    const desired = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
    for (const [key, session] of this.sessions) {
      if (desired.has(key)) continue;
      session.close();
      this.sessions.delete(key);
    }
    for (const [key, endpoint] of desired) {
      if (this.sessions.has(key)) continue;
      this.sessions.set(key, new PickerSession(endpoint, (state) => this.notify(key, state)));
    }
  }

  stateOf(key: string): PickerState {
    return this.sessions.get(key)?.state ?? "asking";
  }

  /**
   * Resolves when every endpoint has been tried once, or the time is up: a new picker is asked from the first
   * request on, and no configuration goes out that would be replaced at once.
   */
  async settled(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while ([...this.sessions.values()].some(({ state }) => state === "asking")) {
      const left = deadline - performance.now();
      if (left <= 0) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, left);
        this.waiting.add(done);
      });
    }
  }

  close(): void {
    this.follow([]);
  }

  private notify(key: string, state: PickerState): void {
    this.tell(`picker ${key} is ${state}`);
    for (const done of [...this.waiting]) done();
    this.changed();
  }
}
