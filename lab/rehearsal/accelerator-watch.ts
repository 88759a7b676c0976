import { CoreV1Api, makeInformer, type Informer, type V1Node } from "@kubernetes/client-node";
import { loadKubeconfig } from "../cluster/objects";
import { poolLabel } from "../plugins/gcp/node-object";
import { acceleratorHours, type AcceleratorHours, type Held } from "./accelerator-hours";
import { now } from "./stage";

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
