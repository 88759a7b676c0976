import * as fs from "node:fs";
import * as path from "node:path";

/** A package that comes with a resource plugin. */
export interface PluginPackage {
  name: string;
  /** With a leading v. */
  version: string;
  server: string;
}

interface Manifest {
  name?: string;
  version?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  pulumi?: { resource?: boolean; name?: string; version?: string; server?: string };
}

/**
 * Resource plugins that a program needs: its installed packages that say so. Looked at are the packages it
 * depends on and everything of the @pulumi scope, where Node itself would find them; a walk through all of
 * node_modules, as the real language host does it, takes longer than the update.
 */
export function pluginPackages(programFolder: string): PluginPackage[] {
  const manifest = readManifest(programFolder);
  const desired = Object.keys({ ...manifest?.dependencies, ...manifest?.devDependencies });
  const found = new Map<string, PluginPackage>();
  for (const modules of moduleFolders(programFolder)) {
    const scoped = list(path.join(modules, "@pulumi")).map((name) => `@pulumi/${name}`);
    for (const name of new Set([...scoped, ...desired])) {
      const plugin = pluginOf(readManifest(path.join(modules, name)));
      // The nearest one is the one that Node loads.
      if (plugin !== undefined && !found.has(plugin.name)) found.set(plugin.name, plugin);
    }
  }
  return [...found.values()];
}

/** Name and installed version of the program's packages; with `all`, of everything that is installed for it. */
export function programDependencies(
  programFolder: string,
  all: boolean,
): { name: string; version: string }[] {
  const manifest = readManifest(programFolder);
  const direct = Object.keys({ ...manifest?.dependencies, ...manifest?.devDependencies });
  const folders = moduleFolders(programFolder);
  const names = all ? new Set([...direct, ...folders.flatMap(installed)]) : direct;
  return [...names].flatMap((name) => {
    const versions = folders.map((modules) => readManifest(path.join(modules, name))?.version);
    const version = versions.find((one) => one !== undefined);
    return version === undefined ? [] : [{ name, version }];
  });
}

function moduleFolders(folder: string): string[] {
  const folders: string[] = [];
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const modules = path.join(at, "node_modules");
    if (fs.existsSync(modules)) folders.push(modules);
    if (at === path.dirname(at)) return folders;
  }
}

function installed(modules: string): string[] {
  return list(modules).flatMap((name) =>
    name.startsWith("@") ? list(path.join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
  );
}

function list(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter((name) => !name.startsWith("."));
  } catch {
    return [];
  }
}

function readManifest(folder: string): Manifest | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

function pluginOf(manifest: Manifest | undefined): PluginPackage | undefined {
  if (manifest?.pulumi?.resource !== true) return undefined;
  const name = manifest.pulumi.name ?? manifest.name?.replace(/^@pulumi\//, "");
  const version = manifest.pulumi.version ?? manifest.version;
  if (name === undefined || version === undefined || name.startsWith("@")) return undefined;
  return { name, version: `v${version.replace(/^v/, "")}`, server: manifest.pulumi.server ?? "" };
}
