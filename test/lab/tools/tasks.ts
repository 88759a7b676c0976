import type { ListrTask } from "listr2";
import { catalogue, type ToolName } from "./catalogue";
import { resolveTool } from "./resolve";

/** A task that gets one tool, with its progress; the path goes into `tools`. What a signal ends leaves no half tool behind. */
export function toolTask(
  name: ToolName,
  tools: Partial<Record<ToolName, string>>,
  signal?: AbortSignal,
): ListrTask {
  const version = catalogue.find((tool) => tool.name === name)?.version ?? "";
  return {
    title: `${name} ${version}`,
    task: async (_, task) => {
      const began = Date.now();
      signal?.throwIfAborted();
      const report = (progress: string): void => {
        task.output = `${Math.round((Date.now() - began) / 1000)} s: ${progress}`;
      };
      const found = await resolveTool(name, report, undefined, signal);
      tools[name] = found.path;
      task.title = `${name} ${version} (${found.from})`;
    },
  };
}
