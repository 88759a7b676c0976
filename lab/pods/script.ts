import type { Keeper } from "../processes/keeper";
import { startChild } from "./child-process";
import { rewritePaths } from "./mounts";
import type { ContainerStart, RunningProgram } from "./program";
import { identify } from "./objects";

/** Runs a container's Python program with this machine's Python: the program itself, on the pod's own address. */
export function startScript(
  start: ContainerStart,
  settings: { server: string },
  keeper: Keeper,
): RunningProgram {
  const { pod, invocation, mounts, folder, log } = start;
  const { hostname, port } = new URL(settings.server);
  const [, ...words] = [...invocation.command, ...invocation.args];
  const rewritten = Object.entries(invocation.env).map(
    ([name, value]) => [name, rewritePaths(value, mounts)] as const,
  );
  const child = startChild(
    {
      command: "python3",
      args: words.map((word) => rewritePaths(word, mounts)),
      env: {
        HOSTNAME: identify(pod).name,
        HOME: folder,
        PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
        PYTHONDONTWRITEBYTECODE: "1",
        // Kubernetes gives these to every container.
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        ...Object.fromEntries(rewritten),
      },
      cwd: folder,
      log,
    },
    keeper,
  );
  return {
    pid: child.pid,
    ports: {},
    ended: child.ended,
    terminate: () => child.signal("SIGTERM"),
    kill: () => child.signal("SIGKILL"),
  };
}
