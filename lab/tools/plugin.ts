import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Tool } from "./catalogue";
import { runCommand, tail } from "./command";
import { SourceFailed } from "./sources";

/** Where Pulumi gets its plugins from, and how long it may take to answer before the plugin is built instead. */
const host = "https://get.pulumi.com";
const answerSeconds = 5;
const downloadSeconds = 600;

/**
 * A resource plugin of exactly this version that `pulumi` has installed on this machine: in its plugin folder only,
 * where the folder's name vouches for the version.
 */
export function installedPlugin(
  name: string,
  version: string,
  home = process.env["PULUMI_HOME"] ?? path.join(os.homedir(), ".pulumi"),
): string | undefined {
  const folder = path.join(home, "plugins", `resource-${name}-v${version}`);
  const file = path.join(folder, `pulumi-resource-${name}`);
  return fs.existsSync(`${folder}.partial`) || !isProgram(file) ? undefined : file;
}

/** A real language host of Node: beside the engine, or on PATH beside an engine of its own. */
export function installedLanguageHost(pulumi: string): string | undefined {
  const name = "pulumi-language-nodejs";
  const folders = (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder));
  return [path.dirname(fs.realpathSync(pulumi)), ...folders]
    .map((folder) => path.join(folder, name))
    .find(isProgram);
}

export function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

export interface PluginInstallation {
  /** The engine that installs it. */
  engine: string;
  /** Where the plugin's program is laid. */
  folder: string;
  report: (line: string) => void;
  signal: AbortSignal | undefined;
}

/** `pulumi plugin install` into a folder of its own. @throws SourceFailed where the network does not allow it. */
export async function installPlugin(
  { name: program, version }: Pick<Tool, "name" | "version">,
  name: string,
  { engine, folder, report, signal }: PluginInstallation,
): Promise<void> {
  try {
    await fetch(host, { method: "HEAD", signal: AbortSignal.timeout(answerSeconds * 1000) });
  } catch (error) {
    throw new SourceFailed(host, error instanceof Error ? error.message : String(error));
  }
  const home = path.join(folder, ".home");
  const args = ["plugin", "install", "resource", name, `v${version}`];
  const result = await runCommand(engine, args, {
    env: { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
    onLine: report,
    timeoutSeconds: downloadSeconds,
    ...(signal === undefined ? {} : { signal }),
  });
  const found = installedPlugin(name, version, home);
  if (result.status !== 0 || found === undefined) {
    throw new SourceFailed(`pulumi ${args.join(" ")}`, tail(result.output));
  }
  fs.renameSync(found, path.join(folder, program));
  fs.rmSync(home, { recursive: true });
}
