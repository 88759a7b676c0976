import * as fs from "node:fs";
import * as path from "node:path";
import type { ContainerStart, Exit, RunningProgram } from "./program";

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
