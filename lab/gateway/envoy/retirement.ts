/**
 * Which clusters Envoy may forget. A cluster that no route names any more still carries the requests that began
 * before: it goes when it is idle, and not before `lingerMs` have passed, in which a request that was already
 * given to it, but has not reached it, can do so.
 */
export class Retirement {
  private readonly since = new Map<string, number>();

  constructor(private readonly lingerMs: number) {}

  get isPending(): boolean {
    return this.since.size > 0;
  }

  /** Brings the list up to date: `known` are all clusters, `used` those that a route names. */
  observe(known: Iterable<string>, used: ReadonlySet<string>, now: number): void {
    const unused = new Set([...known].filter((name) => !used.has(name)));
    for (const name of this.since.keys()) if (!unused.has(name)) this.since.delete(name);
    for (const name of unused) if (!this.since.has(name)) this.since.set(name, now);
  }

  /** The cluster is gone. */
  forget(name: string): void {
    this.since.delete(name);
  }

  /** Clusters that can go now. */
  ripe(running: ReadonlyMap<string, number>, now: number): string[] {
    return [...this.since]
      .filter(([name, since]) => now - since >= this.lingerMs && isIdle(name, running))
      .map(([name]) => name);
  }
}

/** A request that waits for its picker will be sent to the pool, so the pool's cluster stays as long. */
function isIdle(name: string, running: ReadonlyMap<string, number>): boolean {
  if ((running.get(name) ?? 0) > 0) return false;
  const pool = /^pool\/([^/]+\/[^/]+)/.exec(name)?.[1];
  if (pool === undefined) return true;
  return ![...running].some(([other, count]) => count > 0 && other.startsWith(`picker/${pool}/`));
}
