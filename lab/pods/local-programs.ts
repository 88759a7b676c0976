import { type ContainerStart, type RunningProgram, startChild, type Exit } from "./program";
import type { Keeper } from "../processes/keeper";
import { rewritePaths } from "./mounts";
import { identify } from "./objects";
import * as path from "node:path";
import * as fs from "node:fs";

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

/** A container that does nothing until it is told to end. */
export function startIdle(): RunningProgram {
  let end: (exit: Exit) => void = () => undefined;
  const ended = new Promise<Exit>((resolve) => (end = resolve));
  return {
    pid: undefined,
    ports: {},
    ended,
    terminate: () => end({ code: 0, message: "" }),
    kill: () => end({ code: 137, message: "" }),
  };
}

/**
 * An init container that fetches files, over as soon as it has begun. Every folder that its command line names
 * below a mount is made and looks like a LoRA adapter, so that what the next container loads is there; what else
 * it may fetch the lab cannot know.
 */
export function startDownload({ invocation, mounts }: ContainerStart): RunningProgram {
  const text = [...invocation.command, ...invocation.args, ...Object.values(invocation.env)].join("\n");
  for (const mount of mounts) {
    for (const named of pathsBelow(mount.path, text)) {
      const folder = path.join(mount.folder, named);
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, "adapter_config.json"), JSON.stringify({ peft_type: "LORA", r: 8 }));
    }
  }
  return { ...startIdle(), ended: Promise.resolve({ code: 0, message: "" }) };
}

/** The paths below `mount` that a text names, without the mount itself. */
export function pathsBelow(mount: string, text: string): string[] {
  const escaped = mount.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = [...text.matchAll(new RegExp(`${escaped}/([\\w.-]+(?:/[\\w.-]+)*)`, "g"))];
  return [...new Set(found.map(([, below]) => below ?? ""))].filter(
    (below) => !below.split("/").includes(".."),
  );
}
