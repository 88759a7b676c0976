import { watchVariable } from "./variables";
import { spawn, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import * as path from "node:path";

/** How a child ended: its status, or -1 where a signal ended it. */
export type ChildStatus = number;

export interface ChildSpec {
  /** Arguments of Node itself, then the script and its arguments. */
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Where its output goes. */
  output: "inherit" | "pipe";
}

const graceMs = 5000;

/** A Node process that ends with this one. */
export class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<ChildStatus>;

  constructor(spec: ChildSpec) {
    // It lies beside the bundle that runs (launch/build.ts).
    const watch = path.join(path.dirname(process.argv[1] ?? ""), "child-watch.js");
    this.process = spawn(process.execPath, ["-r", watch, ...spec.args], {
      cwd: spec.cwd,
      env: { ...spec.env, [watchVariable]: "3" },
      stdio: ["ignore", spec.output, spec.output, "pipe"],
    });
    this.ended = new Promise((resolve, reject) => {
      this.process.once("error", reject);
      this.process.once("close", (status) => resolve(status ?? -1));
    });
  }

  /** Interrupts it, and kills it when it is still there five seconds later. */
  stop(): void {
    this.process.kill("SIGINT");
    setTimeout(() => this.process.kill("SIGKILL"), graceMs).unref();
  }
}

/** A module as the program in `folder` would load it. @throws Error for users, where it is not installed. */
export function locateModule(module: string, folder: string, install: string): string {
  try {
    return createRequire(path.join(folder, "program.js")).resolve(module);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new Error(`It looks like the Pulumi SDK has not been installed. Have you run ${install}?`, {
      cause: error,
    });
  }
}
