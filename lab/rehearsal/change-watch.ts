import { Watch } from "@kubernetes/client-node";
import { loadKubeconfig } from "../cluster/objects";
import { now } from "../../rollout/traffic/client";

interface Change {
  generation: number;
  /** When the API server told of the new generation. */
  writtenAt: number;
  /** When the gateway said that it is in force. */
  inForceAt?: number;
}

interface LiveRoute {
  metadata?: { name?: string; generation?: number };
  status?: { parents?: { conditions?: { type: string; status: string; observedGeneration?: number }[] }[] };
}

/** The kinds of objects whose change moves requests. */
const collections = {
  route: { group: "gateway.networking.k8s.io/v1", plural: "httproutes" },
  names: { group: "inference.networking.x-k8s.io/v1alpha2", plural: "inferencemodelrewrites" },
} as const;

/**
 * Sees when one HTTPRoute or InferenceModelRewrite is changed, and of a route when its gateway says that the change
 * is in force; a rewrite has no status.
 */
export class ChangeWatch {
  private readonly changes: Change[] = [];
  private request: AbortController | undefined;
  private closed = false;

  constructor(
    private readonly kubeconfig: string,
    private readonly object: { kind: keyof typeof collections; namespace: string; name: string },
  ) {}

  /** Goes on until it is closed; a watch that the API server ends is begun again. */
  async start(): Promise<void> {
    const { kind, namespace, name } = this.object;
    const { group, plural } = collections[kind];
    const path = `/apis/${group}/namespaces/${namespace}/${plural}`;
    this.request = await new Watch(loadKubeconfig(this.kubeconfig)).watch(
      path,
      { fieldSelector: `metadata.name=${name}` },
      (_type, object: LiveRoute) => this.see(object),
      () => {
        if (!this.closed) setTimeout(() => void this.start().catch(() => undefined), 200);
      },
    );
  }

  close(): void {
    this.closed = true;
    this.request?.abort();
  }

  /** Seconds from the first change in a span of time to its being in force. */
  settledSeconds(from: number, to: number): number | undefined {
    const change = this.changes.find(({ writtenAt }) => writtenAt >= from && writtenAt <= to);
    return change?.inForceAt === undefined ? undefined : (change.inForceAt - change.writtenAt) / 1000;
  }

  /** When the route was last changed in a span of time. */
  writtenAt(from: number, to: number): number | undefined {
    return this.changes.filter(({ writtenAt }) => writtenAt >= from && writtenAt <= to).at(-1)?.writtenAt;
  }

  private see({ metadata, status }: LiveRoute): void {
    const generation = metadata?.generation;
    if (generation === undefined) return;
    let change = this.changes.find((entry) => entry.generation === generation);
    if (change === undefined) {
      change = { generation, writtenAt: now() };
      this.changes.push(change);
    }
    const inForce = status?.parents?.some(({ conditions }) =>
      conditions?.some(
        ({ type, status: word, observedGeneration }) =>
          type === "Reconciled" && word === "True" && observedGeneration === generation,
      ),
    );
    if (inForce === true) change.inForceAt ??= now();
  }
}
