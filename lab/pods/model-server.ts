import type { StartServer } from "../simulator/protocol";
import type { ContainerStart, Exit, RunningProgram } from "./program";
import type { SimulatorClient } from "./simulator-client";
import { identify, type Node } from "./objects";

/** Starts a model server in the simulator's process. */
export async function startModelServer(
  start: ContainerStart,
  simulator: SimulatorClient,
  node: Node | undefined,
  pool: string,
): Promise<RunningProgram> {
  const id = serverId(start);
  let end: (exit: Exit) => void = () => undefined;
  const ended = new Promise<Exit>((resolve) => (end = resolve));
  await simulator.start(serverFor(start, id, node, pool), (code, message) => end({ code, message }));
  return {
    pid: undefined,
    ports: {},
    ended,
    terminate: () => void simulator.act(id, "terminate"),
    kill: () => void simulator.act(id, "kill"),
  };
}

/** Unique over restarts, too: an end that is told late must not be taken for the next one's. */
export function serverId({
  pod,
  container,
  attempt,
}: Pick<ContainerStart, "pod" | "container" | "attempt">): string {
  return `${identify(pod).uid}.${container.name}.${attempt}`;
}

function serverFor(start: ContainerStart, id: string, node: Node | undefined, pool: string): StartServer {
  const { pod, container, invocation, mounts, log } = start;
  return {
    ...{ id, image: container.image ?? "", mounts, log, pool },
    ...{ command: invocation.command, args: invocation.args, env: invocation.env },
    podIP: pod.status?.podIP ?? "",
    pod: identify(pod).name,
    namespace: identify(pod).namespace,
    node: pod.spec?.nodeName ?? "",
    accelerator: acceleratorOf(node, pod.spec?.nodeSelector),
    accelerators: acceleratorsOf(container.resources?.limits ?? container.resources?.requests),
  };
}

const acceleratorLabels = ["cloud.google.com/gke-accelerator", "cloud.google.com/gke-tpu-accelerator"];

/** GKE's name of the accelerator: from the node's label, else from what the pod asked for. */
export function acceleratorOf(
  node: Node | undefined,
  selector: Readonly<Record<string, string>> | undefined,
): string {
  const found = acceleratorLabels.map((label) => node?.metadata?.labels?.[label] ?? selector?.[label]);
  return found.find((name) => name !== undefined) ?? "";
}

export function acceleratorsOf(resources: Readonly<Record<string, string>> | undefined): number {
  return Number(resources?.["nvidia.com/gpu"] ?? resources?.["google.com/tpu"] ?? 0);
}
