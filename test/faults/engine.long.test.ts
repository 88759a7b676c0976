import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { minutes } from "../end-to-end/stack-lab";
import { now } from "../../rollout/traffic/client";
import { ServiceUnderLoad } from "./service-under-load";

/** What goes wrong with the update itself, while customers are connected. */
describe("faults of the engine and of what it talks to", minutes(25), () => {
  let service: ServiceUnderLoad;
  before(async () => {
    service = await ServiceUnderLoad.start();
  }, minutes(4));
  after(async () => service.stop());

  const generation = async (): Promise<number> => (await service.lab.route())?.metadata.generation ?? 0;
  const urns = async (): Promise<string[]> => (await service.stack.resources()).map(({ urn }) => urn).sort();

  const moments = [
    {
      name: "before the route's update",
      reached: async () => {
        const update = service.update();
        await update.prints(/RolloutPlan llm/);
        return update;
      },
    },
    {
      name: "during the route's update",
      reached: async () => {
        const update = service.update();
        await update.prints(/HTTPRoute llm updating/);
        return update;
      },
    },
    {
      name: "right after the route was written",
      reached: async () => {
        const from = await generation();
        const update = service.update();
        await update.until(async () => (await generation()) > from);
        return update;
      },
    },
  ];
  for (const { name, reached } of moments) {
    test(`pulumi up killed with SIGKILL ${name}: cancel and up put everything right`, async () => {
      await service.steady(30);
      const before = await urns();
      const from = now();
      await service.stack.set("weight", "60");
      const update = await reached();
      update.kill("SIGKILL");
      await update.ended;
      await service.stack.pulumi.run(["cancel", "--yes"]);
      await service.stack.up();
      await service.weights(60);
      assert.deepEqual(await urns(), before, "resources in the state");
      assert.match(await service.stack.up(), /\d+ unchanged/);
      await service.nothingFailed(from);
    });
  }

  test("killed right after the route was written, and then the old config again: the route goes back", async () => {
    await service.steady(30);
    const from = await generation();
    await service.stack.set("weight", "60");
    const update = service.update();
    await update.until(async () => (await generation()) > from);
    update.kill("SIGKILL");
    await update.ended;
    await service.stack.pulumi.run(["cancel", "--yes"]);
    await service.stack.set("weight", "30");
    const { status, output } = await service.stack.pulumi.attempt(["up", "--yes", "--skip-preview"]);
    if (status !== 0) {
      // The state may say 30 already: then the engine changes nothing, and the program has to see that.
      assert.match(output, /The live route sends[^]*pulumi up --refresh/);
      await service.stack.pulumi.run(["up", "--yes", "--skip-preview", "--refresh"]);
    }
    await service.weights(30);
  });

  test("two pulumi up at once: one is told to wait, the other is carried out", async () => {
    await service.steady(30);
    const from = now();
    await service.stack.set("weight", "40");
    const first = service.update();
    await first.prints(/updating/);
    const second = service.update();
    assert.notEqual(await second.ended, 0);
    assert.match(second.output, /currently locked/);
    assert.equal(await first.ended, 0, first.output);
    await service.weights(40);
    await service.nothingFailed(from);
  });

  test("the API server is away for 30 s during an update", async () => {
    await service.steady(30);
    const from = now();
    await service.stack.set("weight", "50");
    const server = service.lab.lab.supervisor.processes.find(({ name }) => name === "kube-apiserver");
    const update = service.update();
    await update.prints(/updating/);
    server?.signal("SIGSTOP");
    await sleep(30_000);
    server?.signal("SIGCONT");
    const status = await update.ended;
    console.log(`the update ended with status ${status}`);
    await service.stack.up();
    await service.weights(50);
    await service.nothingFailed(from);
  });

  test("an older state put back: what counts is the live route", async () => {
    await service.steady(10);
    const old = path.join(service.lab.lab.folder, "old-state.json");
    fs.writeFileSync(old, await service.stack.pulumi.run(["stack", "export"]));
    await service.steady(60);
    const from = now();
    await service.stack.pulumi.run(["stack", "import", "--file", old]);
    // The state says 10, and so does the config: by that alone the engine would change nothing.
    await service.stack.set("weight", "10");
    await service.stack.up();
    await service.weights(10);
    await service.nothingFailed(from);
  });

  test("a client whose clock is a day ahead is frozen by the API server's clock", async () => {
    await service.steady(30);
    const shift = path.join(service.lab.lab.folder, "shift.js");
    fs.writeFileSync(
      shift,
      "const real = Date.now; const ahead = 86400e3; const Real = Date;\n" +
        "globalThis.Date = class extends Real { constructor(...a) { a.length === 0 ? super(real() + ahead) : super(...a); } static now() { return real() + ahead; } };\n",
    );
    const at = (hours: number): string => new Date(new Date().getTime() + hours * 3_600_000).toISOString();
    await service.stack.setPath("freeze[0].from", at(-1));
    await service.stack.setPath("freeze[0].to", at(1));
    await service.stack.setPath("freeze[0].reason", "no changes during the launch");
    await service.stack.set("weight", "60");
    const env = { ...service.stack.pulumi.environment, NODE_OPTIONS: `--require ${shift}` };
    const { status, output } = await service.stack.pulumi.attempt(
      ["up", "--yes", "--skip-preview"],
      undefined,
      env,
    );
    assert.notEqual(status, 0, output);
    assert.match(output, /frozen[^]*no changes during the launch/);
    await service.weights(30);
    // Back is always open.
    await service.stack.set("weight", "10");
    await service.stack.up();
    await service.weights(10);
    await service.stack.unset("freeze");
  });
});
