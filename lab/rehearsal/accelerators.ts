import { type Informer, type V1Node, CoreV1Api, makeInformer } from "@kubernetes/client-node";
import { loadKubeconfig } from "../cluster/objects";
import { poolLabel } from "../plugins/gcp/node-object";
import { now } from "../../rollout/traffic/client";

/** As Kubernetes has accelerators among a node's resources. */
const resources = ["nvidia.com/gpu", "google.com/tpu"] as const;

/** Sees which node pools have how many accelerators, and when: what somebody would pay for. */
export class AcceleratorWatch {
  private readonly held: Held[] = [];
  private readonly informer: Informer<V1Node>;
  private closed = false;

  constructor(kubeconfig: string) {
    const config = loadKubeconfig(kubeconfig);
    const api = config.makeApiClient(CoreV1Api);
    this.informer = makeInformer(config, "/api/v1/nodes", () => api.listNode());
    this.informer.on("add", (node) => this.see(node));
    this.informer.on("delete", (node) => this.miss(node));
    // A watch that the API server ends is begun again.
    this.informer.on("error", () => {
      if (!this.closed) setTimeout(() => void this.start().catch(() => undefined), 200);
    });
  }

  start(): Promise<void> {
    return this.informer.start();
  }

  close(): void {
    this.closed = true;
    void this.informer.stop();
  }

  during(from: number, to: number): AcceleratorHours {
    return acceleratorHours(this.held, from, to);
  }

  private see({ metadata, status }: V1Node): void {
    const count = resources.reduce((sum, name) => sum + Number(status?.capacity?.[name] ?? 0), 0);
    const [node = "", pool = ""] = [metadata?.uid, metadata?.labels?.[poolLabel]];
    if (count === 0 || this.held.some((one) => one.node === node)) return;
    this.held.push({ node, pool, count, from: now(), to: Infinity });
  }

  private miss({ metadata }: V1Node): void {
    for (const one of this.held) if (one.node === metadata?.uid && one.to === Infinity) one.to = now();
  }
}

/** Accelerators of one node, from when it was there until it went. Times are milliseconds; `to` may be Infinity. */
export interface Held {
  node: string;
  /** Node pool. */
  pool: string;
  count: number;
  from: number;
  to: number;
}

/** What a span of time took of accelerators, and what it would have taken with every pool at its largest all along. */
export interface AcceleratorHours {
  seconds: number;
  hours: number;
  fullHours: number;
  pools: Readonly<Record<string, { hours: number; most: number }>>;
}

const hour = 3_600_000;

/** Accelerator-hours between two times, by node pool. */
export function acceleratorHours(held: readonly Held[], from: number, to: number): AcceleratorHours {
  const within = held.filter((one) => one.from < to && one.to > from);
  const pools = Object.fromEntries(
    [...new Set(within.map(({ pool }) => pool))].sort().map((pool) => {
      const own = within.filter((one) => one.pool === pool);
      const hours = own.reduce(
        (sum, one) => sum + (one.count * (Math.min(one.to, to) - Math.max(one.from, from))) / hour,
        0,
      );
      return [pool, { hours, most: most(own, from) }] as const;
    }),
  );
  const all = Object.values(pools);
  return {
    seconds: (to - from) / 1000,
    hours: all.reduce((sum, { hours }) => sum + hours, 0),
    fullHours: (all.reduce((sum, pool) => sum + pool.most, 0) * (to - from)) / hour,
    pools,
  };
}

/** The most that was there at one time: it can only be when some node has just come. */
function most(held: readonly Held[], from: number): number {
  const times = held.map((one) => Math.max(one.from, from));
  const at = (time: number): number =>
    held.filter((one) => one.from <= time && one.to > time).reduce((sum, { count }) => sum + count, 0);
  return Math.max(0, ...times.map(at));
}
