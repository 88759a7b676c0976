import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { buildSync, version as esbuildVersion } from "esbuild";
import { ToolCache } from "../../tools/cache";

/** Programs of the stand-ins and where each begins. */
const programs = {
  language: "language/main.ts",
  random: "random/main.ts",
  gcp: "gcp/main.ts",
  "gcloud-auth": "gcloud-auth.ts",
} as const;

export type Program = keyof typeof programs;

/** Files that Node loads as they are. */
const loose = {
  boot: "launch/boot.ts",
  "child-watch": "language/child-watch.ts",
} as const;

const source = path.join(__dirname, "..");

/** Folder with the programs ready to run; built where this very source has not been built yet. */
export async function buildPrograms(cache: ToolCache = new ToolCache()): Promise<string> {
  const folder = cache.folder("plugins", "1", [
    // V8's caches fit one version of Node.
    ...[process.version, process.arch, esbuildVersion],
    ...sources(source).map((file) => digest(file)),
    digest(path.join(source, "../../package-lock.json")),
  ]);
  await cache.make(folder, async (temporary) => {
    bundle(loose, temporary);
    bundle(programs, temporary, ["(function (require, module) {", "})"]);
    await warm(temporary, Object.keys(programs) as Program[]);
  });
  return folder;
}

/** The command that starts a program. */
export function launched(folder: string, program: Program): string[] {
  return [process.execPath, path.join(folder, "boot.js"), path.join(folder, `${program}.js`)];
}

/**
 * Writes each program with everything it loads as one file: one to read and to compile instead of eighty to find, and
 * V8 can cache the whole.
 */
function bundle(
  entries: Readonly<Record<string, string>>,
  folder: string,
  [before, after]: readonly [string, string] = ["", ""],
): void {
  buildSync({
    absWorkingDir: source,
    entryPoints: { ...entries },
    outdir: folder,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    // Needed by grpc-js for a debugging service only, and as large as all the rest.
    external: ["@grpc/proto-loader", "protobufjs"],
    banner: { js: before },
    footer: { js: after },
    logLevel: "warning",
  });
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

/** Starts each program once with nothing to do, so that it leaves V8's compiled code beside itself. */
async function warm(folder: string, names: readonly Program[]): Promise<void> {
  for (const name of names) {
    const file = path.join(folder, `${name}.js`);
    // Its standard input is closed: it starts, finds its engine gone, and ends.
    const child = spawn(process.execPath, [path.join(folder, "boot.js"), file, "127.0.0.1:9"], {
      stdio: "ignore",
      env: warmEnvironment(folder, file),
      timeout: 20_000,
    });
    await new Promise((resolve) => {
      child.once("close", resolve);
      child.once("error", resolve);
    });
    if (!fs.existsSync(`${file}.cache`)) throw new Error(`the stand-in ${name} does not start`);
  }
}

function warmEnvironment(folder: string, file: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    INFERENCE_LAB_WARM: file,
    INFERENCE_LAB_FOLDER: folder,
    INFERENCE_LAB_SERVER: "https://127.0.0.1:9",
    INFERENCE_LAB_CA_FILE: file,
    INFERENCE_LAB_TOKEN_FILE: file,
  };
}
