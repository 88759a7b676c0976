import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { version as typescriptVersion } from "typescript";
import { ToolCache } from "../../tools/cache";
import { bundle, transpile } from "./bundle";
import { warm } from "./warm";

/** Programs of the stand-ins and where each begins. */
export const programs = {
  language: "language/main.ts",
  random: "random/main.ts",
  gcp: "gcp/main.ts",
  "gcloud-auth": "gcloud-auth/main.ts",
} as const;

export type Program = keyof typeof programs;

/** Files that Node loads as they are. */
const loose = {
  boot: "launch/boot.ts",
  "child-watch": "language/child-watch.ts",
  "code-cache": "language/code-cache.ts",
} as const;

const source = path.join(__dirname, "..");

/** Folder with the programs ready to run; built where this very source has not been built yet. */
export async function buildPrograms(cache: ToolCache = new ToolCache()): Promise<string> {
  const folder = cache.folder("plugins", "1", [
    // The bundles name files of this checkout, and V8's caches fit one version of Node.
    ...[process.version, process.arch, typescriptVersion, source],
    ...sources(source).map((file) => digest(file)),
    digest(path.join(source, "../../../package-lock.json")),
  ]);
  await cache.make(folder, async (temporary) => {
    for (const [name, file] of Object.entries(loose))
      fs.writeFileSync(path.join(temporary, `${name}.js`), loadable(path.join(source, file)));
    for (const [name, file] of Object.entries(programs))
      fs.writeFileSync(path.join(temporary, `${name}.js`), bundle(path.join(source, file)));
    await warm(temporary, Object.keys(programs) as Program[]);
  });
  return folder;
}

/** The command that starts a program. */
export function launched(folder: string, program: Program): string[] {
  return [process.execPath, path.join(folder, "boot.js"), path.join(folder, `${program}.js`)];
}

/** A file without imports of its own but Node's, or a bundle that runs by itself. */
function loadable(file: string): string {
  const code = transpile(fs.readFileSync(file, "utf8"));
  if (!/\brequire\("\./.test(code)) return code;
  return `${bundle(file)}(require, require("node:module").createRequire);\n`;
}

function sources(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => (name.endsWith(".ts") && !name.endsWith(".test.ts")) || name.endsWith(".json"))
    .sort()
    .map((name) => path.join(folder, name));
}

function digest(file: string): string {
  const content = fs.existsSync(file) ? fs.readFileSync(file) : "";
  return `${path.relative(source, file)} ${createHash("sha256").update(content).digest("hex")}`;
}
