import * as fs from "node:fs";
import * as path from "node:path";
import type { Mount } from "./protocol";

/** What is known about an adapter before it is loaded. */
export interface AdapterFacts {
  rank: number;
  /** The model it was trained on; undefined where nothing says so. */
  base: string | undefined;
}

/** Env LAB_ADAPTERS of the container, for adapters the lab cannot look into: by path or by its last part. */
export type KnownAdapters = Readonly<Record<string, Partial<AdapterFacts> & { missing?: boolean }>>;

const defaultRank = 8;

export function readKnownAdapters(text: string | undefined): KnownAdapters {
  return text === undefined ? {} : (JSON.parse(text) as KnownAdapters);
}

/**
 * Looks for the adapter at `location` (a path in the container, or a name in a registry such as Hugging Face).
 * `exact` leaves out what may be there but cannot be seen.
 */
export function findAdapter(
  location: string,
  mounts: readonly Mount[],
  known: KnownAdapters,
  exact = false,
): AdapterFacts | undefined {
  const said = known[location] ?? known[path.posix.basename(location)];
  if (said !== undefined) {
    return said.missing === true ? undefined : { rank: said.rank ?? defaultRank, base: said.base };
  }
  const unseen = exact ? undefined : { rank: defaultRank, base: undefined };
  if (!location.startsWith("/")) return unseen;
  const mount = mountOf(location, mounts);
  if (mount === undefined) return undefined;
  const folder = path.join(mount.folder, path.posix.relative(mount.path, location));
  return readAdapter(folder) ?? (mount.complete ? undefined : unseen);
}

/** The mount a path is on: the longest that fits. */
export function mountOf(location: string, mounts: readonly Mount[]): Mount | undefined {
  return mounts
    .filter((mount) => location === mount.path || location.startsWith(mount.path.replace(/\/?$/, "/")))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function readAdapter(folder: string): AdapterFacts | undefined {
  let text: string;
  try {
    text = fs.readFileSync(path.join(folder, "adapter_config.json"), "utf8");
  } catch {
    return undefined;
  }
  const config = JSON.parse(text) as { r?: unknown; base_model_name_or_path?: unknown };
  const base = config.base_model_name_or_path;
  return {
    rank: typeof config.r === "number" ? config.r : defaultRank,
    base: typeof base === "string" && base !== "" ? base : undefined,
  };
}
