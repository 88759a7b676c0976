import * as fs from "node:fs";
import * as path from "node:path";
import { startControlPlane, type ControlPlane } from "./cluster/control-plane";
import { installDefinitions, moduleDefinitions } from "./cluster/definitions";
import { startKwok } from "./cluster/kwok";
import { AddressRange } from "./processes/addresses";
import { Supervisor } from "./processes/supervisor";
import type { ToolName } from "./tools/catalogue";

export interface LabOptions {
  /** Everything the lab writes is below this folder. */
  folder: string;
  tools: Readonly<Record<ToolName, string>>;
  report?: (what: string) => void;
}

/** A running rehearsal cluster. */
export class Lab {
  private constructor(
    readonly folder: string,
    readonly range: AddressRange,
    readonly supervisor: Supervisor,
    readonly controlPlane: ControlPlane,
  ) {}

  /** @throws ProcessFailed naming the part that failed; nothing is left running then. */
  static async start(options: LabOptions): Promise<Lab> {
    const { folder, tools } = options;
    const report = options.report ?? (() => undefined);
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
      return new Lab(folder, range, supervisor, controlPlane);
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
