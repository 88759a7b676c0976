import * as fs from "node:fs";
import * as path from "node:path";
import { startControlPlane, type ControlPlane } from "./cluster/control-plane";
import { installDefinitions, moduleDefinitions } from "./cluster/definitions";
import { startKwok } from "./cluster/kwok";
import {
  startAutoscaler,
  startGateway,
  startPods,
  startSimulator,
  type Part,
  type PartContext,
} from "./parts";
import { installPlugins, type InstalledPlugins } from "./plugins/install";
import { movedPorts } from "./gateway/placement";
import { AddressRange, freePort } from "./processes/addresses";
import { Supervisor } from "./processes/supervisor";
import type { ToolName } from "./tools/catalogue";

export interface LabOptions {
  /** Everything the lab writes is below this folder; what was in it is gone. */
  folder: string;
  tools: Readonly<Record<ToolName, string>>;
  report?: (what: string) => void;
}

export interface WholeLabOptions extends LabOptions {
  /** Whether a container that dies is started again, as on GKE, or ends the lab with its name. Default: true. */
  restartContainers?: boolean;
  /** Model servers are this many times as fast as their accelerators would be: for tests. Default: 1. */
  speed?: number;
}

/** A rehearsal cluster: API server, controllers, scheduler and fake nodes, all on addresses of its own. */
export class Lab {
  protected constructor(
    readonly folder: string,
    readonly range: AddressRange,
    readonly supervisor: Supervisor,
    readonly controlPlane: ControlPlane,
  ) {}

  /** @throws ProcessFailed naming the part that failed; nothing is left running then. */
  static async start(options: LabOptions): Promise<Lab> {
    return Lab.build(options, (parts) => Promise.resolve(new Lab(...parts)));
  }

  protected static async build<T extends Lab>(
    { folder, tools, report = () => undefined }: LabOptions,
    finish: (parts: [string, AddressRange, Supervisor, ControlPlane]) => Promise<T>,
  ): Promise<T> {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const range = await AddressRange.lease();
    const supervisor = new Supervisor(path.join(folder, "logs"));
    try {
      const common = { folder: path.join(folder, "cluster"), range, supervisor };
      const controlPlane = await startControlPlane({ ...common, tools, report });
      report("resource definitions");
      await installDefinitions(controlPlane.kubeconfig, await moduleDefinitions());
      report("nodes");
      await startKwok({ ...common, program: tools.kwok, kubeconfig: controlPlane.kubeconfig });
      return await finish([folder, range, supervisor, controlPlane]);
    } catch (error) {
      await supervisor.stop();
      range.release();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.supervisor.stop();
    this.range.release();
  }
}

/** A lab in which a Pulumi program can be carried out: pods that answer, pickers, a gateway, Pulumi itself. */
export class WholeLab extends Lab {
  private constructor(
    parts: [string, AddressRange, Supervisor, ControlPlane],
    readonly simulator: Part,
    readonly pods: Part,
    readonly gateway: Part,
    readonly plugins: InstalledPlugins,
    private readonly movesPorts: boolean,
  ) {
    super(...parts);
  }

  static override async start(options: WholeLabOptions): Promise<WholeLab> {
    const report = options.report ?? (() => undefined);
    return Lab.build(options, async (parts) => {
      const [folder, range, supervisor, controlPlane] = parts;
      const context: PartContext = { folder, range, supervisor, controlPlane, tools: options.tools };
      report("model servers, pods and gateway");
      const pods = async (): Promise<[Part, Part]> => {
        const simulator = await startSimulator(context, options.speed ?? 1);
        const restartContainers = options.restartContainers ?? true;
        return [simulator, await startPods(context, simulator, { restartContainers })];
      };
      const plugins = installPlugins({ folder, tools: options.tools, controlPlane, range });
      const [[simulator, kubelet], gateway] = await Promise.all([pods(), startGateway(context)]);
      report("Pulumi's plugins, autoscaler");
      const installed = await plugins;
      await startAutoscaler(context, installed.tokenFile);
      // Asked before there is a Gateway that has the port.
      const movesPorts = (await freePort(range.gateway(0), 80)) !== 80;
      return new WholeLab(parts, simulator, kubelet, gateway, installed, movesPorts);
    });
  }

  /**
   * Config for a stack that is carried out here: where the gate finds the gateway. Without root a port below 1024 is
   * bound elsewhere, which is the lab's business and not the program's. The lab's first Gateway is the stack's.
   */
  stackConfig(): Record<string, unknown> {
    if (!this.movesPorts) return {};
    return { "inference-rollout:gate": { address: `${this.range.gateway(0)}:${80 + movedPorts}` } };
  }

  /** The port on which a gateway really answers: a privileged one is moved where the lab does not run as root. */
  async boundPort(address: string): Promise<number> {
    const state = (await (await fetch(`${this.gateway.url}/state`)).json()) as {
      gateways: { address: string; ports: Record<string, number> }[];
    };
    const ports = Object.values(state.gateways.find((gateway) => gateway.address === address)?.ports ?? {});
    if (ports[0] === undefined) throw new Error(`no gateway in the lab answers at ${address}`);
    return ports[0];
  }
}
