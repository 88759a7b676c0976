import { setTimeout as sleep } from "node:timers/promises";
import { apply, loadKubeconfig } from "../../cluster/objects";
import { Api } from "../objects/api";
import type { Pod, Service } from "../objects/types";

const everyMs = 250;

interface List<T> {
  items: T[];
}

/**
 * EndpointSlices that count the ready pods of each picker's Service and name none of them. The lab has no real ones
 * (the API server refuses loopback addresses there), and a test of the inference extension waits until the number of
 * a Service's endpoints is what it expects. Their type is FQDN, which nothing routes by.
 */
export class PlaceholderSlices {
  private readonly api: Api;
  private readonly counts = new Map<string, number>();
  private stopped = false;
  private readonly done: Promise<void>;

  constructor(
    private readonly kubeconfig: string,
    private readonly namespace: string,
  ) {
    this.api = new Api(loadKubeconfig(kubeconfig));
    this.done = this.follow();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.done;
    this.api.close();
  }

  private async follow(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.write();
      } catch (error) {
        // The namespace comes with the suite's own manifests.
        if (!/404|not found/.test(String(error))) console.log(`placeholder EndpointSlices: ${String(error)}`);
      }
      await sleep(everyMs);
    }
  }

  private async write(): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}`;
    const services = (await this.api.get(`${path}/services`)) as List<Service>;
    const pods = (await this.api.get(`${path}/pods`)) as List<Pod>;
    for (const { metadata, spec } of services.items) {
      const ready = pods.items.filter((pod) => isReady(pod) && matches(pod, spec.selector)).length;
      if (this.counts.get(metadata.name) === ready) continue;
      await apply(this.kubeconfig, [slice(metadata.name, this.namespace, ready)]);
      this.counts.set(metadata.name, ready);
    }
  }
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}

function matches({ metadata }: Pod, selector: Readonly<Record<string, string>> = {}): boolean {
  const entries = Object.entries(selector);
  return entries.length > 0 && entries.every(([key, value]) => metadata.labels?.[key] === value);
}

function slice(service: string, namespace: string, count: number): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${service}-placeholder`,
      namespace,
      labels: { "kubernetes.io/service-name": service },
    },
    addressType: "FQDN",
    endpoints: Array.from({ length: count }, (_, i) => ({ addresses: [`placeholder-${i}.invalid`] })),
    ports: [],
  };
}
