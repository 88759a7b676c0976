import * as path from "node:path";
import { loadKubeconfig } from "../cluster/objects";
import { Supervisor } from "../processes/supervisor";
import { createClasses } from "./classes";
import type { GatewayConfig } from "./config";
import { Controller } from "./controller";
import { Applier } from "./envoy/apply";
import { ConfigFiles } from "./envoy/files";
import { startEnvoy } from "./envoy/process";
import { Api } from "./objects/api";
import { StatusWriter } from "./objects/statuses";
import { Watched } from "./objects/watch";
import { Pickers } from "./pickers/pickers";
import { Placement } from "./placement";
import { serveReport } from "./report";

export interface Program {
  /** Resolves when Envoy has died by itself, with what to tell. Never rejects. */
  envoyDied: Promise<string>;
  /** Ends Envoy and everything else. Safe to call more than once. */
  stop(): Promise<void>;
}

/** Starts Envoy and everything that drives it. @throws ProcessFailed when Envoy does not start. */
export async function startProgram(config: GatewayConfig, tell: (line: string) => void): Promise<Program> {
  const supervisor = new Supervisor(config.folder);
  const closers: (() => unknown)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      // Nobody waits for an update of an Envoy that is going, so all end at once.
      await Promise.all([...closers.map((close) => close()), supervisor.stop()]);
    })());
  try {
    const kubeconfig = loadKubeconfig(config.kubeconfig);
    const api = new Api(kubeconfig);
    closers.push(() => api.close());
    const files = new ConfigFiles(path.join(config.folder, "xds"));
    const [envoy] = await Promise.all([
      startEnvoy({
        program: config.envoy,
        folder: config.folder,
        control: config.control,
        files,
        supervisor,
      }),
      createClasses(config.kubeconfig, config.gatewayClasses, config.controllerName),
    ]);
    closers.push(() => envoy.admin.close());
    const placement = new Placement(config.addressPrefix);
    const statuses = new StatusWriter(api, (line) => {
      tell(`status: ${line}`);
      setTimeout(() => controller.changed(), 1000).unref();
    });
    const pickers = new Pickers(() => controller.changed(true), tell);
    closers.push(() => pickers.close());
    const watched: Watched = new Watched(
      kubeconfig,
      api,
      config.controllerName,
      () => {
        if (watched.isSynced) controller.changed();
      },
      tell,
    );
    const applier = new Applier(files, envoy.admin, envoy.process.log);
    const controller: Controller = new Controller({
      snapshot: () => watched.snapshot(),
      ...{ placement, pickers, applier, files, statuses, tell },
      accessLog: config.accessLog ? path.join(config.folder, "access.log") : undefined,
    });
    closers.push(
      () => controller.stop(),
      () => watched.stop(),
    );
    await watched.start();
    if (watched.isSynced) controller.changed();
    const server = await serveReport(config.control, config.adminPort, {
      envoy: { pid: envoy.process.pid, admin: envoy.admin.address },
      done: () => controller.done,
      pickerState: (endpoint) => pickers.stateOf(endpoint),
      unhealthy: async () => {
        if (!watched.isSynced) return "not everything has been read from the API server yet";
        if (controller.done === undefined) return "Envoy has no configuration yet";
        return (await envoy.admin.isLive()) ? undefined : "Envoy is not live";
      },
    });
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { envoyDied: supervisor.firstDeath.then(({ message }) => message), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
