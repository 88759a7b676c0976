import { describe, before, after } from "node:test";
import {
  CoreV1Api,
  KubernetesObjectApi,
  PatchStrategy,
  setHeaderOptions,
  type KubernetesObject,
  type V1Node,
  type V1Pod,
} from "@kubernetes/client-node";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadKubeconfig } from "../../cluster/objects";
import { Lab } from "../../lab";
import type { ToolName } from "../../tools/catalogue";
import { resolveTool } from "../../tools/resolve";
import { installPlugins, type InstalledPlugins } from "../install";

const needed: readonly ToolName[] = [
  ...(["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"] as const),
  ...(["pulumi", "pulumi-resource-kubernetes", "pulumi-kubernetes-guard"] as const),
];

/** A control plane with the plugins, for the tests of this folder. */
export class TestLab {
  private readonly kubelet: Kubelet;

  private constructor(
    readonly lab: Lab,
    readonly plugins: InstalledPlugins,
    readonly objects: KubernetesObjectApi,
  ) {
    this.kubelet = new Kubelet(lab.controlPlane.kubeconfig);
  }

  static async start(): Promise<TestLab> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "plugins-"));
    const entries = await Promise.all(
      needed.map(async (name) => [name, (await resolveTool(name)).path] as const),
    );
    // The others are never started here.
    const tools = Object.fromEntries(entries) as Record<ToolName, string>;
    const lab = await Lab.start({ folder, tools });
    try {
      const { controlPlane, range } = lab;
      const options = { folder, tools, controlPlane, range, useReal: false };
      const plugins = await installPlugins(options);
      const objects = KubernetesObjectApi.makeApiClient(loadKubeconfig(controlPlane.kubeconfig));
      return new TestLab(lab, plugins, objects);
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  get folder(): string {
    return this.lab.folder;
  }

  async stop(): Promise<void> {
    await this.kubelet.stop();
    await this.lab.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** The live object; undefined where there is none. */
  async get(
    apiVersion: string,
    kind: string,
    name: string,
    namespace?: string,
  ): Promise<Record<string, never> | undefined> {
    try {
      const metadata = namespace === undefined ? { name } : { name, namespace };
      return (await this.objects.read({ apiVersion, kind, metadata })) as unknown as Record<string, never>;
    } catch (error) {
      if ((error as { code?: number }).code === 404) return undefined;
      throw error;
    }
  }

  /** Server-side apply as `manager`, which takes every field. @returns why the API server refused it. */
  async apply(object: KubernetesObject, manager: string, dryRun = true): Promise<string | undefined> {
    const server = PatchStrategy.ServerSideApply;
    try {
      await this.objects.patch(object, undefined, dryRun ? "All" : undefined, manager, true, server);
      return undefined;
    } catch (error) {
      return (error as { body?: string }).body ?? String(error);
    }
  }

  async list(apiVersion: string, kind: string, namespace?: string): Promise<KubernetesObject[]> {
    return (await this.objects.list(apiVersion, kind, namespace)).items;
  }

  /** Nodes of a pool. */
  async nodesOf(pool: string): Promise<V1Node[]> {
    const api = loadKubeconfig(this.lab.controlPlane.kubeconfig).makeApiClient(CoreV1Api);
    return (await api.listNode({ labelSelector: `cloud.google.com/gke-nodepool=${pool}` })).items;
  }
}

/** Does for pods what a kubelet would: Ready after a moment, and gone when they are deleted. */
class Kubelet {
  private stopped = false;
  private readonly done: Promise<void>;

  constructor(kubeconfig: string) {
    this.done = this.run(loadKubeconfig(kubeconfig).makeApiClient(CoreV1Api));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.done;
  }

  private async run(api: CoreV1Api): Promise<void> {
    while (!this.stopped) {
      const { items } = await api.listPodForAllNamespaces().catch(() => ({ items: [] as V1Pod[] }));
      for (const pod of items) await this.look(api, pod).catch(() => undefined);
      await sleep(300);
    }
  }

  private async look(api: CoreV1Api, pod: V1Pod): Promise<void> {
    const name = pod.metadata?.name ?? "";
    const namespace = pod.metadata?.namespace ?? "";
    if (pod.metadata?.deletionTimestamp !== undefined) {
      await api.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
      return;
    }
    const conditions = pod.status?.conditions ?? [];
    const ready = conditions.some(({ type, status }) => type === "Ready" && status === "True");
    if (ready || pod.status?.phase !== "Running" || pod.metadata?.labels?.["never"] === "ready") return;
    const lastTransitionTime = new Date().toISOString();
    const containerStatuses = (pod.spec?.containers ?? []).map((container) => ({
      ...{
        name: container.name,
        image: container.image,
        imageID: "",
        ready: true,
        restartCount: 0,
        started: true,
      },
      state: { running: { startedAt: lastTransitionTime } },
    }));
    const becoming = ["ContainersReady", "Ready"].map((type) => ({
      type,
      status: "True",
      // Long ago: nothing here needs the time of minReadySeconds.
      lastTransitionTime: new Date(new Date().getTime() - 60_000).toISOString(),
    }));
    await api.patchNamespacedPodStatus(
      { name, namespace, body: { status: { containerStatuses, conditions: becoming } } },
      setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
    );
  }
}

/** Suites of stand-in plugins that share one lab: starting a control plane takes longer than much that is tried in it. */
export function withEngine(title: string, ...suites: ((started: () => TestLab) => void)[]): void {
  describe(title, () => {
    let lab: TestLab | undefined;
    before(async () => {
      lab = await TestLab.start();
    });
    after(async () => lab?.stop());
    const started = (): TestLab => {
      if (lab === undefined) throw new Error("the lab has not started");
      return lab;
    };
    for (const suite of suites) suite(started);
  });
}
