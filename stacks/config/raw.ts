import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { RawConfig } from "./validate";
import { holdsMoment, reconcile, writtenConfig } from "./written";

/** Keys of the stack's config that are not ours but that we need. */
export interface CloudConfig {
  project?: string;
  region?: string;
}

/**
 * The stack's config as the user wrote it, without the project's prefix. Objects and lists arrive as JSON text;
 * text that is no JSON stays text, so that validation can show it.
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
  const given = own.map(([key, value]) => [key.slice(project.length + 1), parse(value)] as const);
  return {
    ...(await asWritten(Object.fromEntries(given), secretKeys(project), project)),
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

/** The same config with what only its file tells: which values inside a key are secret, and how times were written. */
async function asWritten(
  raw: RawConfig,
  listed: ReadonlySet<string>,
  project: string,
): Promise<{ raw: RawConfig; secrets: ReadonlySet<string> }> {
  const isObject = (key: string): boolean => typeof raw[key] === "object" && raw[key] !== null;
  const open = Object.keys(raw).filter((key) => (listed.has(key) && isObject(key)) || holdsMoment(raw[key]));
  const text = open.length === 0 ? undefined : configFileText();
  const written = text === undefined ? undefined : await writtenConfig(text, project);
  if (written === undefined) return { raw, secrets: listed };
  const values: Record<string, unknown> = { ...raw };
  const secrets = new Set(listed);
  for (const key of open) {
    const found = reconcile(key, raw[key], written[key]);
    if (found === undefined) continue;
    values[key] = found.value;
    // A key that the engine lists and the file has no secret in was encrypted elsewhere: it may be anywhere inside.
    if (!listed.has(key) || found.secrets.length === 0) continue;
    secrets.delete(key);
    for (const inner of found.secrets) secrets.add(inner);
  }
  return { raw: values, secrets };
}

/** The stack's config file where it usually is; undefined where there is none. */
function configFileText(): string | undefined {
  const root = pulumi.getRootDirectory();
  try {
    const project = fs.readFileSync(path.join(root, "Pulumi.yaml"), "utf8");
    const folder = /^stackConfigDir:\s*["']?([^"'#\n]+?)["']?\s*(#.*)?$/m.exec(project)?.[1] ?? ".";
    return fs.readFileSync(path.join(root, folder, `Pulumi.${pulumi.getStack()}.yaml`), "utf8");
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
