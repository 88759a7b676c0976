import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { Patience } from "../../lab/processes/patience";
import { Command } from "../end-to-end/command";
import type { StackUnderTest } from "../end-to-end/stack-lab";

/** A Pulumi CLI that answers nothing until the test lets it, as with a backend far away. */
export class SlowCli {
  private readonly asked: string;
  private readonly go: string;
  /** In which it is the `pulumi` of the PATH. */
  readonly environment: NodeJS.ProcessEnv;

  /** @param folder for its files. */
  constructor(
    private readonly stack: StackUnderTest,
    folder: string,
  ) {
    fs.mkdirSync(folder);
    [this.asked, this.go] = [path.join(folder, "asked"), path.join(folder, "go")];
    const environment = { ...process.env, ...stack.pulumi.environment };
    const real = (environment.PATH ?? "")
      .split(":")
      .map((one) => path.join(one, "pulumi"))
      .find((file) => fs.existsSync(file));
    const script = `#!/bin/sh\necho "$@" >> ${this.asked}\nwhile [ ! -e ${this.go} ]; do sleep 0.05; done\nexec ${real ?? "pulumi"} "$@"\n`;
    fs.writeFileSync(path.join(folder, "pulumi"), script, { mode: 0o755 });
    this.environment = { ...environment, PATH: `${folder}:${environment.PATH ?? ""}` };
  }

  /** A rollback, while the CLI answers nothing yet. */
  rollback(): Command {
    for (const file of [this.asked, this.go]) fs.rmSync(file, { force: true });
    const main = path.join(__dirname, "..", "..", "start", "rollout.js");
    const args = ["rollback", "--yes", "--reason", "worse answers"];
    return new Command(main, args, this.environment, this.stack.workspace.folder);
  }

  /** Lets it answer from now on. */
  answers(): void {
    fs.writeFileSync(this.go, "");
  }

  async isAsked(command: Command): Promise<void> {
    await this.until(command, "the CLI was not asked", () => fs.existsSync(this.asked));
  }

  async until(command: Command, not: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const patience = new Patience(60);
    while (!(await holds())) assert.ok(await patience.pause(50), `${not} after a minute:\n${command.output}`);
  }
}
