import * as http from "node:http";
import { HeldAddresses } from "./pod-network";
import { poolsOf, poolsPath, type InferencePool } from "./picker";
import { logFile } from "./container-starter";
import type { LogRequest } from "./logs";
import { removePod } from "./pod-reports";
import type { KubeConfig } from "@kubernetes/client-node";
import { PodWorker, type PodServices } from "./pod-worker";
import { ClusterWatch } from "./watch";
import { identify, nameOf, type Node, type Pod } from "./objects";

/** Everything that a kubelet does for the pods of all nodes of a lab. */
export class Kubelet {
  private readonly workers = new Map<string, PodWorker>();
  /** Pods that have ended here while their object is still seen: a finalizer may keep it. */
  private readonly finished = new Set<string>();
  private readonly addresses = new HeldAddresses();
  private readonly services: PodServices;
  private readonly nodes: ClusterWatch<Node>;
  private readonly pools: ClusterWatch<InferencePool>;
  private readonly pods: ClusterWatch<Pod>;

  constructor(config: KubeConfig, services: Omit<PodServices, "node" | "poolOf" | "claimAddress">) {
    const { api } = services;
    this.services = {
      ...services,
      node: (name) => this.nodes.list().find(({ metadata }) => metadata?.name === name),
      poolOf: (pod) => poolsOf(pod, this.pools.list()),
      claimAddress: (address) => this.addresses.claim(address),
    };
    this.nodes = new ClusterWatch<Node>(config, api, "/api/v1/nodes", {
      changed: () => undefined,
      deleted: (node) => this.nodeGone(node.metadata?.name ?? ""),
    });
    const poolsChanged = (): void => {
      for (const worker of this.workers.values()) worker.poolsChanged();
    };
    this.pools = new ClusterWatch<InferencePool>(config, api, poolsPath, {
      changed: poolsChanged,
      deleted: poolsChanged,
    });
    this.pods = new ClusterWatch<Pod>(config, api, "/api/v1/pods", {
      changed: (pod) => this.changed(pod),
      deleted: (pod) => this.deleted(pod),
    });
  }

  async start(): Promise<void> {
    await this.nodes.start();
    await this.pools.start();
    await this.pods.start();
  }

  /** Ends every program and leaves all objects as they are. */
  async stop(): Promise<void> {
    await Promise.all([this.nodes.stop(), this.pools.stop(), this.pods.stop()]);
    await Promise.all([...this.workers.values()].map((worker) => worker.kill()));
  }

  /** The file with a container's log; undefined: the pod does not run, or has no such container. */
  logOf({
    namespace,
    pod,
    container,
  }: Pick<LogRequest, "namespace" | "pod" | "container">): string | undefined {
    const worker = this.running.find(({ current }) => {
      const { namespace: place, name } = identify(current);
      return place === namespace && name === pod;
    });
    const { containers = [], initContainers = [] } = worker?.current.spec ?? {};
    const isThere = [...initContainers, ...containers].some(({ name }) => name === container);
    return worker === undefined || !isThere
      ? undefined
      : logFile(this.services.config.folder, worker.current, container);
  }

  get running(): readonly PodWorker[] {
    return [...this.workers.values()];
  }

  private changed(pod: Pod): void {
    const { uid } = identify(pod);
    const deleting = pod.metadata?.deletionTimestamp !== undefined;
    if (this.finished.has(uid)) return;
    const worker = this.workers.get(uid);
    if (worker !== undefined) {
      worker.update(pod);
      if (deleting) this.end(worker, (pod.metadata?.deletionGracePeriodSeconds ?? 0) * 1000);
      return;
    }
    const bound = (pod.spec?.nodeName ?? "") !== "";
    if (deleting) {
      // Nothing of it runs: it never got an address, or it ran in an earlier life of this process.
      if (bound) this.remove(pod);
      return;
    }
    const over = ["Succeeded", "Failed"].includes(pod.status?.phase ?? "");
    if (!bound || over || (pod.status?.podIP ?? "") === "") return;
    const started = new PodWorker(pod, this.services);
    this.workers.set(uid, started);
    started.start();
  }

  /** The object has gone: by our own doing, or by force and without waiting for the containers. */
  private deleted(pod: Pod): void {
    const { uid } = identify(pod);
    this.finished.delete(uid);
    const worker = this.workers.get(uid);
    if (worker !== undefined) this.end(worker, 0);
  }

  /** A machine that has gone takes its containers with it at once. */
  private nodeGone(node: string): void {
    for (const worker of this.workers.values()) {
      if (worker.current.spec?.nodeName === node) this.end(worker, 0);
    }
  }

  private end(worker: PodWorker, graceMs: number): void {
    const { uid } = identify(worker.current);
    const done = (): void => {
      if (!this.workers.delete(uid)) return;
      if (this.pods.list().some((pod) => identify(pod).uid === uid)) this.finished.add(uid);
    };
    worker.end(graceMs).then(done, (error: unknown) => {
      done();
      console.error(`${nameOf(worker.current)}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }

  private remove(pod: Pod): void {
    removePod(this.services.api, pod).catch((error: unknown) => {
      console.error(`${nameOf(pod)}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}

/** GET /healthz, and GET /state: every pod with its containers, ports, process ids and probe results. */
export function serveAdmin(kubelet: Kubelet, host: string, port: number): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const body = request.url === "/healthz" ? {} : request.url === "/state" ? state(kubelet) : undefined;
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? { error: "there are /healthz and /state" }));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

function state(kubelet: Kubelet): unknown {
  const pods = kubelet.running.map(({ current, views }) => ({
    ...identify(current),
    node: current.spec?.nodeName,
    address: current.status?.podIP,
    deleting: current.metadata?.deletionTimestamp !== undefined,
    containers: views,
  }));
  return { pods };
}
