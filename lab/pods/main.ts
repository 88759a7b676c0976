import { Events } from "./pod-reports";
import { FreePorts } from "../processes/addresses";
import { setTimeout as sleep } from "node:timers/promises";
import { loadKubeconfig } from "../cluster/objects";
import { Keeper } from "../processes/keeper";
import { endOf } from "../processes/supervisor";
import { ClusterApi } from "../cluster/cluster-api";
import { readConfig } from "./config";
import { serveAdmin, Kubelet } from "./kubelet";
import { serveLogs } from "./logs";
import { References } from "./references";
import { SimulatorClient } from "./simulator-client";
import { nameOf } from "./objects";

/**
 * The kubelet's part of a lab, for the pods of all its nodes:
 *
 *     node -r ./start/typescript.js lab/pods/main.ts --config FILE.json
 *
 * Ends with status 1, saying why, when the simulator has gone, and, unless restartContainers is set, when a
 * container has ended by itself.
 */
async function main(): Promise<void> {
  const [flag, file] = process.argv.slice(2);
  if (flag !== "--config" || file === undefined) throw new Error("usage: main.ts --config FILE.json");
  const config = readConfig(file);
  const kubeconfig = loadKubeconfig(config.kubeconfig);
  const api = ClusterApi.ofKubeconfig(kubeconfig);
  const simulator = new SimulatorClient(config.simulator);
  const keeper = new Keeper();
  let leaving = false;
  const leave = async (status: number, why?: string): Promise<void> => {
    if (leaving) return;
    leaving = true;
    if (why !== undefined) console.error(why);
    simulator.close();
    // A program that cannot be killed must not keep us: the keeper ends what is left.
    await Promise.race([kubelet.stop(), sleep(2000)]);
    keeper.close();
    process.exit(status);
  };
  const kubelet = new Kubelet(kubeconfig, {
    ...{ config, api, simulator, keeper },
    references: new References(api),
    events: new Events(api),
    ports: new FreePorts(),
    report: (pod, container, exit, log) => {
      const how = exit.message === "" ? `with status ${exit.code}` : `(${exit.message}, status ${exit.code})`;
      const tail = endOf(log, 8).replace(/^/gm, "    ");
      void leave(
        1,
        `container ${container} of pod ${nameOf(pod)} ended ${how}. The end of its log (${log}):\n${tail}`,
      );
    },
  });
  await simulator.connect((error) => void leave(1, error.message));
  await kubelet.start();
  const { caFile: certFile } = config;
  // The API server checks no kubelet's certificate, so its own will do.
  const tls = { host: config.control, certFile, keyFile: certFile.replace(/\.crt$/, ".key") };
  await serveLogs({ file: (request) => kubelet.logOf(request) }, tls);
  await serveAdmin(kubelet, config.control, config.adminPort);
  console.log(`pods on http://${config.control}:${config.adminPort}`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void leave(0));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
