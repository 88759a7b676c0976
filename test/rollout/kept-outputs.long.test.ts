import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../rollout/traffic/client";
import { keepOutputs, keptOutputs, type KeptOutputs } from "../../stacks/state/kept-outputs";
import { Command } from "../end-to-end/command";
import { minutes, weightsOf } from "../end-to-end/stack-lab";
import { ServiceUnderLoad } from "../faults/service-under-load";

/* `rollback --yes` with what the last update left on this machine, while the CLI takes its time. */
describe("a rollback that does not wait for the backend", minutes(25), () => {
  let service: ServiceUnderLoad;
  let asked: string;
  let go: string;
  let slow: NodeJS.ProcessEnv;
  before(async () => {
    service = await ServiceUnderLoad.start({ weight: 60 });
    const folder = path.join(service.lab.lab.folder, "slow-cli");
    fs.mkdirSync(folder);
    [asked, go] = [path.join(folder, "asked"), path.join(folder, "go")];
    const environment = { ...process.env, ...service.stack.pulumi.environment };
    const real = (environment.PATH ?? "")
      .split(":")
      .map((one) => path.join(one, "pulumi"))
      .find((file) => fs.existsSync(file));
    const script = `#!/bin/sh\necho "$@" >> ${asked}\nwhile [ ! -e ${go} ]; do sleep 0.05; done\nexec ${real ?? "pulumi"} "$@"\n`;
    fs.writeFileSync(path.join(folder, "pulumi"), script, { mode: 0o755 });
    slow = { ...environment, PATH: `${folder}:${environment.PATH ?? ""}` };
  }, minutes(10));
  after(async () => {
    fs.writeFileSync(go, "");
    await service.stop();
  });

  const folder = (): string => service.stack.workspace.folder;
  const kept = (): KeptOutputs => {
    const found = keptOutputs(folder(), "dev", slow);
    assert.ok(found !== undefined, "nothing was kept");
    return found;
  };
  const candidates = async (): Promise<number> => weightsOf(await service.lab.route())["llm-new"] ?? 0;

  /** The command with a CLI that answers nothing yet. */
  function begin(): Command {
    for (const file of [asked, go]) fs.rmSync(file, { force: true });
    const main = path.join(__dirname, "..", "..", "start", "rollout.js");
    return new Command(main, ["rollback", "--yes", "--reason", "worse answers"], slow, folder());
  }

  async function isBack(command: Command): Promise<void> {
    for (const until = now() + 60_000; (await candidates()) > 0;) {
      assert.ok(now() < until, `not back after a minute:\n${command.output}`);
      await sleep(50);
    }
  }

  async function answered(command: Command): Promise<void> {
    fs.writeFileSync(go, "");
    assert.equal(await command.ended, 0, command.output);
    assert.equal(await candidates(), 0);
  }

  async function again(): Promise<void> {
    for (const args of [
      ["resume", "--reason", "fixed"],
      ["next", "--to", "60"],
    ]) {
      const { status, output } = await service.stack.rollout(...args, "--yes");
      assert.equal(status, 0, output);
    }
    await service.weights(60);
  }

  test("keeps of an update what the CLI says of it, and no secret", async () => {
    const outputs = await service.stack.pulumi.outputs();
    const found = kept();
    for (const [name, value] of Object.entries(found)) assert.deepEqual(value, outputs[name], name);
    assert.ok("deployed" in found && "owner" in found && "kubeconfig" in found);
    assert.ok(!JSON.stringify(found).includes(String(outputs["previewSecret"])));
  });

  test("writes the route before the CLI has said anything, and goes on when it does", async () => {
    const from = now();
    const command = begin();
    await isBack(command);
    assert.doesNotMatch(command.output, /deciding again/);
    await answered(command);
    assert.match(command.output, /The live route sends all traffic to llm; pulumi up records it/);
    assert.doesNotMatch(command.output, /deciding again/);
    await again();
    await service.nothingFailed(from);
  });

  const waits = async (change: (found: KeptOutputs) => KeptOutputs): Promise<void> => {
    const from = now();
    keepOutputs(folder(), "dev", change(kept()), slow);
    const command = begin();
    for (const until = now() + 60_000; !fs.existsSync(asked);) {
      assert.ok(now() < until, `the CLI was not asked:\n${command.output}`);
      await sleep(50);
    }
    await sleep(2000);
    assert.equal(await candidates(), 60, "it went by what was kept");
    await answered(command);
    await again();
    await service.nothingFailed(from);
  };

  test("waits for the CLI where the live route was written since", () =>
    waits((found) => {
      const deployed = { ...(found["deployed"] as object), weights: { llm: 70, "llm-new": 30 } };
      return { ...found, deployed };
    }));

  test("waits for the CLI where the live route is another stack's", () =>
    waits((found) => ({ ...found, owner: "somebody-else" })));

  test("decides again where the CLI knows more", async () => {
    const from = now();
    keepOutputs(folder(), "dev", { ...kept(), notes: ["of another update"] }, slow);
    const command = begin();
    await isBack(command);
    await answered(command);
    assert.match(command.output, /deciding again/);
    await again();
    await service.nothingFailed(from);
  });

  test("writes the route while the backend is gone, says what was done, and what is to do", async () => {
    const from = now();
    const command = await service.withoutBackend(async () => {
      const begun = begin();
      fs.writeFileSync(go, "");
      await begun.ended;
      return begun;
    });
    const status = await command.ended;
    assert.notEqual(status, 0, command.output);
    assert.match(command.output, /The live route sends all traffic to llm/);
    assert.equal(await candidates(), 0);
    const recorded = await service.stack.rollout("rollback", "--yes");
    assert.equal(recorded.status, 0, recorded.output);
    await service.nothingFailed(from);
  });
});
