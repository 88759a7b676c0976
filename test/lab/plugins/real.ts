import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Where a Pulumi installation of this machine keeps the parts that a lab can use instead of stand-ins. */
export interface Installation {
  /** Folders of PATH. */
  path: readonly string[];
  /** PULUMI_HOME, with `plugins` below it. */
  home: string;
  /** The engine that the lab uses. */
  pulumi: string;
}

export function installation(pulumi: string, env: NodeJS.ProcessEnv = process.env): Installation {
  return {
    path: (env["PATH"] ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder)),
    home: env["PULUMI_HOME"] ?? path.join(os.homedir(), ".pulumi"),
    pulumi,
  };
}

/** A real resource plugin of exactly this version: in the plugin folder only, where the folder's name vouches for it. */
export function realPlugin(where: Installation, name: string, version: string): string | undefined {
  const folder = path.join(where.home, "plugins", `resource-${name}-v${version}`);
  const file = path.join(folder, `pulumi-resource-${name}`);
  return fs.existsSync(`${folder}.partial`) || !isProgram(file) ? undefined : file;
}

/** A real language host: beside the engine, or on PATH beside an engine of its own. */
export function realLanguageHost(where: Installation): string | undefined {
  const name = "pulumi-language-nodejs";
  const beside = path.join(path.dirname(fs.realpathSync(where.pulumi)), name);
  return [beside, ...where.path.map((folder) => path.join(folder, name))].find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
