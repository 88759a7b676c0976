import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { Command } from "../end-to-end/command";
import { minutes } from "../end-to-end/stack-lab";
import { now } from "../../rollout/traffic/client";
import { ServiceUnderLoad } from "./service-under-load";

/** The way back with nothing but a kubeconfig, while customers are connected and something else is broken. */
describe("npm run rollout -- rollback --now", minutes(25), () => {
  let service: ServiceUnderLoad;
  before(async () => {
    service = await ServiceUnderLoad.start({ weight: 60 });
  }, minutes(10));
  after(async () => service.stop());

  /** Nothing of Pulumi's is in its environment, and no pulumi on the PATH. */
  async function rollBack(...args: string[]): Promise<{ status: number; output: string }> {
    const { kubeconfig } = service.lab.lab.controlPlane;
    const env = { PATH: path.dirname(process.execPath), HOME: "/nonexistent" };
    const command = new Command(
      "start/rollout.js",
      ["rollback", "--now", "--kubeconfig", kubeconfig, "--reason", "worse answers", ...args],
      env,
    );
    return { status: await command.ended, output: command.output };
  }

  /** Seconds from the command's start to the last request that began on the candidate. */
  async function lateness(began: number): Promise<number> {
    await service.wait(3);
    const late = service.traffic
      .startedBetween(began)
      .filter(({ pool }) => pool === "llm-new")
      .reduce((latest, { startedAt }) => Math.max(latest, startedAt), began);
    return (late - began) / 1000;
  }

  async function goesBack(what: string): Promise<void> {
    await service.weights(60);
    const began = now();
    const { status, output } = await rollBack();
    assert.equal(status, 0, output);
    const seconds = await lateness(began);
    await service.weights(0);
    console.log(
      `${what}: ${output.split("\n")[0] ?? ""} Last request on the candidate after ${seconds.toFixed(2)} s.`,
    );
  }

  /** The candidate back at 60 %, as a person does it. */
  async function again(): Promise<void> {
    for (const args of [
      ["rollback", "--yes"],
      ["resume", "--reason", "fixed", "--yes"],
      ["next", "--to", "60", "--yes"],
    ]) {
      const { status, output } = await service.stack.rollout(...args);
      assert.equal(status, 0, output);
    }
    await service.weights(60);
  }

  test("says what it would do, and does nothing", async () => {
    const { status, output } = await rollBack("--dry-run");
    assert.equal(status, 0, output);
    assert.match(output, /Would send all traffic to llm \(\d+ of \d+ pods ready\); llm-new now has 60 %/);
    await service.weights(60);
  });

  test("is over at once, and nothing that comes later moves traffic back", async () => {
    const from = now();
    await goesBack("all is well");
    const stack = service.stack;
    const later: [string, () => Promise<string>][] = [
      ["pulumi up of the config as it is", () => stack.refusedUp()],
      [
        "pulumi up --refresh",
        async () => (await stack.pulumi.attempt(["up", "--yes", "--skip-preview", "--refresh"])).output,
      ],
      [
        "pulumi refresh, and pulumi up",
        async () => {
          await stack.pulumi.run(["refresh", "--yes", "--skip-preview"]);
          return stack.refusedUp();
        },
      ],
      [
        "a CI run of an older config",
        async () => {
          await stack.set("weight", "30");
          return stack.refusedUp();
        },
      ],
      [
        "an update that resumes nothing and promotes",
        async () => {
          await stack.set("weight", "100");
          return stack.refusedUp();
        },
      ],
    ];
    for (const [what, update] of later) {
      const output = await update();
      assert.match(output, /latched[^]*llm-new was rolled back from 60 %[^]*worse answers/, what);
      await service.weights(0);
    }
    // Pulumi records it; from then on there is nothing to do.
    const recorded = await stack.rollout("rollback", "--yes");
    assert.equal(recorded.status, 0, recorded.output);
    assert.match(recorded.output, /llm-new already has no traffic; pulumi up records it/);
    assert.match(await stack.up(), /\d+ unchanged/);
    const outputs = await stack.pulumi.outputs();
    assert.deepEqual(outputs["weights"], { llm: 100 });
    await again();
    await service.nothingFailed(from);
  });

  test("works while the backend's folder is gone, and pulumi records it once it is there again", async () => {
    const from = now();
    await service.withoutBackend(() => goesBack("backend gone"));
    await again();
    await service.nothingFailed(from);
  });

  test("works while an update holds the lock and is about to send the candidate more", async () => {
    const from = now();
    // The gate waits for one server that still answers: long enough to go back while the update is under way.
    const [server] = await service.servers("llm-new");
    assert.ok(server !== undefined);
    await service.fault(server, "unready");
    await sleep(15_000);
    await service.stack.set("weight", "100");
    const update = service.update();
    await update.prints(/gate: /, 240);
    const began = now();
    const { status, output } = await rollBack();
    assert.equal(status, 0, output);
    const seconds = await lateness(began);
    await service.fault(server, "none");
    // What was planned before is not written over it.
    assert.notEqual(await update.ended, 0, update.output);
    assert.match(update.output, /llm-new was rolled back at .* while this update ran/);
    console.log(
      `lock held: last request on the candidate after ${seconds.toFixed(2)} s; the update: ${
        /.*while this update ran.*/.exec(update.output)?.[0].trim() ?? ""
      }`,
    );
    await service.weights(0);
    // The latch is there too.
    assert.match(await service.stack.refusedUp(), /latched[^]*llm-new was rolled back from 60 %/);
    await again();
    await service.nothingFailed(from);
  });

  test("works while the program is broken", async () => {
    const from = now();
    const file = path.join(service.stack.workspace.folder, "index.ts");
    const had = fs.existsSync(file);
    if (had) fs.renameSync(file, `${file}.away`);
    fs.writeFileSync(file, "this is no program");
    try {
      await goesBack("program broken");
    } finally {
      fs.rmSync(file);
      if (had) fs.renameSync(`${file}.away`, file);
    }
    await again();
    await service.nothingFailed(from);
  });

  test("works while the gateway is slow, and while the candidate is dead", async () => {
    const from = now();
    const { pid } = service.lab.lab.gateway.process;
    process.kill(pid, "SIGSTOP");
    const began = now();
    const { status, output } = await rollBack();
    await sleep(500);
    process.kill(pid, "SIGCONT");
    assert.equal(status, 0, output);
    console.log(
      `gateway stopped for 0.5 s more: last request on the candidate after ${(await lateness(began)).toFixed(2)} s`,
    );
    await service.weights(0);
    await again();
    await service.nothingFailed(from);
    for (const server of await service.servers("llm-new")) await service.fault(server, "crash");
    await goesBack("candidate dead");
    const back = await service.wait(4);
    await service.nothingFailed(back);
  });
});
