import * as assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { endsWithin } from "../processes/identity";
import { resolveTool } from "../tools/resolve";
import { labVariables } from "./protocol/guard";

/** However the engine or the guard ends, and whenever: the provider behind them ends too. */
describe("the guard's provider ends with the guard", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "guard-"));
  const pidFile = path.join(folder, "pid");
  const go = path.join(folder, "go");
  const provider = path.join(folder, "provider.sh");
  let guard = "";

  before(async () => {
    guard = (await resolveTool("pulumi-kubernetes-guard")).path;
    // Says where it listens only when it is told to: the moment before is the one to test.
    fs.writeFileSync(
      provider,
      `#!/bin/sh\necho $$ > ${pidFile}.new && mv ${pidFile}.new ${pidFile}\n` +
        `while [ ! -e ${go} ]; do sleep 0.05; done\necho 9\nexec sleep 120\n`,
      { mode: 0o755 },
    );
  });

  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** A guard whose provider has not said yet where it listens. */
  async function started(): Promise<{ process: ChildProcess; provider: number }> {
    fs.rmSync(pidFile, { force: true });
    fs.rmSync(go, { force: true });
    const process = spawn(guard, [provider], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { PATH: globalThis.process.env["PATH"], [labVariables.server]: "https://127.0.0.1:9" },
    });
    for (let i = 0; i < 200 && !fs.existsSync(pidFile); i++) await sleep(50);
    return { process, provider: Number(fs.readFileSync(pidFile, "utf8")) };
  }

  async function ends(pid: number): Promise<boolean> {
    const ended = await endsWithin(pid, 10);
    if (!ended) process.kill(pid, "SIGKILL");
    return ended;
  }

  const say = (): void => fs.writeFileSync(go, "");
  const engineDies = ({ stdin, stdout }: ChildProcess): void => {
    stdin?.destroy();
    stdout?.destroy();
  };

  const ways: Record<string, (process: ChildProcess) => Promise<void>> = {
    "the engine dies before it has read the port": async (process) => {
      engineDies(process);
      say();
      await sleep(0);
    },
    "the engine dies after it": async (process) => {
      say();
      await new Promise((resolve) => process.stdout?.once("data", resolve));
      engineDies(process);
    },
    "the guard is killed before the provider has a port": async (process) => {
      process.kill("SIGKILL");
      await sleep(0);
    },
    "the guard is killed later": async (process) => {
      say();
      await new Promise((resolve) => process.stdout?.once("data", resolve));
      process.kill("SIGKILL");
    },
  };

  for (const [name, way] of Object.entries(ways))
    test(name, async () => {
      const run = await started();
      await way(run.process);
      assert.ok(await ends(run.provider), "the provider is still there");
      assert.ok(await ends(run.process.pid ?? -1), "the guard is still there");
    });
});
