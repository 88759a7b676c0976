import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { CloudConfig } from "./cluster-keys";
import { configFolder, keysInFile, secretsInside } from "./config-file";
import type { RawConfig } from "./parse";

/**
 * The stack's config as the user wrote it, without the project's prefix. Objects and lists arrive as JSON text;
 * text that is not JSON stays text, so that a mistake can show it.
 */
export async function readRawConfig(project = pulumi.getProject()): Promise<{
  raw: RawConfig;
  /** Keys whose values must never be shown: see secrets.ts. */
  secrets: ReadonlySet<string>;
  cloud: CloudConfig;
}> {
  const all = pulumi.runtime.allConfig() as Record<string, string>;
  const own = Object.entries(all).filter(([key]) => key.startsWith(`${project}:`));
  const cloud = (key: string): string | undefined => all[`gcp:${key}`];
  const projectId = cloud("project");
  const region = cloud("region");
  const raw = Object.fromEntries(own.map(([key, value]) => [key.slice(project.length + 1), parse(value)]));
  return {
    raw,
    secrets: await exactPlaces(raw, secretKeys(project), project),
    cloud: {
      ...(projectId === undefined ? {} : { project: projectId }),
      ...(region === undefined ? {} : { region }),
    },
  };
}

function parse(value: string): unknown {
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Secret keys, as exactly as the config file has them: a key that holds an object is secret somewhere inside. */
async function exactPlaces(
  raw: RawConfig,
  listed: ReadonlySet<string>,
  project: string,
): Promise<ReadonlySet<string>> {
  const open = [...listed].filter((key) => typeof raw[key] === "object" && raw[key] !== null);
  const text = open.length === 0 ? undefined : configFileText();
  const written = text === undefined ? undefined : await keysInFile(text, project);
  if (written === undefined) return listed;
  const secrets = new Set(listed);
  for (const key of open) {
    const inside = secretsInside(key, raw[key], written[key]) ?? [];
    // A key that the engine lists and the file has no secret in was encrypted elsewhere: it may be anywhere inside.
    if (inside.length > 0) secrets.delete(key);
    for (const inner of inside) secrets.add(inner);
  }
  return secrets;
}

/** The stack's config file at its usual place; undefined if there is none. */
function configFileText(): string | undefined {
  const root = pulumi.getRootDirectory();
  try {
    return fs.readFileSync(path.join(configFolder(root), `Pulumi.${pulumi.getStack()}.yaml`), "utf8");
  } catch {
    return undefined;
  }
}

/** The engine's own list of keys that hold secrets; the SDK reads it too, and does not export it. */
function secretKeys(project: string): ReadonlySet<string> {
  const listed = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]") as string[];
  return new Set(
    listed.filter((key) => key.startsWith(`${project}:`)).map((key) => key.slice(project.length + 1)),
  );
}
