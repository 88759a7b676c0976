import { until, EnvoyAdmin } from "./admin";
import { ClusterSet } from "./cluster-set";
import { ConfigFiles } from "./files";
import { digestOf } from "./names";
import { logSince } from "./process";
import { routeConfiguration } from "./routes";
import type { EnvoyConfig, RouteConfig } from "./types";

/** What Envoy does not serve as configured, by name. Everything else it serves: its admin says so. */
export interface Outcome {
  routes: ReadonlyMap<string, RouteError>;
  listeners: ReadonlyMap<string, string>;
}

export interface RouteError {
  message: string;
  /** Envoy refused the content; else it could not take it now. */
  refused: boolean;
}

const takesMs = 5000;

/**
 * Brings Envoy from what it serves to what it is to serve, without a moment at which a request fails: clusters
 * come before the routes that name them, and go after them, when no request runs on them any more.
 */
export class Applier {
  /** Route configurations as Envoy has taken them. */
  private readonly served = new Map<string, { version: string; clusters: ReadonlySet<string> }>();
  /** The last content that Envoy refused. */
  private readonly refused = new Map<string, { version: string; message: string }>();
  private listenerVersion = digestOf([]);
  private listenerErrors = new Map<string, string>();
  private readonly clusters: ClusterSet;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly files: ConfigFiles,
    private readonly admin: EnvoyAdmin,
    private readonly log: string,
  ) {
    this.clusters = new ClusterSet(files, admin);
  }

  apply(config: EnvoyConfig): Promise<Outcome> {
    return this.exclusively(async () => {
      const missing = await this.clusters.add(config.clusters);
      const [known, fresh] = [new Map<string, RouteConfig>(), new Map<string, RouteConfig>()];
      for (const [name, routes] of config.routes) (this.served.has(name) ? known : fresh).set(name, routes);
      const errors = await this.putRoutes(known);
      // New ones begin empty and are then changed, so that a refusal shows in one way only.
      for (const name of fresh.keys()) {
        this.files.write(this.files.routes(name), [routeConfiguration(name, [])]);
      }
      await this.putListeners(config);
      for (const [name, error] of this.withoutListener(fresh.keys(), config)) {
        errors.set(name, error);
        fresh.delete(name);
      }
      for (const [name, error] of await this.putRoutes(fresh)) errors.set(name, error);
      for (const [name, { clusters }] of config.routes) {
        const lacking = [...clusters].find((cluster) => missing.has(cluster));
        if (lacking !== undefined && !errors.has(name)) {
          errors.set(name, passing(`Envoy lacks the cluster ${lacking}`));
        }
      }
      this.forgetRoutes(config);
      const used = [...this.served.values()].flatMap(({ clusters }) => [...clusters]);
      this.clusters.use(new Set([...used, ...config.clusters.keys()]));
      return { routes: errors, listeners: new Map(this.listenerErrors) };
    });
  }

  /** Whether clusters wait for their end; {@link sweep} is then to be called now and again. */
  get hasLeftovers(): boolean {
    return this.clusters.hasLeftovers;
  }

  /** Removes clusters that nothing uses any more. */
  sweep(): Promise<void> {
    return this.exclusively(() => this.clusters.sweep());
  }

  /** Route configurations that Envoy does not read, because the listener that needs them is not there. */
  private withoutListener(names: Iterable<string>, { listeners }: EnvoyConfig): Map<string, RouteError> {
    const errors = new Map<string, RouteError>();
    for (const name of names) {
      const reader = [...listeners].find(([, listener]) => listener.routes.includes(name));
      const error = reader === undefined ? undefined : this.listenerErrors.get(reader[0]);
      if (error !== undefined) errors.set(name, passing(error));
    }
    return errors;
  }

  /** Writes what has changed, all at once, and waits for Envoy's word on each. Resolves to the complaints. */
  private async putRoutes(configs: ReadonlyMap<string, RouteConfig>): Promise<Map<string, RouteError>> {
    const errors = new Map<string, RouteError>();
    const changed = new Map<string, RouteConfig>();
    for (const [name, routes] of configs) {
      const desired = digestOf([routes.resource]);
      const earlier = this.refused.get(name);
      if (earlier?.version === desired) errors.set(name, { message: earlier.message, refused: true });
      else if (this.served.get(name)?.version !== desired || earlier !== undefined) changed.set(name, routes);
    }
    if (changed.size === 0) return errors;
    const before = await this.admin.routeRejections();
    const logged = logSince(this.log, Number.MAX_SAFE_INTEGER).end;
    const waiting = new Map<string, string>();
    for (const [name, { resource }] of changed) {
      waiting.set(name, this.files.write(this.files.routes(name), [resource]));
    }
    const refused = new Map<string, string>();
    await until(async () => {
      const [versions, rejections] = await Promise.all([
        this.admin.routeVersions(),
        this.admin.routeRejections(),
      ]);
      for (const [name, version] of [...waiting]) {
        if (versions.get(name) === version) {
          this.served.set(name, { version, clusters: changed.get(name)?.clusters ?? new Set() });
          this.refused.delete(name);
        } else if ((rejections.get(name) ?? 0) > (before.get(name) ?? 0)) refused.set(name, version);
        else continue;
        waiting.delete(name);
      }
      return waiting.size === 0 ? true : undefined;
    }, takesMs);
    const message = refused.size > 0 ? await this.complaint(logged) : "";
    for (const [name, version] of refused) {
      this.refused.set(name, { version, message });
      errors.set(name, { message, refused: true });
    }
    for (const name of waiting.keys()) {
      errors.set(name, passing(`Envoy has not taken the routes within ${takesMs / 1000} s`));
    }
    return errors;
  }

  private async putListeners({ listeners }: EnvoyConfig): Promise<void> {
    const resources = [...listeners.values()].map(({ resource }) => resource);
    if (digestOf(resources) === this.listenerVersion && this.listenerErrors.size === 0) return;
    const before = await this.admin.listenerUpdates();
    const version = this.files.write(this.files.listeners, resources);
    await until(async () => {
      const now = await this.admin.listenerUpdates();
      return now.version === version || now.rejected > before.rejected ? true : undefined;
    }, takesMs);
    const settled = await until(async () => {
      const states = await this.admin.listeners();
      const decided = (name: string): boolean => {
        const state = states.get(name);
        return state !== undefined && (state.active || state.refused !== undefined);
      };
      return [...listeners.keys()].every(decided) ? states : undefined;
    }, takesMs);
    const states = settled ?? (await this.admin.listeners());
    this.listenerVersion = version;
    this.listenerErrors = new Map();
    for (const name of listeners.keys()) {
      const state = states.get(name);
      if (state?.active === true && state.refused === undefined) continue;
      this.listenerErrors.set(name, state?.refused ?? "Envoy does not show the listener");
    }
  }

  /** Routes of listeners that are gone: nothing reads their files any more. */
  private forgetRoutes(config: EnvoyConfig): void {
    for (const name of this.served.keys()) {
      if (config.routes.has(name)) continue;
      this.served.delete(name);
      this.refused.delete(name);
      this.files.remove(this.files.routes(name));
    }
  }

  /** What Envoy logged about refusals; it does not say which configuration a line is about. */
  private async complaint(logged: number): Promise<string> {
    const found = await until(() => {
      const lines = [...logSince(this.log, logged).text.matchAll(/update rejected: (.+)/g)];
      const texts = [...new Set(lines.map(([, text]) => text))];
      return Promise.resolve(texts.length === 0 ? undefined : texts.join("; "));
    }, 200);
    return found ?? "Envoy refused the routes; its log may say why";
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work, work);
    this.queue = result.catch(() => undefined);
    return result;
  }
}

function passing(message: string): RouteError {
  return { message, refused: false };
}
