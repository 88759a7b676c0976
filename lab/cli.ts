import { fork, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { Listr } from "listr2";
import { stateFile, type DaemonOptions, type FromDaemon, type LabState } from "./daemon";
import { labEnvironment } from "./plugins/install";
import { isAlive } from "./processes/identity";
import { rehearsalTools, type ToolName } from "./tools/catalogue";
import { announcement, toolTasks } from "./tools/tasks";
import { projectFolder } from "./workspace";
import { typescript } from "./processes/typescript";

/** `npm run lab -- up | down | status | exec -- COMMAND`: the rehearsal cluster by itself. */
async function main(): Promise<void> {
  const program = new Command("npm run lab --")
    .description(
      "Runs a rehearsal cluster on this machine, in which `pulumi up` works as it does against GKE.",
    )
    .enablePositionalOptions()
    .addOption(
      new Option("--name <name>", "name of the lab, to run several side by side").default("default"),
    );
  const folder = (): string => path.join(projectFolder, "out", "lab", program.opts<{ name: string }>().name);

  program
    .command("up")
    .description("start a lab with a workspace for one stack")
    .addOption(new Option("--stack <name>", "the stack whose config the workspace copies").default("dev"))
    .action(async ({ stack }: { stack: string }) => up(folder(), stack));
  program
    .command("down")
    .description("stop the lab and remove everything it started")
    .action(() => down(folder()));
  program
    .command("status")
    .description("show what runs, and where")
    .option("--json", "print the status as JSON")
    .action(({ json }: { json?: boolean }) => status(folder(), json ?? false));
  program
    .command("exec")
    .description("run a command with the lab's environment, in its workspace: pulumi up, kubectl get pods")
    .argument("<command...>")
    .allowUnknownOption()
    .passThroughOptions()
    .action((command: string[]) => exec(folder(), command));
  await program.parseAsync(process.argv);
}

/** The command of this very lab, as it is typed. */
function labCommand(folder: string): string {
  const name = path.basename(folder);
  return `npm run lab --${name === "default" ? "" : ` --name ${name}`}`;
}

/** The state of a running lab; undefined where there is none. */
function running(folder: string): LabState | undefined {
  try {
    const state = JSON.parse(fs.readFileSync(stateFile(folder), "utf8")) as LabState;
    return isAlive(state.pid, state.started) ? state : undefined;
  } catch {
    return undefined;
  }
}

async function up(folder: string, stack: string): Promise<void> {
  const already = running(folder);
  if (already !== undefined) {
    console.log(`The lab is already running (process ${already.pid}).`);
    return;
  }
  const first = await announcement(rehearsalTools);
  if (first !== undefined) console.log(first);
  const tools: Partial<Record<ToolName, string>> = {};
  await new Listr(
    [
      {
        title: "Tools",
        task: (_, task) => task.newListr(toolTasks(rehearsalTools, tools), { concurrent: true }),
      },
      {
        title: "Lab",
        task: async (_, task) => {
          await startDaemon({ folder, stack, tools: tools as Record<ToolName, string> }, (progress) => {
            task.output = progress;
          });
        },
      },
    ],
    { fallbackRenderer: "simple", registerSignalListeners: false },
  ).run();
  const lab = labCommand(folder);
  console.log(`\nThe lab is up. For example:\n  ${lab} exec -- pulumi up\n  ${lab} down`);
}

function startDaemon(options: DaemonOptions, report: (progress: string) => void): Promise<void> {
  fs.mkdirSync(options.folder, { recursive: true });
  const out = fs.openSync(
    path.join(path.dirname(options.folder), `${path.basename(options.folder)}.log`),
    "w",
  );
  const child = fork(path.join(__dirname, "daemon.ts"), [JSON.stringify(options)], {
    cwd: projectFolder,
    execArgv: typescript,
    detached: true,
    stdio: ["ignore", out, out, "ipc"],
  });
  return new Promise((resolve, reject) => {
    child.on("message", (message: FromDaemon) => {
      if ("progress" in message) report(message.progress);
      else if ("failed" in message) reject(new Error(message.failed));
      else {
        child.unref();
        resolve();
      }
    });
    child.on("exit", (status) =>
      reject(new Error(`the lab exited with status ${status ?? "none"} during startup`)),
    );
    // Ctrl-C: closing the channel tells the lab to go.
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        child.disconnect();
        reject(new Error(`interrupted by ${signal}; stopping the lab`));
      });
    }
  });
}

async function down(folder: string): Promise<void> {
  const state = running(folder);
  if (state === undefined) {
    console.log("No lab is running.");
    return;
  }
  process.kill(state.pid, "SIGTERM");
  const deadline = performance.now() + 60_000;
  while (isAlive(state.pid, state.started)) {
    // Its keeper ends what it leaves behind.
    if (performance.now() > deadline) process.kill(state.pid, "SIGKILL");
    await sleep(100);
  }
  console.log("The lab is stopped.");
}

function status(folder: string, json: boolean): void {
  const state = running(folder);
  if (json) {
    console.log(
      JSON.stringify(state === undefined ? { running: false } : { running: true, ...state }, undefined, 2),
    );
  } else if (state === undefined) {
    console.log(`No lab is running. To start one: ${labCommand(folder)} up`);
  } else {
    const { pid, server, kubeconfig, workspace, logs, stack } = state;
    for (const [name, value] of Object.entries({ pid, stack, server, kubeconfig, workspace, logs })) {
      console.log(`${name.padEnd(12)}${value}`);
    }
  }
  const death = path.join(folder, "death.log");
  if (state === undefined && fs.existsSync(death))
    console.log(`The last lab stopped unexpectedly:\n${fs.readFileSync(death, "utf8")}`);
  process.exitCode = state === undefined ? 1 : 0;
}

async function exec(folder: string, [command, ...args]: string[]): Promise<void> {
  const state = running(folder);
  if (state === undefined || command === undefined) {
    throw new Error(`No lab is running. To start one: ${labCommand(folder)} up`);
  }
  const { LAB_BIN: bin = "", ...environment } = state.environment;
  const child = spawn(command, args, {
    cwd: state.workspace,
    env: labEnvironment(environment, bin, process.env),
    stdio: "inherit",
  });
  // The terminal sends Ctrl-C to the command itself; it decides what to do with it. SIGTERM comes to us alone.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`could not run ${command}: ${error.message}`)));
    child.once("exit", (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
