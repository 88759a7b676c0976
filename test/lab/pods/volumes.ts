import * as fs from "node:fs";
import * as path from "node:path";
import { fieldValue } from "./fields";
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
 * Makes the pod's volumes below `folder`. What is written is what is there now: unlike the kubelet, the lab does
 * not bring later changes of a ConfigMap or Secret into a pod that runs.
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
): Promise<void> {
  const content = await references.read(kind, identify(pod).namespace, name, optional);
  for (const [file, bytes] of Object.entries(selected(content ?? {}, items, optional))) {
    fs.writeFileSync(place(folder, file), bytes, { mode: 0o600 });
  }
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
