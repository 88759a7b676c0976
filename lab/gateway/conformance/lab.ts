import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { kwokNode } from "../../cluster/kwok";
import { apply } from "../../cluster/objects";
import { Lab } from "../../lab";
import { gatewayClasses, startGateway, startPods, startSimulator, type PartContext } from "../../parts";
import { freePort } from "../../processes/addresses";
import type { ToolName } from "../../tools/catalogue";
import { resolveTool } from "../../tools/resolve";

const needed = [
  ...(["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const),
  ...(["kwok", "epp", "envoy"] as const),
];

/** A lab as `npm run lab` has it, without Pulumi: what a conformance suite is pointed at. */
export class ConformanceLab {
  private constructor(private readonly lab: Lab) {}

  static async start(): Promise<ConformanceLab> {
    const tools = {} as Record<ToolName, string>;
    for (const name of needed) tools[name] = (await resolveTool(name)).path;
    const lab = await Lab.start({
      folder: fs.mkdtempSync(path.join(os.tmpdir(), "lab-conformance-")),
      tools,
    });
    try {
      const { folder, range, supervisor, controlPlane } = lab;
      const context: PartContext = { folder, range, supervisor, controlPlane, tools };
      const simulator = await startSimulator(context, 1);
      await Promise.all([
        startPods(context, simulator, { restartContainers: true }),
        startGateway(context),
        apply(
          controlPlane.kubeconfig,
          [0, 1].map((i) => node(i, range.nodeCidr(i))),
        ),
      ]);
      return new ConformanceLab(lab);
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  get kubeconfig(): string {
    return this.lab.controlPlane.kubeconfig;
  }

  get gatewayClass(): string {
    return gatewayClasses[0];
  }

  /** An address for a Gateway that asks for one; the suites make fewer Gateways than come before it. */
  get freeAddress(): string {
    return this.lab.range.gateway(199);
  }

  /** Whether a listener at port 80 is bound there, and not moved: a suite asks it there. */
  async bindsPort80(): Promise<boolean> {
    return (await freePort(this.lab.range.gateway(198), 80)) === 80;
  }

  /** Resolves when a part of the lab has died, with what to say about it. */
  get death(): Promise<Error> {
    return this.lab.supervisor.firstDeath;
  }

  file(name: string): string {
    return path.join(this.lab.folder, name);
  }

  /** `keep`: leaves its files, to look into the logs. */
  async stop(keep: boolean): Promise<void> {
    await this.lab.stop();
    if (keep) console.log(`the lab's files are in ${this.lab.folder}`);
    else fs.rmSync(this.lab.folder, { recursive: true, force: true });
  }
}

/** Room for the pods of a suite: a /27 has some thirty addresses. */
function node(i: number, podCIDR: string): object {
  const capacity = { cpu: "96", memory: "512Gi", pods: "28" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: `node-${i}`,
      annotations: { [kwokNode.key]: kwokNode.value },
      labels: { "kubernetes.io/hostname": `node-${i}` },
    },
    spec: { podCIDR, podCIDRs: [podCIDR] },
    status: { capacity, allocatable: capacity },
  };
}
