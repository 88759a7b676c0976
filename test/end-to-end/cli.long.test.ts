import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, describe, test } from "node:test";
import { projectFolder } from "../../lab/workspace";
import { allGone, Command, processesOf } from "./command";
import { minutes } from "./stack-lab";

const program = "lab/cli.ts";
const name = `test-${process.pid}`;
const folder = path.join(projectFolder, "out", "lab", name);

async function lab(...args: string[]): Promise<{ status: number; output: string }> {
  const env = { ...process.env, PULUMI_BACKEND_URL: "file:///nowhere", GOOGLE_PROJECT: "somebody-elses" };
  const command = new Command(program, ["--name", name, ...args], env);
  const status = await command.ended;
  return { status, output: command.output };
}

describe("npm run lab", minutes(6), () => {
  after(async () => {
    await lab("down");
    fs.rmSync(folder, { recursive: true, force: true });
    fs.rmSync(`${folder}.log`, { force: true });
  });

  test("without a lab: status and exec say how to start one", async () => {
    for (const args of [["status"], ["exec", "--", "pulumi", "up"]]) {
      const { status, output } = await lab(...args);
      assert.equal(status, 1);
      assert.match(output, /npm run lab -- --name test-\d+ up/);
    }
  });

  test("up, and exec runs what a person types in the lab's own Pulumi, whatever theirs is", async () => {
    const up = await lab("up");
    assert.equal(up.status, 0, up.output);
    const { status, output } = await lab("exec", "--", "pulumi", "config", "set", "weight", "30");
    assert.equal(status, 0, output);
    const shown = await lab("exec", "--", "pulumi", "config", "get", "weight");
    assert.equal(shown.output.trim(), "30");
    const env = await lab("exec", "--", "env");
    assert.match(env.output, new RegExp(`PULUMI_BACKEND_URL=file://${folder}`));
    assert.doesNotMatch(env.output, /GOOGLE_PROJECT/);
  });

  test("the checkout's own config is not touched, and the exit status is the command's", async () => {
    const changed = execFileSync("git", ["status", "--porcelain", "--", "Pulumi.dev.yaml"], {
      cwd: projectFolder,
      encoding: "utf8",
    });
    assert.equal(changed, "");
    assert.equal((await lab("exec", "--", "sh", "-c", "exit 7")).status, 7);
  });

  test("status tells where things are, also as JSON; a second up changes nothing", async () => {
    const state = JSON.parse((await lab("status", "--json")).output) as Record<string, unknown>;
    assert.equal(state["running"], true);
    assert.match(String(state["server"]), /^https:\/\/127\./);
    assert.match((await lab("up")).output, /The lab is already running/);
  });

  test("after a kill nothing is left, and up works again", async () => {
    const { pid } = JSON.parse((await lab("status", "--json")).output) as { pid: number };
    process.kill(pid, "SIGKILL");
    await allGone(folder);
    assert.equal((await lab("status")).status, 1);
    const up = await lab("up");
    assert.equal(up.status, 0, up.output);
  });

  test("down leaves no process", async () => {
    assert.ok(processesOf(folder).length > 5);
    assert.equal((await lab("down")).status, 0);
    await allGone(folder);
    assert.match((await lab("down")).output, /No lab is running/);
  });

  test("a part that dies is named by status, with the end of its log", async () => {
    assert.equal((await lab("up")).status, 0);
    const envoy = processesOf(folder).find(({ command }) => /\/envoy /.test(command));
    process.kill(envoy?.pid ?? 0, "SIGKILL");
    await allGone(folder);
    const { output } = await lab("status");
    assert.match(output, /gateway[^]*[Ee]nvoy[^]*SIGKILL/);
  });
});
