import type { Pace } from "./speed";
import type { Ticker, Ticking } from "./ticker";

/** A request as the engine sees it. */
export interface Work {
  readonly adapter: string | undefined;
  readonly promptTokens: number;
  readonly maxTokens: number;
  /** Whether it wants its tokens as they come; else it is called once, at its end. */
  readonly streams: boolean;
  /** `count` more tokens are there; `last`: that was all. */
  tokens(count: number, last: boolean): void;
}

export interface Limits {
  /** Requests that run at once (--max-num-seqs). */
  sequences: number;
  /** Adapters in one batch (--max-loras). */
  adapters: number;
}

/** Told what happened, for the metrics. Times in milliseconds. */
export interface EngineObserver {
  firstToken(sinceArrival: number): void;
  finished(work: Work, sinceArrival: number, queued: number, generating: number): void;
  aborted(): void;
}

interface Job {
  readonly work: Work;
  readonly arrived: number;
  admitted: number;
  firstAt: number;
  /** Milliseconds between its tokens. */
  token: number;
  emitted: number;
}

/** Continuous batching: a queue, a batch of limited size, and tokens that come with time. */
export class Engine implements Ticking {
  private readonly batch = new Set<Job>();
  private queue: Job[] = [];
  /** How many jobs of the batch use an adapter. */
  private readonly adaptersInBatch = new Map<string, number>();
  /** Counts every change, so that whoever shows the state knows whether it is still the same. */
  version = 0;
  /** Everything takes this many times as long. */
  slowness = 1;
  private hanging = false;

  constructor(
    private readonly pace: Pace,
    private readonly limits: Limits,
    private readonly ticker: Pick<Ticker, "add">,
    private readonly observer: EngineObserver,
    /** Milliseconds until the adapter is in memory. */
    private readonly adapterDelay: (adapter: string) => number = () => 0,
  ) {}

  get running(): number {
    return this.batch.size;
  }

  get waiting(): number {
    return this.queue.length;
  }

  get runningAdapters(): string[] {
    return [...this.adaptersInBatch.keys()];
  }

  get waitingAdapters(): string[] {
    return [...new Set(this.queue.flatMap(({ work }) => work.adapter ?? []))];
  }

  /** Share of the KV cache that running requests hold, 0 to 1. */
  cacheUsage(now = performance.now()): number {
    let tokens = 0;
    for (const job of this.batch) tokens += job.work.promptTokens + due(job, now);
    return Math.min(1, tokens / this.pace.cacheTokens);
  }

  /** Takes a request; the function returned gives it up (the client has gone). */
  submit(work: Work): () => void {
    const now = performance.now();
    const job: Job = { work, arrived: now, admitted: 0, firstAt: 0, token: 0, emitted: 0 };
    this.version++;
    if (this.queue.length > 0 || !this.hasRoom(job)) this.queue.push(job);
    else this.admit(job, now);
    this.ticker.add(this);
    return () => this.abort(job);
  }

  /** Nothing goes on while it hangs. */
  hang(hanging: boolean): void {
    this.hanging = hanging;
    this.ticker.add(this);
  }

  tick(now: number): boolean {
    if (this.hanging) return false;
    for (const job of this.batch) this.advance(job, now);
    this.fill(now);
    return this.batch.size > 0 || this.queue.length > 0;
  }

  private advance(job: Job, now: number): void {
    const { work } = job;
    const count = due(job, now);
    if (count === 0) return;
    if (job.emitted === 0) this.observer.firstToken(now - job.arrived);
    const last = count === work.maxTokens;
    const fresh = count - job.emitted;
    job.emitted = count;
    if (fresh > 0) this.version++;
    if (last) {
      this.remove(job);
      this.observer.finished(work, now - job.arrived, job.admitted - job.arrived, now - job.firstAt);
    }
    if (last || (work.streams && fresh > 0)) work.tokens(fresh, last);
  }

  /** First come, first served; a request whose adapter has no place in the batch lets others pass, as in vLLM. */
  private fill(now: number): void {
    if (this.queue.length === 0) return;
    const left: Job[] = [];
    for (const job of this.queue) {
      if (this.hasRoom(job)) this.admit(job, now);
      else left.push(job);
    }
    if (left.length !== this.queue.length) this.version++;
    this.queue = left;
  }

  private hasRoom({ work }: Job): boolean {
    if (this.batch.size >= this.limits.sequences) return false;
    const { adapter } = work;
    if (adapter === undefined || this.adaptersInBatch.has(adapter)) return true;
    return this.adaptersInBatch.size < this.limits.adapters;
  }

  private admit(job: Job, now: number): void {
    const { adapter, promptTokens } = job.work;
    const wait = this.pace.firstToken + promptTokens * this.pace.promptToken;
    job.admitted = now;
    job.firstAt = now + wait * this.slowness + (adapter === undefined ? 0 : this.adapterDelay(adapter));
    job.token = this.pace.token * this.slowness;
    this.batch.add(job);
    if (adapter !== undefined) {
      this.adaptersInBatch.set(adapter, (this.adaptersInBatch.get(adapter) ?? 0) + 1);
    }
  }

  private remove(job: Job): void {
    const { adapter } = job.work;
    if (!this.batch.delete(job) || adapter === undefined) return;
    const left = (this.adaptersInBatch.get(adapter) ?? 1) - 1;
    if (left === 0) this.adaptersInBatch.delete(adapter);
    else this.adaptersInBatch.set(adapter, left);
  }

  private abort(job: Job): void {
    const queued = this.queue.indexOf(job);
    if (queued >= 0) this.queue.splice(queued, 1);
    else if (this.batch.has(job)) this.remove(job);
    else return;
    this.version++;
    this.observer.aborted();
  }
}

/** How many tokens the job has by now; a late clock catches up at once. */
function due(job: Job, now: number): number {
  const { maxTokens } = job.work;
  if (now < job.firstAt) return 0;
  if (job.token <= 0) return maxTokens;
  return Math.min(maxTokens, 1 + Math.floor((now - job.firstAt) / job.token));
}
