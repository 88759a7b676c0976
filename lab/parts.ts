import * as fs from "node:fs";
import * as path from "node:path";
import type { ControlPlane } from "./cluster/control-plane";
import { freePort, type AddressRange } from "./processes/addresses";
import type { Running, Supervisor } from "./processes/supervisor";
import type { ToolName } from "./tools/catalogue";
import { typescript } from "./processes/typescript";

/** What the parts of a lab that are programs of ours have in common. */
export interface PartContext {
  folder: string;
  range: AddressRange;
  supervisor: Supervisor;
  controlPlane: ControlPlane;
  tools: Readonly<Record<ToolName, string>>;
}

/** A started part: where its own API answers. */
export interface Part {
  process: Running;
  url: string;
}

/** Starts `lab/<name>/main.ts` with its config in a file, and waits until it says that it is healthy. */
async function startPart(
  context: PartContext,
  name: string,
  port: number,
  config: Readonly<Record<string, unknown>>,
  graceSeconds: number,
): Promise<Part> {
  const folder = path.join(context.folder, name);
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "config.json");
  fs.writeFileSync(file, JSON.stringify({ folder, control: context.range.control, ...config }), {
    mode: 0o600,
  });
  const url = `http://${context.range.control}:${port}`;
  const process_ = await context.supervisor.start({
    name,
    command: process.execPath,
    args: [...typescript, path.join(__dirname, name, "main.ts"), "--config", file],
    cwd: path.join(__dirname, ".."),
    ready: async () => (await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) })).ok,
    graceSeconds,
  });
  return { process: process_, url };
}

/** All model servers of the lab, in one process. */
export async function startSimulator(context: PartContext, speed: number): Promise<Part> {
  const controlPort = await freePort(context.range.control, 7001);
  return startPart(context, "simulator", controlPort, { controlPort, speed }, 3);
}

/** The kubelet's part: containers, probes, termination; runs the real pickers. */
export async function startPods(
  context: PartContext,
  simulator: Part,
  options: { restartContainers: boolean },
): Promise<Part> {
  const { kubeconfig, server, caFile } = context.controlPlane;
  const adminPort = await freePort(context.range.control, 7002);
  const config = { kubeconfig, server, caFile, epp: context.tools.epp, simulator: simulator.url, adminPort };
  return startPart(context, "pods", adminPort, { ...config, ...options }, 5);
}

/** Autoscaling: nodes come for pods that fit nowhere, and idle ones go; metrics for the autoscalers of pods. */
export async function startAutoscaler(context: PartContext, tokenFile: string): Promise<Part> {
  const { server, caFile, keyFile } = context.controlPlane;
  const adminPort = await freePort(context.range.control, 7004);
  const metricsPort = await freePort(context.range.control, 7005);
  const config = {
    ...{ lab: context.folder, server, caFile, keyFile, tokenFile },
    ...{ adminPort, metricsPort, idleSeconds: 10 },
  };
  return startPart(context, "autoscaler", adminPort, config, 2);
}

export const gatewayClasses = ["gke-l7-rilb", "gke-l7-regional-external-managed"] as const;

/** The gateway: drives one real Envoy. */
export async function startGateway(context: PartContext): Promise<Part> {
  const adminPort = await freePort(context.range.control, 7003);
  return startPart(
    context,
    "gateway",
    adminPort,
    {
      kubeconfig: context.controlPlane.kubeconfig,
      envoy: context.tools.envoy,
      addressPrefix: context.range.gatewayPrefix,
      adminPort,
      controllerName: "lab.inference-rollout/gateway",
      gatewayClasses,
    },
    5,
  );
}
