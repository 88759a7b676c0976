import type { EnvoyAdmin } from "./admin";
import type { ConfigFiles } from "./files";
import { Retirement } from "./retirement";
import type { Resource } from "./types";
import { until } from "./until";

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
  async add(wanted: ReadonlyMap<string, Resource>): Promise<ReadonlySet<string>> {
    const added = [...wanted].filter(([name]) => !this.clusters.has(name));
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
    this.retirement.observe(this.clusters.keys(), names, Date.now());
  }

  /** Removes clusters that nothing uses any more. */
  async sweep(): Promise<void> {
    const ripe = this.retirement.ripe(await this.admin.runningRequests(), Date.now());
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
