import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { load } from "js-yaml";
import { minutes, StackLab, weightsOf, type StackUnderTest } from "../end-to-end/stack-lab";
import { projectFolder } from "../../lab/workspace";

/*
 * The rollout command with the real engine: every move, what it refuses, and updates that a policy pack has to pass.
 */

interface ListedUpdate {
  number: number;
  message: string;
}

describe("npm run rollout, in a lab", minutes(30), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  before(async () => {
    lab = await StackLab.start();
    stack = await lab.stack("dev", { weight: 0 });
  }, minutes(3));
  after(async () => lab.stop());

  async function succeeds(...args: string[]): Promise<string> {
    const { status, output } = await stack.rollout(...args);
    assert.equal(status, 0, output);
    return output;
  }

  async function refuses(what: RegExp, ...args: string[]): Promise<void> {
    const { status, output } = await stack.rollout(...args);
    assert.notEqual(status, 0, output);
    assert.match(output, what);
    assert.doesNotMatch(output, /\n\s+at .*:\d+:\d+/, "a stack trace helps nobody");
  }

  const weights = async (): Promise<Record<string, number>> => weightsOf(await lab.route());
  const config = (): Record<string, unknown> =>
    (load(fs.readFileSync(stack.workspace.configFile, "utf8")) as { config: Record<string, unknown> }).config;

  test("next stages a candidate that is not deployed, and then climbs", async () => {
    await succeeds("next", "--yes");
    assert.deepEqual(await weights(), { llm: 100 });
    await succeeds("next", "--yes");
    assert.deepEqual(await weights(), { llm: 90, "llm-new": 10 });
  });

  test("a dry run changes neither cluster nor config", async () => {
    const file = fs.readFileSync(stack.workspace.configFile, "utf8");
    assert.match(await succeeds("next", "--dry-run"), /30/);
    assert.deepEqual(await weights(), { llm: 90, "llm-new": 10 });
    assert.equal(fs.readFileSync(stack.workspace.configFile, "utf8"), file);
  });

  test("status tells where things stand, also to programs", async () => {
    assert.match(await succeeds("status"), /llm-new/);
    const { output, status } = await stack.rollout("status", "--json");
    assert.equal(status, 0, output);
    const found = JSON.parse(output.slice(output.indexOf("{"))) as Record<string, unknown>;
    assert.equal(found["state"], "shifting", output);
  });

  test("verify asks as customers do", async () => {
    const { address } = await stack.pulumi.outputs();
    const at = `${String(address)}:${await lab.lab.boundPort(String(address))}`;
    const options = ["--requests", "300", "--address", at, "--pool-header", "x-served-by-pool"];
    assert.match(await succeeds("verify", "--traffic", ...options), /300/);
  });

  test("verify counts by the pickers where the answers do not name their pool", async () => {
    const { address } = await stack.pulumi.outputs();
    const at = `${String(address)}:${await lab.lab.boundPort(String(address))}`;
    const options = ["--requests", "300", "--address", at, "--pool-header", "x-no-such-header"];
    const text = await succeeds("verify", "--traffic", ...options);
    assert.match(text, /share .*of 3\d\d \(requests that the pickers counted.*expected 10\.0 %.*: right/);
  });

  test("promotion is refused before everything has moved", async () => {
    await refuses(/promotion needs 100/, "promote", "--yes");
    assert.deepEqual(await weights(), { llm: 90, "llm-new": 10 });
  });

  test("a policy pack stops a step that is too large, and the config is taken back", async () => {
    const pack = path.join(lab.lab.folder, "policy");
    fs.cpSync(path.join(projectFolder, "policy"), pack, { recursive: true });
    fs.copyFileSync(path.join(projectFolder, "tsconfig.json"), path.join(lab.lab.folder, "tsconfig.json"));
    execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: pack, stdio: "ignore" });
    const toEighty = ["next", "--to", "80", "--yes", "--policy-pack", pack];
    await refuses(/largest-step|would go from 10 to 80 %/, ...toEighty);
    assert.deepEqual(await weights(), { llm: 90, "llm-new": 10 });
    assert.equal(Number(config()["inference-rollout:weight"]), 10);
    await succeeds("next", "--yes", "--policy-pack", pack);
    assert.deepEqual(await weights(), { llm: 70, "llm-new": 30 });
  });

  test("a rollback is latched until somebody resumes", async () => {
    await succeeds("rollback", "--reason", "worse answers", "--yes");
    assert.deepEqual(await weights(), { llm: 100 });
    await refuses(/worse answers[\s\S]*resume/, "next", "--yes");
    await stack.set("weight", "30");
    assert.match(await stack.refusedUp(), /latched/);
    await stack.set("weight", "0");
    await succeeds("resume", "--reason", "fixed", "--yes");
    await succeeds("next", "--yes");
    assert.deepEqual(await weights(), { llm: 90, "llm-new": 10 });
  });

  test("it goes back to an earlier update of the stack's own history", async () => {
    await succeeds("next", "--to", "60", "--yes");
    assert.match(await succeeds("rollback", "--list"), /from 0 to 10/);
    const { output } = await stack.rollout("rollback", "--list", "--json");
    const updates = JSON.parse(output.slice(output.search(/[[{]/))) as
      ListedUpdate[] | { updates: ListedUpdate[] };
    const earlier = (Array.isArray(updates) ? updates : updates.updates).find(({ message }) =>
      message.includes("from 0 to 10"),
    );
    assert.ok(earlier !== undefined, output);
    await succeeds("rollback", "--to-update", String(earlier.number), "--yes");
    assert.deepEqual(await weights(), { llm: 90, "llm-new": 10 });
  });

  test("promotes, in one change of the config, and takes the service down when told its name", async () => {
    await succeeds("next", "--to", "100", "--yes");
    await succeeds("promote", "--yes");
    assert.deepEqual(await weights(), { "llm-new": 100 });
    assert.equal(config()["inference-rollout:stable"], "llm-new");
    assert.equal(await lab.pool("llm"), undefined);
    await refuses(/llm/, "destroy", "--yes");
    assert.deepEqual(await weights(), { "llm-new": 100 });
    await succeeds("destroy", "--service", "llm", "--yes");
    assert.equal(await lab.route(), undefined);
  });
});
