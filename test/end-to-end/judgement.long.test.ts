import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ownCase } from "../../lab/rehearsal/own-case";
import { rehearse } from "../../lab/rehearsal/rehearse";
import { minutes, StackLab } from "./stack-lab";

describe("the rehearsal's judgement", minutes(6), () => {
  let lab: StackLab;
  before(async () => {
    lab = await StackLab.start();
  }, minutes(3));
  after(async () => lab.stop());

  test("a split that is not what the weight says fails the rehearsal", async () => {
    const { workspace } = await lab.stack("dev", { weight: 0 });
    const rehearsal = ownCase("dev");
    let edited = false;
    const { report } = await rehearse({
      lab: lab.lab,
      workspace,
      rehearsal: { ...rehearsal, steps: rehearsal.steps.slice(0, 2) },
      sample: { requests: 300, streams: 5 },
      versions: {},
      signal: AbortSignal.timeout(240_000),
      onStep: (step, event) => {
        if (step.weight !== 10 || edited || !("doing" in event) || !event.doing.startsWith("watching"))
          return;
        edited = true;
        void sendTo(40);
      },
    });
    assert.ok(edited);
    assert.equal(report.ok, false);
    const stage = report.stages.find(({ weight }) => weight === 10);
    assert.equal(stage?.shareOk, false, JSON.stringify(stage));
    assert.match(
      report.problems.join("\n"),
      /stage "10": the candidate answered .* requests; expected 10\.0 %/,
    );
  });

  /** Somebody else's hand on the route. */
  async function sendTo(weight: number): Promise<void> {
    const route = await lab.route();
    const rules = structuredClone(route?.spec.rules ?? []);
    for (const ref of rules.flatMap(({ backendRefs }) => backendRefs)) {
      ref.weight = ref.name === "llm-new" ? weight : 100 - weight;
    }
    await lab.edit({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "routes-to-llm", namespace: "default" },
      spec: { rules },
    });
  }
});
