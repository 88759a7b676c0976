import { z } from "zod";
import * as fs from "node:fs";
import { gatewayGroup } from "./objects/types";
import * as path from "node:path";
import { apply, loadKubeconfig } from "../cluster/objects";
import { Supervisor } from "../processes/supervisor";
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
import { refusalIn } from "./translate/other-namespaces";

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
      otherNamespaces: () => refusalIn(path.dirname(config.folder)),
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

const schema = z.strictObject({
  /** Kubeconfig of who may read the objects and write their statuses. */
  kubeconfig: z.string().min(1),
  /** The Envoy program. */
  envoy: z.string().min(1),
  /** Where the program may write: Envoy's configuration files and its log. */
  folder: z.string().min(1),
  /** First three numbers of the addresses that Gateways get: the n-th one gets `<prefix>.<n>`. */
  addressPrefix: z.string().regex(/^127\.\d+\.\d+$/),
  /** Address of Envoy's admin interface and of the program's own. */
  control: z.string().regex(/^127\.\d+\.\d+\.\d+$/),
  adminPort: z.int().min(1).max(65535),
  /** What a GatewayClass must name for its Gateways to be ours. */
  controllerName: z.string().includes("/"),
  /** Whether Envoy writes a line about each request to `access.log` in the folder. Default: false. */
  accessLog: z.boolean().default(false),
  /** GatewayClasses to create. */
  gatewayClasses: z.array(z.string().min(1)),
});

export type GatewayConfig = z.infer<typeof schema>;

/** @throws Error that names the file and every mistake in it. */
export function readConfig(file: string): GatewayConfig {
  const parsed = schema.safeParse(JSON.parse(fs.readFileSync(file, "utf8")));
  if (!parsed.success) throw new Error(`${file}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/**
 * Creates the GatewayClasses that production has by itself. @throws when one of them exists and belongs to another
 * controller, because a class can never change hands.
 */
async function createClasses(
  kubeconfig: string,
  names: readonly string[],
  controllerName: string,
): Promise<void> {
  const classes = names.map((name) => ({
    apiVersion: `${gatewayGroup}/v1`,
    kind: "GatewayClass",
    metadata: { name },
    spec: { controllerName },
  }));
  await apply(kubeconfig, classes);
}
