import * as fs from "node:fs";
import * as path from "node:path";
import { Command, Option } from "commander";
import { Listr, type ListrTask } from "listr2";
import { WholeLab } from "../lab";
import { Pulumi } from "../pulumi";
import { rehearsalTools, type ToolName } from "../tools/catalogue";
import { toolNamed } from "../tools/resolve";
import { announcement, toolTasks } from "../tools/tasks";
import { layOutWorkspace, projectFolder, type Workspace } from "../workspace";
import { splitChart, splitSeries } from "./chart";
import { html } from "./html";
import { kinds, rehearsalOf, type Rehearsal } from "./kinds";
import { ownCase } from "./own-case";
import { rehearse, type Rehearsed } from "./rehearse";
import { summary, table } from "./table";

interface Flags {
  kind?: (typeof kinds)[number];
  stack: string;
  requests: string;
  streams: string;
  out: string;
}

/** `npm start`: rehearse a whole rollout on this machine, and say what the customers saw. */
async function main(): Promise<void> {
  const program = new Command("npm start --")
    .description(
      "Rehearses a rollout under traffic on this machine, with a real Pulumi engine, API server, pickers and Envoy.",
    )
    .addOption(new Option("--stack <name>", "the stack or config file to rehearse").default("dev"))
    .addOption(
      new Option("--kind <kind>", "rehearse a rollout of this kind with a built-in config")
        .choices(kinds)
        .conflicts("stack"),
    )
    .addOption(new Option("--requests <n>", "number of requests that decide each split").default("600"))
    .addOption(new Option("--streams <n>", "minimum number of streams in each stage").default("60"))
    .addOption(new Option("--out <folder>", "folder for the report").default(path.join("out", "rehearsal")))
    .parse(process.argv);
  const flags = program.opts<Flags>();
  const output = path.resolve(projectFolder, flags.out);
  const abort = new AbortController();
  let lab: WholeLab | undefined;
  const leave = (why: string): void => abort.abort(new Error(why));
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => leave(`interrupted by ${signal}`));

  const rehearsal =
    flags.kind === undefined || flags.kind === "node-update" ? ownCase(flags.stack) : rehearsalOf(flags.kind);
  const { steps, between } = rehearsal;
  const tools: Partial<Record<ToolName, string>> = {};
  let workspace: Workspace | undefined;
  let result: Rehearsed | undefined;
  let failure: unknown;
  const waiting = new Map(steps.map((step) => [step.name, deferred()]));

  const first = await announcement(rehearsalTools);
  if (first !== undefined) console.log(`${first}\nAfter that, the rehearsal takes about 4 min.\n`);
  const tasks = new Listr<object>(
    [
      {
        title: "Tools",
        task: (_, task) =>
          task.newListr(toolTasks(rehearsalTools, tools, abort.signal), { concurrent: true }),
      },
      {
        title: "Lab",
        task: async (_, task) => {
          abort.signal.throwIfAborted();
          lab = await WholeLab.start({
            folder: path.join(output, "lab"),
            tools: tools as Record<ToolName, string>,
            restartContainers: false,
            report: (what) => (task.output = what),
          });
          void lab.supervisor.firstDeath.then((death) => abort.abort(death));
          workspace = layOutWorkspace(
            path.join(output, "workspace"),
            flags.kind === undefined ? flags.stack : "dev",
            {
              ...lab.stackConfig(),
              ...rehearsal.changes,
            },
          );
          await new Pulumi(workspace, lab.plugins.environment(), abort.signal).initStack();
        },
      },
      {
        title: `Rollout (${rehearsal.kind}) from ${between.stable} to ${between.candidate}`,
        task: (_, task) => {
          const stages: ListrTask[] = steps.map((step) => ({
            title: step.name,
            task: (__, stage) => {
              const entry = waiting.get(step.name);
              entry?.onOutput((text) => (stage.output = text));
              return entry?.promise;
            },
          }));
          const running = rehearse({
            lab: lab!,
            workspace: workspace!,
            rehearsal,
            sample: { requests: Number(flags.requests), streams: Number(flags.streams) },
            versions: versions(),
            signal: abort.signal,
            onStep: (step, event) => {
              const entry = waiting.get(step.name);
              if ("doing" in event) entry?.output(event.doing);
              else entry?.resolve();
            },
          });
          const failed = (error: unknown): void => {
            // Told in full once, at the end: every stage that waits fails with it.
            failure ??= error;
            for (const entry of waiting.values()) entry.reject(new Error(firstLine(error)));
          };
          running.then((done) => (result = done), failed);
          abort.signal.addEventListener("abort", () => failed(abort.signal.reason), { once: true });
          return task.newListr([
            ...stages,
            {
              title: "last streams",
              task: () =>
                running
                  .then(() => undefined)
                  .catch((error: unknown) => Promise.reject(new Error(firstLine(error)))),
            },
          ]);
        },
      },
    ],
    {
      rendererOptions: { collapseSubtasks: false, collapseErrors: false },
      fallbackRenderer: "simple",
      registerSignalListeners: false,
    },
  );
  try {
    await tasks.run();
  } catch (error) {
    throw failure ?? error;
  } finally {
    await lab?.stop();
  }
  if (result === undefined) throw new Error("the rehearsal ended without a result");
  finish(result, path.relative(process.cwd(), output), rehearsal);
}

function finish(
  { report, outcomes, marks }: Rehearsed,
  output: string,
  { measure, steps, between }: Rehearsal,
): void {
  const [first] = steps;
  const series = first === undefined ? undefined : splitSeries(outcomes, measure(first)[0]);
  const chart = series === undefined ? undefined : splitChart(series, marks, between);
  fs.writeFileSync(path.join(output, "report.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  fs.writeFileSync(path.join(output, "report.html"), html(report, chart));
  if (chart !== undefined) fs.writeFileSync(path.join(output, "split.svg"), chart);
  console.log(`\n${table(report)}\n`);
  for (const line of summary(report)) console.log(line);
  console.log(`\n${path.join(output, "report.html")} and report.json contain the details.`);
  process.exitCode = report.ok ? 0 : 1;
}

function versions(): Record<string, string> {
  // The provider's is among the report's parts: a built one is not quite the version that it stands for.
  const tools = rehearsalTools
    .filter((name) => !name.startsWith("pulumi-"))
    .map((name) => [name, toolNamed(name).version]);
  return { node: process.versions.node, ...(Object.fromEntries(tools) as Record<string, string>) };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}

main().catch((error: unknown) => {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});

/** A promise that somebody else settles, and that says meanwhile what is being done. */
export interface Deferred {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
  output: (text: string) => void;
  onOutput: (listener: (text: string) => void) => void;
}

export function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  let listener: (text: string) => void = () => undefined;
  const promise = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  // Whoever waits sees it; nobody waiting is no crash.
  promise.catch(() => undefined);
  return { promise, resolve, reject, output: (text) => listener(text), onOutput: (to) => (listener = to) };
}
