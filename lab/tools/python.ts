import * as fs from "node:fs";
import * as path from "node:path";
import { ToolCache } from "./cache";
import { runCommand, tail } from "./command";
import { SourceFailed } from "./sources";

/*
 * Python programs of others that tests run: each in a virtual environment in the tools' cache, made when a test asks
 * for it. `python/<name>/requirements.txt` pins every package by version and hash; requirements.in says what for.
 */

/** Folders under `python/`. */
export type PythonPackage = "openai" | "aiperf";

/** Versions that the pinned packages were resolved for: 3.11 or newer, and older than 3.14 (aiperf's own limits). */
const oldest = [3, 11] as const;
const tooNew = [3, 14] as const;
const interpreters = ["python3", "python3.13", "python3.12", "python3.11"];

/**
 * Why a package cannot be had on this machine whatever is installed; undefined: it can. Tests of it are skipped by name
 * then, with the reason.
 */
export function whyNot(name: PythonPackage, arch: string = process.arch): string | undefined {
  if (name !== "aiperf" || arch === "x64") return undefined;
  return `aiperf needs crick 0.0.8, which has wheels for x86-64 only (this is ${arch})`;
}

/** No environment could be made. The message says what was tried and what is needed. */
export class PythonUnavailable extends Error {}

export interface PythonEnvironment {
  /** Absolute path of the environment's interpreter: the programs are run as its modules. */
  python: string;
  from: "cache" | "installed";
}

export interface PythonOptions {
  /** Told what is going on, a line at a time. */
  report?: (progress: string) => void;
  cache?: ToolCache;
  /** The pinned packages; default: those of the package's folder. */
  requirements?: string;
  signal?: AbortSignal;
}

/**
 * The environment of a package; installed from wheels, with every hash checked, where the cache does not have it. The
 * cache's key is what is pinned, the interpreter and its version.
 * @throws PythonUnavailable
 */
export async function pythonEnvironment(
  name: PythonPackage,
  options: PythonOptions = {},
): Promise<PythonEnvironment> {
  const { report = () => undefined, cache = new ToolCache() } = options;
  const requirements = options.requirements ?? requirementsOf(name);
  const pinned = fs.readFileSync(requirements, "utf8");
  const { program, version } = await interpreter(options.signal);
  const key = [process.platform, process.arch, program, version, pinned];
  const folder = cache.folder(name, versionOf(name, pinned), key);
  const python = path.join(folder, "bin", "python");
  if (cache.has(folder)) return { python, from: "cache" };
  await cache.make(
    folder,
    (unfinished) => install(unfinished, program, requirements, report, options.signal),
    (holder) => report(`waiting for process ${holder}, which is already installing ${name}`),
  );
  return { python, from: "installed" };
}

export function requirementsOf(name: PythonPackage): string {
  return path.join(__dirname, "python", name, "requirements.txt");
}

/** The version of the package that an environment is there for. */
export function versionOf(name: PythonPackage, pinned: string): string {
  const found = new RegExp(`^${name}==([^\\s;\\\\]+)`, "m").exec(pinned)?.[1];
  if (found === undefined) throw new Error(`requirements.txt of ${name} does not pin ${name} itself`);
  return found;
}

/**
 * An environment may be renamed as long as its scripts (`bin/aiperf`, which name its folder) are not used, so
 * everything is run as `python -m`. pip is that of the interpreter: the environment needs none of its own.
 */
async function install(
  folder: string,
  program: string,
  requirements: string,
  report: (progress: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const step = async (args: readonly string[]): Promise<void> => {
    const result = await runCommand(program, args, {
      onLine: report,
      env: { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_NO_INPUT: "1" },
      ...(signal === undefined ? {} : { signal }),
    });
    signal?.throwIfAborted();
    if (result.status === 0) return;
    throw new PythonUnavailable(explain(new SourceFailed([program, ...args].join(" "), tail(result.output))));
  };
  report(`creating a virtual environment with ${program}`);
  await step(["-m", "venv", "--without-pip", folder]);
  const python = path.join(folder, "bin", "python");
  const checked = ["--require-hashes", "--only-binary=:all:", "--no-compile", "--progress-bar=off"];
  await step(["-m", "pip", "--python", python, "install", ...checked, "-r", requirements]);
}

/** The first interpreter on PATH in the range, with its path: an environment depends on both. */
async function interpreter(signal?: AbortSignal): Promise<{ program: string; version: string }> {
  const found: string[] = [];
  const script = "import sys; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))";
  for (const name of interpreters) {
    const { status, output } = await runCommand(name, ["-c", script], {
      timeoutSeconds: 30,
      ...(signal === undefined ? {} : { signal }),
    });
    if (status !== 0) continue;
    const [program = "", version = ""] = output.trim().split("\n").slice(-2);
    if (isInRange(version)) return { program, version };
    found.push(`${name} is ${version}`);
  }
  const range = `${oldest.join(".")} or newer, older than ${tooNew.join(".")}`;
  const detail = found.length === 0 ? `none of ${interpreters.join(", ")} is on PATH` : found.join(", ");
  throw new PythonUnavailable(explain(new SourceFailed(`looking for Python ${range}`, detail)));
}

/** Whether a version, "3.12.1", is one that the pinned packages take. */
export function isInRange(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major === oldest[0] && minor >= oldest[1] && minor < tooNew[1];
}

function explain({ way, detail }: SourceFailed): string {
  return [
    "Could not create the Python environment. Tried:",
    `  - ${way}`,
    detail.replace(/^/gm, "      "),
    "It needs Python 3.11, 3.12 or 3.13 with venv and pip (22.3 or newer) on PATH, and a package index that pip can reach;",
    "or copy the cache folder from a machine that has it (INFERENCE_LAB_CACHE is its path).",
  ].join("\n");
}
