import { setTimeout as sleep } from "node:timers/promises";
import { loadKubeconfig } from "../cluster/objects";
import type { WholeLab } from "../lab";
import { ClusterApi } from "../cluster/cluster-api";
import type { Pod } from "../pods/objects";
import type { ServerView } from "../simulator/protocol";
import type { Rehearsal } from "./kinds";

/** The sidecars unload a version after half a minute in which nobody asked for it. */
const unloadSeconds = 60;

/**
 * The model servers of the stable pool while a version of an adapter is rolled out: they are the same all the way
 * (nothing restarts), and in the end they have what is on the list and nothing else.
 */
export class StableServers {
  private first: string | undefined;
  private last = "";

  constructor(
    private readonly lab: WholeLab,
    private readonly rehearsal: Rehearsal,
  ) {}

  /** To be called after every step. */
  async seen(): Promise<void> {
    if (this.rehearsal.loadedInTheEnd === undefined) return;
    this.last = await this.pods();
    this.first ??= this.last;
  }

  async problems(): Promise<string[]> {
    const adapters = this.rehearsal.loadedInTheEnd;
    if (adapters === undefined) return [];
    const restarted =
      this.first === this.last
        ? []
        : [`model servers restarted: the pods were ${this.first ?? "none"}, and are now ${this.last}`];
    const expected = [...adapters].sort().join(", ");
    const deadline = performance.now() + unloadSeconds * 1000;
    let found = await this.loaded();
    while (found.some((names) => names !== expected) && performance.now() < deadline) {
      await sleep(500);
      found = await this.loaded();
    }
    const wrong = found.filter((names) => names !== expected);
    return [
      ...restarted,
      ...wrong.map((names) => `a model server has loaded ${names} instead of ${expected}`),
    ];
  }

  /** Every pod with its restarts, as text that can be compared. */
  private async pods(): Promise<string> {
    const { stable, moved } = this.rehearsal;
    const api = ClusterApi.ofKubeconfig(loadKubeconfig(this.lab.controlPlane.kubeconfig));
    try {
      const path = `/api/v1/namespaces/${moved.namespace}/pods?labelSelector=app%3D${stable}`;
      const { items } = await api.get<{ items: Pod[] }>(path);
      return items
        .map(({ metadata, status }) => {
          const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
          const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
          return `${metadata?.uid ?? ""} (${restarts} restarts)`;
        })
        .sort()
        .join(", ");
    } finally {
      api.close();
    }
  }

  private async loaded(): Promise<string[]> {
    const views = (await (await fetch(`${this.lab.simulator.url}/servers`)).json()) as ServerView[];
    const own = views.filter(({ pod }) => pod.startsWith(`${this.rehearsal.stable}-`));
    return own.map(({ adapters }) => [...adapters].sort().join(", "));
  }
}
