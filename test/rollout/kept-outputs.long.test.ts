import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../rollout/traffic/client";
import {
  keepOutputs,
  keptOutputs,
  type KeptOutputs,
  type KeptPlatform,
} from "../../stacks/state/kept-outputs";
import type { Command } from "../end-to-end/command";
import { minutes, StackLab, weightsOf, type StackUnderTest } from "../end-to-end/stack-lab";
import { ServiceUnderLoad } from "../faults/service-under-load";
import { SlowCli } from "./slow-cli";

function keptOf({ workspace }: StackUnderTest, name: string, env: NodeJS.ProcessEnv): KeptOutputs {
  const found = keptOutputs(workspace.folder, name, env);
  assert.ok(found !== undefined, "nothing was kept");
  return found;
}

const candidatesOf = async (lab: StackLab): Promise<number> => weightsOf(await lab.route())["llm-new"] ?? 0;

/* `rollback --yes` with what the last update left on this machine, while the CLI takes its time. */
describe("a rollback that does not wait for the backend", minutes(25), () => {
  let service: ServiceUnderLoad;
  let cli: SlowCli;
  before(async () => {
    service = await ServiceUnderLoad.start({ weight: 60 });
    cli = new SlowCli(service.stack, path.join(service.lab.lab.folder, "slow-cli"));
  }, minutes(10));
  after(async () => {
    cli.answers();
    await service.stop();
  });

  const folder = (): string => service.stack.workspace.folder;
  const kept = (): KeptOutputs => keptOf(service.stack, "dev", cli.environment);
  const candidates = (): Promise<number> => candidatesOf(service.lab);

  const isBack = (command: Command): Promise<void> =>
    cli.until(command, "not back", async () => (await candidates()) === 0);

  async function answered(command: Command): Promise<void> {
    cli.answers();
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
    const command = cli.rollback();
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
    keepOutputs(folder(), "dev", change(kept()), { env: cli.environment });
    const command = cli.rollback();
    await cli.isAsked(command);
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
    keepOutputs(folder(), "dev", { ...kept(), notes: ["of another update"] }, { env: cli.environment });
    const command = cli.rollback();
    await isBack(command);
    await answered(command);
    assert.match(command.output, /deciding again/);
    await again();
    await service.nothingFailed(from);
  });

  test("decides again where the config was changed meanwhile, and puts the roles back", async () => {
    const from = now();
    const command = cli.rollback();
    await isBack(command);
    await service.stack.set("candidate", "");
    await answered(command);
    assert.match(command.output, /The live route sends all traffic to llm[^]*deciding again/);
    // The config has a mistake now; the rollback that repairs it does not wait for Pulumi because of that.
    assert.match(command.output, /deciding again[^]*llm-new already has no traffic; pulumi up records it/);
    await again();
    await service.nothingFailed(from);
  });

  test("writes the route while the backend is gone, says what was done, and what is to do", async () => {
    const from = now();
    const command = await service.withoutBackend(async () => {
      const begun = cli.rollback();
      cli.answers();
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

/* The same for a service whose cluster is another stack's: what it needs of that one's outputs is kept too. */
describe("a rollback of a service on another stack's platform", minutes(15), () => {
  const platformName = "organization/inference-rollout/platform";
  let lab: StackLab;
  let platform: StackUnderTest;
  let service: StackUnderTest;
  let cli: SlowCli;
  before(async () => {
    lab = await StackLab.start();
    platform = await lab.platform();
    await platform.up();
    service = await lab.stack("service", { role: "service", platform: platformName, weight: 60 });
    await service.up();
    cli = new SlowCli(service, path.join(lab.lab.folder, "slow-cli"));
  }, minutes(10));
  after(async () => {
    cli.answers();
    await lab.stop();
  });

  const kept = (): KeptOutputs => keptOf(service, "service", cli.environment);

  async function isDone(again: boolean): Promise<void> {
    const command = cli.rollback();
    await cli.until(command, "not back", async () => (await candidatesOf(lab)) === 0);
    cli.answers();
    assert.equal(await command.ended, 0, command.output);
    assert.match(command.output, /The live route sends all traffic to llm; pulumi up records it/);
    assert.equal(/deciding again/.test(command.output), again, command.output);
    for (const args of [
      ["resume", "--reason", "fixed"],
      ["next", "--to", "60"],
    ]) {
      const { status, output } = await service.rollout(...args, "--yes");
      assert.equal(status, 0, output);
    }
  }

  test("keeps of the platform how to reach its cluster, as the CLI says it", async () => {
    const [theirs, found] = [await platform.pulumi.outputs(), kept()];
    const { stack, kubeconfig, gateway } = found["platform"] as KeptPlatform;
    assert.deepEqual([stack, kubeconfig], [platformName, theirs["kubeconfig"]]);
    const { name } = gateway as { name?: unknown };
    assert.equal(name, (theirs["gateway"] as { name: string }).name);
  });

  test("writes the route before the CLI has said anything, and goes on when it does", () => isDone(false));

  test("knows the same after a command as after an update", () => isDone(false));

  test("decides again where the platform's stack says something else", async () => {
    const found = kept();
    const of = found["platform"] as KeptPlatform & { gateway: object };
    const platform = { ...of, gateway: { ...of.gateway, port: 8081 } };
    keepOutputs(service.workspace.folder, "service", found, { platform, env: cli.environment });
    await isDone(true);
  });
});
