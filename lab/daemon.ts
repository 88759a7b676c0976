import * as fs from "node:fs";
import * as path from "node:path";
import { WholeLab } from "./lab";
import { startTimeOf } from "./processes/identity";
import { Pulumi } from "./pulumi";
import type { ToolName } from "./tools/catalogue";
import { layOutWorkspace } from "./workspace";

/*
 * The process that holds a lab which outlives the command that started it (`npm run lab -- up`). While it starts,
 * it tells its parent what it does; should the parent go before it is up, it goes too.
 */

export interface DaemonOptions {
  folder: string;
  stack: string;
  tools: Record<ToolName, string>;
}

export type FromDaemon = { progress: string } | { ready: true } | { failed: string };

/** What the other commands need of a running lab; `lab.json` in its folder. */
export interface LabState {
  pid: number;
  /** When the process started: process ids are used again. */
  started: string;
  stack: string;
  workspace: string;
  kubeconfig: string;
  server: string;
  gateway: string;
  logs: string;
  environment: Readonly<Record<string, string>>;
}

export const stateFile = (folder: string): string => path.join(folder, "lab.json");

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? "") as DaemonOptions;
  const tell = (message: FromDaemon): void => {
    if (process.connected) process.send?.(message);
  };
  let lab: WholeLab | undefined;
  let leaving = false;
  const leave = async (status: number): Promise<void> => {
    if (leaving) return;
    leaving = true;
    fs.rmSync(stateFile(options.folder), { force: true });
    await lab?.stop();
    process.exit(status);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void leave(0));
  let ready = false;
  process.on("disconnect", () => {
    if (!ready) void leave(1);
  });
  try {
    lab = await WholeLab.start({ ...options, report: (progress) => tell({ progress }) });
    const workspace = layOutWorkspace(
      path.join(options.folder, "workspace"),
      options.stack,
      lab.stackConfig(),
    );
    const environment = lab.plugins.variables;
    await new Pulumi(workspace, lab.plugins.environment()).initStack();
    const state: LabState = {
      pid: process.pid,
      started: startTimeOf(process.pid) ?? "",
      stack: options.stack,
      workspace: workspace.folder,
      kubeconfig: lab.controlPlane.kubeconfig,
      server: lab.controlPlane.server,
      gateway: lab.gateway.url,
      logs: path.join(options.folder, "logs"),
      environment: { ...environment, LAB_BIN: lab.plugins.bin },
    };
    fs.writeFileSync(stateFile(options.folder), JSON.stringify(state, undefined, 2), { mode: 0o600 });
    ready = true;
    tell({ ready: true });
    if (process.connected) process.disconnect();
    const death = await lab.supervisor.firstDeath;
    fs.appendFileSync(path.join(options.folder, "death.log"), `${death.message}\n`);
    await leave(1);
  } catch (error) {
    tell({ failed: error instanceof Error ? error.message : String(error) });
    await leave(1);
  }
}

if (require.main === module) void main();
