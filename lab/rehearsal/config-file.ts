import * as fs from "node:fs";
import { load } from "js-yaml";
import type { CloudConfig } from "../../stacks/config/cluster-keys";
import type { RawConfig } from "../../stacks/config/parse";

/** Before every key of this project in a stack's config file. */
export const prefix = "inference-rollout:";

/** A stack's config file, key by key; empty where it has none. */
export function readConfigFile(file: string): Record<string, unknown> {
  const { config = {} } = load(fs.readFileSync(file, "utf8")) as { config?: Record<string, unknown> };
  return config;
}

/** Keys of this project as a config file has them; others stay as they are. */
export function prefixed(keys: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [key.includes(":") ? key : `${prefix}${key}`, value]),
  );
}

/** The keys of a stack's config file as the program reads them: its own without their prefix, and the cloud's. */
export function keysOf(file: Readonly<Record<string, unknown>>): { raw: RawConfig; cloud: CloudConfig } {
  const own = Object.entries(file)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  const text = (key: string): string | undefined => {
    const value = file[key];
    return typeof value === "string" ? value : undefined;
  };
  const [project, region] = [text("gcp:project"), text("gcp:region")];
  const cloud = {
    ...(project === undefined ? {} : { project }),
    ...(region === undefined ? {} : { region }),
  };
  return { raw: Object.fromEntries(own), cloud };
}
