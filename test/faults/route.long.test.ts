import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { minutes } from "../end-to-end/stack-lab";
import { now } from "../../rollout/traffic/client";
import { ServiceUnderLoad } from "./service-under-load";

/** What goes wrong with the route, while customers are connected. */
describe("faults of the route and its gateway", minutes(20), () => {
  let service: ServiceUnderLoad;
  before(async () => {
    service = await ServiceUnderLoad.start();
  }, minutes(4));
  after(async () => service.stop());

  const edit = async (weights: Readonly<Record<string, number>>): Promise<void> => {
    const route = await service.lab.route();
    const rules = structuredClone(route?.spec.rules ?? []);
    for (const ref of rules.flatMap(({ backendRefs }) => backendRefs)) ref.weight = weights[ref.name] ?? 0;
    await service.lab.edit({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "routes-to-llm", namespace: "default" },
      spec: { rules },
    });
  };

  test("a gateway that does not answer for the route: the update says so, and the next one asks again", async () => {
    await service.steady(30);
    await service.stack.setPath("gate.timeoutSeconds", "5");
    const from = now();
    // The controller alone: Envoy goes on with what it knows.
    process.kill(service.lab.lab.gateway.process.pid, "SIGSTOP");
    await service.stack.set("weight", "60");
    const text = await service.stack.refusedUp();
    assert.match(text, /the gateway has not confirmed it after 5 s[^]*To check again: pulumi up/);
    await service.weights(60);
    process.kill(service.lab.lab.gateway.process.pid, "SIGCONT");
    assert.match(await service.stack.up(), /\d+ unchanged/);
    const outputs = await service.stack.pulumi.outputs();
    assert.deepEqual(outputs["weights"], { llm: 40, "llm-new": 60 });
    await service.nothingFailed(from);
    await service.stack.unset("gate");
  });

  test("a route edited by hand is explained, and adopted or put right on purpose", async () => {
    await service.steady(30);
    const from = now();
    await edit({ llm: 50, "llm-new": 50 });
    await service.stack.set("weight", "60");
    const text = await service.stack.refusedUp();
    assert.match(
      text,
      /route-edited[^]*the weights of the live route were edited outside this stack[^]*pulumi config set weight 50/,
    );
    await service.weights(50);
    // Adopted: the config says what is live.
    await service.stack.set("weight", "50");
    await service.stack.up();
    await service.weights(50);
    await service.steady(60);
    // Put right: a waiver for one update.
    await edit({ llm: 90, "llm-new": 10 });
    await service.stack.refusedUp();
    await service.stack.setPath("allow[0]", "route-edited");
    await service.stack.up();
    await service.weights(60);
    await service.stack.unset("allow");
    await service.stack.up();
    await service.nothingFailed(from);
  });

  test("a rollback from 60 under load: over within 5 s of the route's change, nothing fails", async () => {
    await service.steady(60);
    const from = now();
    await service.stack.set("weight", "0");
    const generation = (await service.lab.route())?.metadata.generation ?? 0;
    const update = service.update();
    await update.until(async () => ((await service.lab.route())?.metadata.generation ?? 0) > generation);
    const written = now();
    assert.equal(await update.ended, 0, update.output);
    await service.wait(6);
    await service.nothingFailed(from);
    const late = service.traffic
      .startedBetween(from)
      .filter(({ pool }) => pool === "llm-new")
      .reduce((latest, { startedAt }) => Math.max(latest, startedAt), 0);
    const seconds = Math.max(0, (late - written) / 1000);
    console.log(`the last request that began on the candidate came ${seconds.toFixed(2)} s after the change`);
    assert.ok(seconds <= 5, `${seconds} s`);
  });
});
