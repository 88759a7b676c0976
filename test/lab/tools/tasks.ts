import type { ListrTask } from "listr2";
import { catalogue, type ToolName } from "./catalogue";
import { resolveTool } from "./resolve";

/** A task that gets one tool, with its progress; the path goes into `tools`. */
export function toolTask(name: ToolName, tools: Partial<Record<ToolName, string>>): ListrTask {
  const version = catalogue.find((tool) => tool.name === name)?.version ?? "";
  return {
    title: `${name} ${version}`,
    task: async (_, task) => {
      const began = Date.now();
      const found = await resolveTool(name, (progress) => {
        task.output = `${Math.round((Date.now() - began) / 1000)} s: ${progress}`;
      });
      tools[name] = found.path;
      task.title = `${name} ${version} (${found.from})`;
    },
  };
}
