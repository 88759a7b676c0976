import { mirrorSourceOf, type ImageMirrors } from "../../components/cluster/mirrored-images";
import type { HeldPlatform, MirrorUse } from "../plan/standing";
import { permitted, type ClusterReader, type LiveObject } from "./cluster-reader";

interface PodImages {
  initContainers?: { image?: string }[];
  containers?: { image?: string }[];
}

/**
 * Who uses a mirror that this stack created and the config no longer has: pods of any stack.
 * @param others where this stack would have the mirrors that the config does not name.
 */
export async function readMirrorUse(
  reader: ClusterReader | undefined,
  { repositories }: HeldPlatform,
  others: ImageMirrors = {},
): Promise<MirrorUse[]> {
  const dropped = Object.fromEntries(
    Object.entries(others).filter(([, mirror]) => repositories.includes(mirror.replace(/^.*\//, ""))),
  ) as ImageMirrors;
  if (reader === undefined || Object.keys(dropped).length === 0) return [];
  // Who may not list pods gets the engine's refusal: the repository is protected.
  return mirrorUse(await permitted(() => reader.list("/api/v1/pods"), []), dropped);
}

/** Exported for tests. */
export function mirrorUse(pods: readonly LiveObject[], dropped: ImageMirrors): MirrorUse[] {
  const users = new Map<MirrorUse["source"], string[]>();
  for (const { metadata, spec } of pods) {
    const { initContainers = [], containers = [] } = (spec ?? {}) as PodImages;
    const sources = [...initContainers, ...containers].map(({ image = "" }) =>
      mirrorSourceOf(image, dropped),
    );
    for (const source of new Set(sources)) {
      if (source === undefined) continue;
      users.set(source, [
        ...(users.get(source) ?? []),
        `${metadata.namespace ?? "default"}/${metadata.name}`,
      ]);
    }
  }
  return [...users].map(([source, names]) => ({ source, pods: names.sort() }));
}
