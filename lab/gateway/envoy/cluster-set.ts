import { until, type EnvoyAdmin } from "./admin";
import type { ConfigFiles } from "./files";
import type { Resource } from "./types";

const takesMs = 5000;
const lingerMs = 5000;

/** Envoy's clusters: new ones are there before anything names them, old ones go when nothing uses them. */
export class ClusterSet {
  /** Every cluster in Envoy's file, those that wait for their end included. */
  private readonly clusters = new Map<string, Resource>();
  private readonly retirement = new Retirement(lingerMs);

  constructor(
    private readonly files: ConfigFiles,
    private readonly admin: EnvoyAdmin,
  ) {}

  /** Whether clusters wait for their end; {@link sweep} is then to be called now and again. */
  get hasLeftovers(): boolean {
    return this.retirement.isPending;
  }

  /** Adds what is new; returns the names of those that Envoy did not take. */
  async add(desired: ReadonlyMap<string, Resource>): Promise<ReadonlySet<string>> {
    const added = [...desired].filter(([name]) => !this.clusters.has(name));
    if (added.length === 0) return new Set();
    for (const [name, cluster] of added) this.clusters.set(name, cluster);
    const before = await this.admin.clusterUpdates();
    const version = this.files.write(this.files.clusters, [...this.clusters.values()]);
    const missing = async (): Promise<string[]> => {
      const active = await this.admin.activeClusters();
      return added.map(([name]) => name).filter((name) => !active.has(name));
    };
    await until(async () => {
      const now = await this.admin.clusterUpdates();
      if (now.rejected > before.rejected) return true;
      return now.version === version && (await missing()).length === 0 ? true : undefined;
    }, takesMs);
    const lacking = await missing();
    // They are tried again with the next change.
    for (const name of lacking) this.clusters.delete(name);
    return new Set(lacking);
  }

  /** Tells which clusters are named by something; the time of the others begins to run. */
  use(names: ReadonlySet<string>): void {
    this.retirement.observe(this.clusters.keys(), names, performance.now());
  }

  /** Removes clusters that nothing uses any more. */
  async sweep(): Promise<void> {
    const ripe = this.retirement.ripe(await this.admin.runningRequests(), performance.now());
    if (ripe.length === 0) return;
    for (const name of ripe) {
      this.clusters.delete(name);
      this.retirement.forget(name);
    }
    const version = this.files.write(this.files.clusters, [...this.clusters.values()]);
    // A cluster that comes back under its name must not be taken for the one that is just going.
    await until(
      async () => ((await this.admin.clusterUpdates()).version === version ? true : undefined),
      takesMs,
    );
  }
}

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
