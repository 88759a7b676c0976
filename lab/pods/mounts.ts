import * as path from "node:path";
import type { Mount } from "../simulator/protocol";
import { programFor } from "./programs";
import type { Container, PodSpec } from "./objects";

/** Where a pod's volumes are on this machine. */
export interface VolumeFolder {
  folder: string;
  complete: boolean;
}

/** The mounts of a container; one of a volume that was not made is left out. */
export function mountsOf(container: Container, volumes: ReadonlyMap<string, VolumeFolder>): Mount[] {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath }) => {
    const volume = volumes.get(name);
    if (volume === undefined) return [];
    const folder = subPath === undefined ? volume.folder : path.join(volume.folder, subPath);
    return [{ path: mountPath.replace(/(?<=.)\/+$/, ""), folder, complete: volume.complete }];
  });
}

/** Volumes that an init container downloads into: the lab knows them only in part. */
export function downloadedVolumes(spec: PodSpec | undefined): ReadonlySet<string> {
  const downloads = (spec?.initContainers ?? []).filter(({ image }) => {
    const program = programFor(image ?? "", true);
    return "kind" in program && program.kind === "download";
  });
  return new Set(downloads.flatMap(({ volumeMounts }) => (volumeMounts ?? []).map(({ name }) => name)));
}

/**
 * A picker runs without a container around it, so a path that an argument or a variable names below a mount is
 * replaced by the folder that stands for it. Paths are found alone, after "=" and in lists: --file=/config/a.yaml,
 * /config/a:/config/b.
 */
export function rewritePaths(text: string, mounts: readonly Mount[]): string {
  if (mounts.length === 0) return text;
  const longestFirst = [...mounts].sort((a, b) => b.path.length - a.path.length);
  const names = longestFirst.map((mount) => mount.path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(^|[=:,;\\s"'])(${names.join("|")})(?=$|[/:,;\\s"'])`, "g");
  return text.replace(pattern, (all, before: string, found: string) => {
    const mount = longestFirst.find((candidate) => candidate.path === found);
    return mount === undefined ? all : `${before}${mount.folder}`;
  });
}
