import * as pulumi from "@pulumi/pulumi";
import type { RawConfig } from "./validate";

/** Keys of the stack's config that are not ours but that we need. */
export interface CloudConfig {
  project?: string;
  region?: string;
}

/**
 * The stack's config as the user wrote it, without the project's prefix. Objects and lists arrive as JSON text;
 * text that is no JSON stays text, so that validation can show it.
 */
export function readRawConfig(project = pulumi.getProject()): {
  raw: RawConfig;
  /** Keys whose values must never be shown. */
  secrets: ReadonlySet<string>;
  cloud: CloudConfig;
} {
  const all = pulumi.runtime.allConfig() as Record<string, string>;
  const own = Object.entries(all).filter(([key]) => key.startsWith(`${project}:`));
  const cloud = (key: string): string | undefined => all[`gcp:${key}`];
  const projectId = cloud("project");
  const region = cloud("region");
  return {
    raw: Object.fromEntries(own.map(([key, value]) => [key.slice(project.length + 1), parse(value)])),
    secrets: secretKeys(project),
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

/** The engine's own list of keys that hold secrets; the SDK reads it too, and does not export it. */
function secretKeys(project: string): ReadonlySet<string> {
  const listed = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]") as string[];
  return new Set(
    listed.filter((key) => key.startsWith(`${project}:`)).map((key) => key.slice(project.length + 1)),
  );
}
