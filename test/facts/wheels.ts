import * as fs from "node:fs";
import * as path from "node:path";
import { ToolCache } from "../../lab/tools/cache";
import { runCommand, tail } from "../../lab/tools/command";
import type { ModelServerEngine } from "../../components/engines/engine";
import type { Sources } from "./python-source";

/*
 * The packages that are in the engines' default images. Their versions are pinned nowhere but in components/engines:
 * an image's tag is the version of its package.
 */

/** vLLM mounts its routes. Which version is in an image, no tag says. */
const standards = "model-hosting-container-standards==0.1.16";

/** Packages of an engine's image, by engine and family. */
const packages: Readonly<
  Record<string, { readonly gpu: readonly string[]; readonly tpu?: readonly string[] }>
> = {
  vllm: { gpu: ["vllm", standards], tpu: ["vllm-tpu", "tpu-inference", standards] },
  sglang: { gpu: ["sglang"] },
};

/** @returns each as pip takes it: `vllm==0.21.0`. */
export function requirementsOf({ name, images }: ModelServerEngine, family: "gpu" | "tpu"): string[] {
  const image = images[family];
  const known = packages[name]?.[family];
  if (image === undefined) return [];
  if (known === undefined)
    throw new Error(`test/facts/wheels.ts does not say what is in ${image.repository}`);
  return known.map((one) => (one.includes("==") ? one : `${one}==${image.version.replace(/^v/, "")}`));
}

/** Where pods run, whatever this machine is: a wheel names the oldest glibc that it takes. */
const platforms = [
  ...Array.from({ length: 25 }, (_, i) => `manylinux_2_${39 - i}`),
  ...["manylinux2014", "manylinux1"],
];
const target = [
  ...platforms.flatMap((name) => ["--platform", `${name}_x86_64`]),
  ...["--python-version", "3.12", "--implementation", "cp", "--only-binary=:all:", "--no-deps"],
];

/** Reads the wheel `argv[1]` and writes the Python files of the package itself below `argv[2]`. */
const unpack = `
import os, re, sys, zipfile
wheel, folder = sys.argv[1:3]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.endswith(".py") and not re.match(r"(tests?|benchmarks?|examples?|tools)/", name):
            archive.extract(name, folder)
`;

/** Sources of a package at its version, from the cache or by pip; its wheel itself is not kept. */
export async function sourcesOf(requirement: string, cache = new ToolCache()): Promise<Sources> {
  const [name = "", version = ""] = requirement.split("==");
  const folder = cache.folder(`wheel-${name}`, version, [...target, unpack]);
  if (!cache.has(folder)) await cache.make(folder, (unfinished) => download(requirement, unfinished));
  const files = fs.readdirSync(folder, { recursive: true, encoding: "utf8" });
  return Object.fromEntries(
    files
      .filter((file) => file.endsWith(".py"))
      .map((file) => [file.split(path.sep).join("/"), fs.readFileSync(path.join(folder, file), "utf8")]),
  );
}

async function download(requirement: string, folder: string): Promise<void> {
  const wheels = path.join(folder, "wheels");
  const step = async (args: readonly string[]): Promise<void> => {
    const env = { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_NO_INPUT: "1" };
    const { status, output } = await runCommand("python3", args, { env });
    if (status !== 0) throw new Error(`${requirement} cannot be read: ${tail(output)}`);
    // pip takes a version that its authors have withdrawn where it is named exactly, with a warning.
    if (/\byanked version\b/.test(output)) throw new Error(`${requirement} was withdrawn: ${tail(output)}`);
  };
  await step(["-m", "pip", "download", ...target, "--progress-bar=off", "--dest", wheels, requirement]);
  const [wheel] = fs.readdirSync(wheels);
  if (wheel === undefined) throw new Error(`${requirement}: pip downloaded nothing`);
  await step(["-c", unpack, path.join(wheels, wheel), folder]);
  fs.rmSync(wheels, { recursive: true });
}
