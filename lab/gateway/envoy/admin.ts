import { setTimeout as sleep } from "node:timers/promises";
import * as http from "node:http";

/** What has happened to one of Envoy's subscriptions. Counters only grow. */
export interface Subscription {
  version: string | undefined;
  rejected: number;
}

/** Asks Envoy's admin interface. Connections are kept: an update is followed by several questions. */
export class EnvoyAdmin {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

  constructor(readonly address: string) {}

  async isLive(): Promise<boolean> {
    return (await this.get("/ready")).status === 200;
  }

  /** Names of the clusters that Envoy routes to; those that still warm up are left out. */
  async activeClusters(): Promise<Set<string>> {
    const configs = await this.dump<{ cluster?: { name?: string } }>(
      "dynamic_active_clusters",
      "cluster.name",
    );
    return new Set(configs.map(({ cluster }) => cluster?.name ?? ""));
  }

  /** Version of each route configuration that Envoy serves. */
  async routeVersions(): Promise<Map<string, string>> {
    const configs = await this.dump<{ version_info?: string; route_config?: { name?: string } }>(
      "dynamic_route_configs",
      "version_info,route_config.name",
    );
    return new Map(configs.map((one) => [one.route_config?.name ?? "", one.version_info ?? ""]));
  }

  /** For each listener whether it serves, and why its last update was refused. */
  async listeners(): Promise<Map<string, { active: boolean; refused: string | undefined }>> {
    interface Dumped {
      name?: string;
      active_state?: { version_info?: string };
      error_state?: { details?: string };
    }
    const configs = await this.dump<Dumped>(
      "dynamic_listeners",
      "name,active_state.version_info,error_state.details",
    );
    return new Map(
      configs.map((one) => [
        one.name ?? "",
        { active: one.active_state !== undefined, refused: one.error_state?.details },
      ]),
    );
  }

  clusterUpdates(): Promise<Subscription> {
    return this.subscription("cluster_manager.cds");
  }

  listenerUpdates(): Promise<Subscription> {
    return this.subscription("listener_manager.lds");
  }

  /** How often each route configuration was refused, by name. */
  async routeRejections(): Promise<Map<string, number>> {
    const stats = await this.stats("^http\\.gateway\\.rds\\..*\\.update_rejected$");
    const name = (stat: string): string => stat.slice("http.gateway.rds.".length, -".update_rejected".length);
    return new Map([...stats].map(([stat, value]) => [name(stat), Number(value)]));
  }

  /** Requests that run on each cluster now, by name. */
  async runningRequests(): Promise<Map<string, number>> {
    const stats = await this.stats("^cluster\\..*\\.upstream_rq_(active|pending_active)$");
    const running = new Map<string, number>();
    for (const [stat, value] of stats) {
      const name = stat.slice("cluster.".length).replace(/\.upstream_rq_(pending_)?active$/, "");
      running.set(name, (running.get(name) ?? 0) + Number(value));
    }
    return running;
  }

  close(): void {
    this.agent.destroy();
  }

  private async subscription(prefix: string): Promise<Subscription> {
    const stats = await this.stats(`^${prefix.replaceAll(".", "\\.")}\\.(version_text|update_rejected)$`);
    return {
      version: stats.get(`${prefix}.version_text`),
      rejected: Number(stats.get(`${prefix}.update_rejected`) ?? 0),
    };
  }

  private async stats(filter: string): Promise<Map<string, string>> {
    const { body } = await this.get(`/stats?filter=${encodeURIComponent(filter)}`);
    const lines = body.split("\n").filter((line) => line !== "");
    return new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(": ");
        return [line.slice(0, end), line.slice(end + 2).replace(/^"|"$/g, "")] as const;
      }),
    );
  }

  private async dump<T>(resource: string, mask: string): Promise<T[]> {
    const { status, body } = await this.get(
      `/config_dump?resource=${resource}&mask=${encodeURIComponent(mask)}`,
    );
    // Envoy answers 404 where there is none.
    if (status !== 200) return [];
    return (JSON.parse(body) as { configs?: T[] }).configs ?? [];
  }

  private get(path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const request = http.get(`${this.address}${path}`, { agent: this.agent, timeout: 5000 }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.once("error", reject);
      });
      request.once("timeout", () => request.destroy(new Error("Envoy's admin did not answer within 5 s")));
      request.once("error", reject);
    });
  }
}

/** Asks until there is an answer; undefined when time is up. Envoy takes most updates within 5 ms. */
export async function until<T>(ask: () => Promise<T | undefined>, timeoutMs: number): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    const answer = await ask();
    if (answer !== undefined || performance.now() > deadline) return answer;
    await sleep(pause);
  }
}
