import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { kwokNode } from "../cluster/kwok";
import { apply, loadKubeconfig } from "../cluster/objects";
import { Lab } from "../lab";
import { freePort } from "../processes/addresses";
import type { Running } from "../processes/supervisor";
import type { ToolName } from "../tools/catalogue";
import { resolveTool } from "../tools/resolve";
import { ApiRefused, ClusterApi } from "../cluster/cluster-api";
import type { Pod } from "./objects";
import { typescript } from "../processes/typescript";

const needed: readonly ToolName[] = [
  ...(["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "epp"] as const),
];

/** A control plane with simulator and pods: what the tests of this folder run against. */
export class SmallCluster {
  private pods: Running | undefined;

  private constructor(
    readonly lab: Lab,
    readonly api: ClusterApi,
    private readonly epp: string,
    readonly simulator: string,
    private readonly adminPort: number,
  ) {}

  /** @param speed how many times as fast as the accelerators the simulated servers are */
  static async start(speed = 20): Promise<SmallCluster> {
    // Only what is needed is looked for; a lab takes the whole record.
    const tools = {} as Record<ToolName, string>;
    for (const name of needed) tools[name] = (await resolveTool(name)).path;
    const lab = await Lab.start({ folder: fs.mkdtempSync(path.join(os.tmpdir(), "lab-pods-")), tools });
    try {
      const { control } = lab.range;
      const controlPort = await freePort(control);
      const config = path.join(lab.folder, "simulator.json");
      fs.writeFileSync(config, JSON.stringify({ control, controlPort, folder: lab.folder, speed }));
      const simulator = `http://${control}:${controlPort}`;
      await startPart(lab, "simulator", config, `${simulator}/healthz`);
      const api = ClusterApi.ofKubeconfig(loadKubeconfig(lab.controlPlane.kubeconfig));
      const cluster = new SmallCluster(lab, api, tools.epp, simulator, await freePort(control));
      await cluster.startPods(true);
      return cluster;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  get podsFolder(): string {
    return path.join(this.lab.folder, "pods");
  }

  async startPods(restartContainers: boolean): Promise<Running> {
    const { lab, epp, simulator, adminPort } = this;
    const { control } = lab.range;
    const { kubeconfig, server, caFile } = lab.controlPlane;
    const file = path.join(lab.folder, "pods.json");
    const config = {
      ...{ kubeconfig, server, caFile, epp, simulator, control, adminPort },
      restartContainers,
    };
    fs.writeFileSync(file, JSON.stringify({ ...config, folder: this.podsFolder }));
    this.pods = await startPart(lab, "pods", file, `http://${control}:${adminPort}/healthz`);
    return this.pods;
  }

  async stopPods(): Promise<void> {
    await this.pods?.stop();
  }

  get podsProcess(): Running {
    if (this.pods === undefined) throw new Error("the pods process is not running");
    return this.pods;
  }

  async state(): Promise<{ pods: { name: string; containers: { pid?: number }[] }[] }> {
    const response = await fetch(`http://${this.lab.range.control}:${this.adminPort}/state`);
    return (await response.json()) as { pods: { name: string; containers: { pid?: number }[] }[] };
  }

  apply(...objects: object[]): Promise<void> {
    return apply(this.lab.controlPlane.kubeconfig, objects);
  }

  /** Nodes with eight GPUs each, from number `first`. */
  async nodes(first: number, count: number): Promise<void> {
    for (let i = first; i < first + count; i++) await this.apply(this.node(i));
  }

  /** The pod, or undefined where there is none. */
  async pod(name: string, namespace = "default"): Promise<Pod | undefined> {
    try {
      return await this.api.get<Pod>(`/api/v1/namespaces/${namespace}/pods/${name}`);
    } catch (error) {
      if (error instanceof ApiRefused && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Deletes a pod; `graceSeconds` undefined is the pod's own. Resolves when it has been asked for. */
  async deletePod(name: string, graceSeconds?: number, namespace = "default"): Promise<void> {
    const options = graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds };
    await this.api.delete(`/api/v1/namespaces/${namespace}/pods/${name}`, options);
  }

  async stop(): Promise<void> {
    this.api.close();
    await this.lab.stop();
    fs.rmSync(this.lab.folder, { recursive: true, force: true });
  }

  private node(i: number): object {
    const capacity = { cpu: "96", memory: "512Gi", pods: "30", "nvidia.com/gpu": "8" };
    return {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name: `node-${i}`,
        annotations: { [kwokNode.key]: kwokNode.value },
        labels: { "cloud.google.com/gke-accelerator": "nvidia-l4", "kubernetes.io/hostname": `node-${i}` },
      },
      spec: { podCIDR: this.lab.range.nodeCidr(i), podCIDRs: [this.lab.range.nodeCidr(i)] },
      status: { capacity, allocatable: capacity },
    };
  }
}

async function startPart(lab: Lab, name: string, config: string, health: string): Promise<Running> {
  const program = path.join(__dirname, "..", name, "main.ts");
  return lab.supervisor.start({
    name,
    command: process.execPath,
    args: [...typescript, program, "--config", config],
    ready: async () => (await fetch(health)).ok,
  });
}

export function ready(pod: Pod | undefined): boolean {
  return pod?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}
