import { fieldValue } from "./environment";
import * as fs from "node:fs";
import * as path from "node:path";
import { downloadedVolumes, type VolumeFolder } from "./mounts";
import { ReferenceMissing, type Content, type ReferenceKind, type References } from "./references";
import type { PodTokens } from "./tokens";
import {
  identify,
  type DownwardFile,
  type KeyToPath,
  type Pod,
  type Volume,
  type VolumeProjection,
} from "./objects";

export interface VolumeSources {
  references: Pick<References, "read">;
  /** Absent: no container of the pod asks the API server for anything, so no token is fetched. */
  tokens: Pick<PodTokens, "write"> | undefined;
}

/**
 * Makes the pod's volumes below `folder`. What is written is what is there now; {@link followConfigMaps} brings later
 * changes.
 * @throws ReferenceMissing in the kubelet's words where a volume cannot be made.
 */
export async function makeVolumes(
  pod: Pod,
  folder: string,
  sources: VolumeSources,
): Promise<ReadonlyMap<string, VolumeFolder>> {
  const made = new Map<string, VolumeFolder>();
  const downloaded = downloadedVolumes(pod.spec);
  for (const volume of pod.spec?.volumes ?? []) {
    const own = path.join(folder, volume.name);
    fs.mkdirSync(own, { recursive: true, mode: 0o700 });
    try {
      const known = await fill(pod, volume, own, sources);
      made.set(volume.name, { folder: own, complete: known && !downloaded.has(volume.name) });
    } catch (error) {
      if (!(error instanceof ReferenceMissing)) throw error;
      throw new ReferenceMissing(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`);
    }
  }
  return made;
}

/** The kubelet takes up to a minute or more; a rehearsal has no time for that. */
const followMs = 1000;

/**
 * Brings changes of ConfigMaps into a pod that runs, as the kubelet does: into whole volumes, never by halves.
 * @returns what ends it.
 */
export function followConfigMaps(
  pod: Pod,
  made: ReadonlyMap<string, VolumeFolder>,
  sources: VolumeSources,
): () => void {
  const followed = (pod.spec?.volumes ?? []).filter(({ configMap }) => configMap !== undefined);
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    for (const { name, configMap } of followed) {
      const folder = made.get(name)?.folder;
      if (folder === undefined || configMap === undefined) continue;
      // One that is gone, or cannot be read now, leaves the pod with what it has.
      await put(pod, "configmap", configMap, folder, sources, () => closed).catch(() => undefined);
    }
    if (!closed) timer = setTimeout(() => void look(), followMs);
  };
  if (followed.length > 0) timer = setTimeout(() => void look(), followMs);
  return () => {
    closed = true;
    clearTimeout(timer);
  };
}

/** True where the folder then holds all that the volume would. */
async function fill(pod: Pod, volume: Volume, folder: string, sources: VolumeSources): Promise<boolean> {
  const { configMap, secret, projected, downwardAPI, emptyDir } = volume;
  if (configMap !== undefined) await put(pod, "configmap", configMap, folder, sources);
  else if (secret !== undefined)
    await put(
      pod,
      "secret",
      { name: secret.secretName ?? "", items: secret.items, optional: secret.optional },
      folder,
      sources,
    );
  else if (downwardAPI !== undefined) putFields(pod, downwardAPI.items, folder);
  else if (projected !== undefined) {
    for (const source of projected.sources ?? []) await project(pod, source, folder, sources);
  } else {
    // An emptyDir is what it says. Everything else (CSI, PVC, hostPath, NFS) has files that the lab cannot see,
    // and a path of this machine is never given to a pod.
    return emptyDir !== undefined;
  }
  return true;
}

async function project(
  pod: Pod,
  source: VolumeProjection,
  folder: string,
  sources: VolumeSources,
): Promise<void> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap !== undefined) await put(pod, "configmap", configMap, folder, sources);
  if (secret !== undefined) await put(pod, "secret", secret, folder, sources);
  if (downwardAPI !== undefined) putFields(pod, downwardAPI.items, folder);
  if (serviceAccountToken !== undefined && sources.tokens !== undefined) {
    await sources.tokens.write(serviceAccountToken, place(folder, serviceAccountToken.path));
  }
}

interface Selection {
  name?: string;
  items?: KeyToPath[] | undefined;
  optional?: boolean | undefined;
}

async function put(
  pod: Pod,
  kind: ReferenceKind,
  { name = "", items, optional }: Selection,
  folder: string,
  { references }: VolumeSources,
  givenUp: () => boolean = () => false,
): Promise<void> {
  const content = await references.read(kind, identify(pod).namespace, name, optional);
  if (givenUp()) return;
  for (const [file, bytes] of Object.entries(selected(content ?? {}, items, optional))) {
    replaceFile(place(folder, file), bytes);
  }
}

/** Whoever reads it meanwhile sees the old file or the new one. */
function replaceFile(file: string, bytes: Buffer): void {
  if (fs.existsSync(file) && fs.readFileSync(file).equals(bytes)) return;
  const fresh = `${file}.new`;
  fs.writeFileSync(fresh, bytes, { mode: 0o600 });
  fs.renameSync(fresh, file);
}

function selected(content: Content, items: KeyToPath[] | undefined, optional: boolean | undefined): Content {
  if (items === undefined) return content;
  const chosen = items.flatMap(({ key, path: file }) => {
    const bytes = content[key];
    if (bytes !== undefined) return [[file, bytes] as const];
    if (optional === true) return [];
    throw new ReferenceMissing(`references non-existent config key: ${key}`);
  });
  return Object.fromEntries(chosen);
}

function putFields(pod: Pod, items: DownwardFile[] | undefined, folder: string): void {
  for (const { path: file, fieldRef } of items ?? []) {
    fs.writeFileSync(place(folder, file), fieldRef === undefined ? "" : fieldValue(pod, fieldRef));
  }
}

/** A file below the volume's folder, which the API server has checked to hold no "..". */
function place(folder: string, file: string): string {
  const target = path.join(folder, file);
  fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
  return target;
}
