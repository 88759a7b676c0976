import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { PassThrough } from "node:stream";
import { after, before, describe, it } from "node:test";
import { Session } from "../../rollout/commands/session";
import { Screen } from "../../rollout/terminal/screen";
import { askEarly } from "../../rollout/early";
import { configOf, Engine, outputsOf } from "../../rollout/pulumi/pulumi-engine";
import { OwnGroupCommand, PulumiFailed } from "../../rollout/pulumi/pulumi-command";

/* What a rollback asks of the CLI before it is loaded: the same questions in the same words, or nobody uses the answers. */

describe("a rollback's first questions", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "early-"));
  const asked = path.join(folder, "asked");
  const pathBefore = process.env["PATH"];

  /** A CLI that notes how it was called. @param status what it ends with. */
  const cli = (status: number): void =>
    fs.writeFileSync(
      path.join(folder, "pulumi"),
      `#!/bin/sh\necho "$@" >> ${asked}\ncase "$*" in *--show-name*) echo dev;; *) echo '{}';; esac\nexit ${status}\n`,
      { mode: 0o755 },
    );
  const calls = (): string[] => fs.readFileSync(asked, "utf8").trim().split("\n").sort();

  before(() => {
    process.env["PATH"] = `${folder}:${pathBefore ?? ""}`;
    fs.writeFileSync(path.join(folder, "Pulumi.yaml"), "name: inference-rollout\nruntime: nodejs\n");
    fs.writeFileSync(path.join(folder, "Pulumi.dev.yaml"), "config: {}\n");
  });
  after(() => {
    process.env["PATH"] = pathBefore;
    fs.rmSync(folder, { recursive: true, force: true });
  });

  for (const [how, words, stack] of [
    ["of the selected stack", [], undefined],
    ["of a named one", ["--stack", "dev"], "dev"],
    ["of a named one, in one word", ["--stack=dev"], "dev"],
  ] as const) {
    it(`are asked once ${how}, and what is asked again is asked anew`, async () => {
      fs.rmSync(asked, { force: true });
      cli(0);
      const command = new OwnGroupCommand(askEarly(words, folder));
      const once = async (): Promise<void> => {
        const [outputs, config] = [outputsOf(command, folder, stack), configOf(command, folder, stack)];
        const engine = await Engine.open(folder, stack, command);
        assert.deepEqual(await outputs, {});
        assert.deepEqual(await engine.values(undefined, config), {});
      };
      await once();
      const first = calls();
      assert.equal(first.length, stack === undefined ? 3 : 2, first.join("\n"));
      await once();
      assert.deepEqual(calls(), [...first, ...first].sort());
    });
  }

  it("are one question where nobody is asked for consent: the files say the rest, and the CLI confirms it", async () => {
    cli(0);
    const words = ["--stack", "dev", "--yes"];
    const screen = new Screen(true, "dev", process.stdin, new PassThrough() as never);
    const before = process.cwd();
    process.chdir(folder);
    try {
      fs.rmSync(asked, { force: true });
      const session = await Session.openQuickly(screen, { stack: "dev" }, askEarly(words, folder));
      assert.deepEqual(session.values, {});
      assert.equal(calls().length, 1, calls().join("\n"));
      assert.equal(await session.confirmed(), true);
      assert.equal(calls().length, 2, calls().join("\n"));
      assert.equal(await session.confirmed(), true, "once is enough");
      assert.equal(calls().length, 2, calls().join("\n"));
      fs.writeFileSync(path.join(folder, "Pulumi.dev.yaml"), "config: { inference-rollout:weight: 5 }\n");
      const other = await Session.openQuickly(screen, { stack: "dev" });
      assert.deepEqual(other.values, { "inference-rollout:weight": { secret: false, value: "5" } });
      assert.equal(await other.confirmed(), false);
      assert.deepEqual(other.values, {}, "what the CLI says");
    } finally {
      process.chdir(before);
      fs.writeFileSync(path.join(folder, "Pulumi.dev.yaml"), "config: {}\n");
    }
  });

  it("fail as the same question asked later does", async () => {
    cli(1);
    const command = new OwnGroupCommand(askEarly([], folder));
    await assert.rejects(configOf(command, folder), PulumiFailed);
    await assert.rejects(outputsOf(command, folder), PulumiFailed);
  });

  it("are not asked for a help text", () => assert.equal(askEarly(["--help"], folder).size, 0));
});
