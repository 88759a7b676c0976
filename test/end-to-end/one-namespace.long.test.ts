import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import type { KubernetesObject } from "@kubernetes/client-node";
import { refusals } from "../../lab/gateway/translate/other-namespaces";
import { eventually, minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/*
 * A gateway that does not take InferencePools of other namespaces, as GKE might not: a candidate with objectives of its own
 * then gets no traffic, whichever way the gateway says so, and the rollout goes on with all pools in one namespace.
 */

const model = "Qwen/Qwen3-8B";

interface Objective extends KubernetesObject {
  spec: { poolRef: { name: string }; priority: number };
}

describe("a gateway that takes pools of the route's namespace only", minutes(15), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    const gate = { timeoutSeconds: 20 };
    stack = await lab.stack("one-namespace", { candidate: "", weight: 0, gate });
    await stack.up();
  }, minutes(4));
  after(async () => lab.stop());

  const servers = async (): Promise<(string | undefined)[]> => {
    const pods = await lab.objects.list<KubernetesObject>("v1", "Pod", "default");
    return pods.items
      .filter(({ metadata }) => ["llm", "llm-epp"].includes(metadata?.labels?.["app"] ?? ""))
      .map(({ metadata }) => metadata?.uid)
      .sort();
  };
  const objective = (): Promise<Objective | undefined> =>
    lab.get("inference.networking.x-k8s.io/v1alpha2", "InferenceObjective", "default", "chat");
  /** Has the gateway look again, as every event does. */
  const refuse = async (otherNamespaces: string): Promise<void> => {
    const file = path.join(lab.lab.folder, "faults.json");
    fs.writeFileSync(file, JSON.stringify({ gateway: { otherNamespaces } }));
    const annotations = { "test/refusal": otherNamespaces };
    await lab.edit({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "my-inference-gateway", namespace: "default", annotations },
    });
  };

  const words: Record<(typeof refusals)[number], RegExp> = {
    RefNotPermitted: /ResolvedRefs=False for route default\/preview-of-llm \(RefNotPermitted/,
    NotAccepted: /Accepted=False for route default\/preview-of-llm \(UnsupportedValue/,
    "no-status": /has no status on route default\/preview-of-llm yet/,
  };
  for (const refusal of refusals) {
    test(`${refusal}: stops before any weight, and names the other mode`, async () => {
      await refuse(refusal);
      if (refusal === refusals[0]) {
        // The stable pool is where it was; what has objectives and is new gets a namespace of its own.
        await stack.setPath("objectives[0].name", "chat");
        await stack.setPath("objectives[0].priority", "10");
        await stack.up();
        await stack.set("candidate", "llm-new");
      }
      await stack.set("weight", "10");
      const text = await stack.refusedUp();
      assert.match(text, words[refusal]);
      assert.match(
        text,
        /llm-new is in llm-llm-new\. If the gateway does not accept InferencePools of other namespaces[^]*pulumi config set objectivesIn one-namespace/,
      );
      assert.deepEqual(weightsOf(await lab.route()), { llm: 100 });
      const { address } = await stack.pulumi.outputs();
      assert.deepEqual(await lab.ask(String(address), 20, { model }), { llm: 20 });
    });
  }

  test("goes on in one namespace without touching the stable pool", async () => {
    const before = await servers();
    await stack.set("weight", "0");
    await stack.set("candidate", "");
    await stack.up();
    await stack.set("objectivesIn", "one-namespace");
    await stack.set("candidate", "llm-new");
    const text = await stack.up();
    assert.match(text, /objectives do not apply to llm-new/);
    assert.deepEqual(await servers(), before);
    assert.equal(await lab.pool("llm-new", "llm-llm-new"), undefined);
    await stack.set("weight", "50");
    await stack.up();
    assert.deepEqual(weightsOf(await lab.route()), { llm: 50, "llm-new": 50 });
    assert.equal((await objective())?.spec.poolRef.name, "llm");
    const { address } = await stack.pulumi.outputs();
    const answers = await lab.ask(String(address), 60, { model });
    assert.equal((answers["llm"] ?? 0) + (answers["llm-new"] ?? 0), 60, JSON.stringify(answers));
  });

  test("binds the same objective to the candidate when it is promoted", async () => {
    const uid = (await objective())?.metadata?.uid;
    await stack.set("weight", "100");
    await stack.up();
    const { status, output } = await stack.rollout("promote", "--yes");
    assert.equal(status, 0, output);
    await eventually("the old pool is gone", async () => (await lab.pool("llm")) === undefined);
    const now = await objective();
    assert.deepEqual([now?.spec.poolRef.name, now?.metadata?.uid], ["llm-new", uid]);
    await stack.up();
    assert.equal((await objective())?.spec.poolRef.name, "llm-new");
  });
});
