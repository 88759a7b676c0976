import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RawConfig } from "../../../stacks/config/parse";
import { podsOf } from "../../../stacks/state/model-servers";
import type { Observed } from "../../../stacks/plan/observed";
import { ignoredBy, type Registered } from "../../rendering";
import { renderService } from "../rendered-service";
import { at, serving } from "./scenarios";
import { deployed, planned } from "./worlds";

/* The token for gated models: to add it, or to take it away, restarts no pod that serves. */

const token = { huggingFaceToken: "hf_x" };
const without = (): Observed => deployed(serving);
const having = (): Observed => deployed({ ...serving, ...token });
const tokens = (raw: RawConfig, world: Observed): Record<string, string> =>
  Object.fromEntries(planned(raw, world).pools.map((one) => [one.pool.name, one.token]));

/** Pod templates by name of the Deployment. */
async function templates(raw: RawConfig, world?: Observed): Promise<Record<string, string>> {
  const resources = await renderService(raw, world);
  return Object.fromEntries(
    resources
      .filter(({ type }) => type.endsWith(":Deployment"))
      .map(({ name, inputs }) => [name, JSON.stringify((inputs["spec"] as { template: object }).template)]),
  );
}

const secretOf = (resources: readonly Registered[]): Registered | undefined =>
  resources.find(({ name }) => name === "llm-hugging-face");

describe("a token that is added to the config", () => {
  it("reaches the pools that are made from then on, and restarts none that serves", async () => {
    assert.deepEqual(tokens({ ...at(0), ...token }, without()), { llm: "none", "llm-new": "config" });
    const before = await templates(serving);
    const after = await templates({ ...at(0), ...token }, without());
    assert.equal(after["llm"], before["llm"]);
    assert.match(after["llm-new"] ?? "", /"HF_TOKEN".*"llm-new-hugging-face"/);
    assert.match(planned({ ...at(0), ...token }, without()).notes.join("\n"), /pool llm was created without/);
  });

  it("reaches a pool of which no pod answers: without it the model may never be loaded", async () => {
    const world = without();
    const down = { ...world, pools: world.pools.map((pool) => ({ ...pool, readyReplicas: 0 })) };
    assert.deepEqual(tokens({ ...serving, ...token }, down), { llm: "config" });
    assert.match((await templates({ ...serving, ...token }, down))["llm"] ?? "", /"HF_TOKEN"/);
  });
});

describe("a token that is taken out of the config", () => {
  it("stays in the pools that have it, as it is, whether they are ready or not", async () => {
    const before = await templates({ ...serving, ...token });
    for (const ready of [0, 6]) {
      const world = having();
      const now = { ...world, pools: world.pools.map((pool) => ({ ...pool, readyReplicas: ready })) };
      assert.deepEqual(tokens(at(0), now), { llm: "kept", "llm-new": "none" });
      assert.equal((await templates(at(0), now))["llm"], before["llm"]);
    }
    const secret = secretOf(await renderService(serving, having()));
    assert.ok(secret !== undefined);
    assert.deepEqual(ignoredBy(secret), ["stringData"]);
    assert.match(planned(serving, having()).notes.join("\n"), /pool llm was created with it and keeps it/);
  });

  it("is written anew where the config has another one", async () => {
    const other = { ...serving, huggingFaceToken: "hf_y" };
    assert.deepEqual(tokens(other, having()), { llm: "config" });
    const secret = secretOf(await renderService(other, having()));
    assert.ok(secret !== undefined);
    assert.deepEqual(ignoredBy(secret), []);
  });
});

describe("what live model servers say of the token", () => {
  const server = (
    env: object[],
    nodeSelector: Record<string, string> = {},
  ): Parameters<typeof podsOf>[0] => ({
    metadata: { name: "llm" },
    spec: { template: { spec: { nodeSelector, containers: [{ name: "vllm", env }] } } },
  });
  const from = (name: string): object => ({
    name: "HF_TOKEN",
    valueFrom: { secretKeyRef: { name, key: "token" } },
  });

  it("is whether they read it from the pool's own Secret", () => {
    assert.equal(podsOf(server([from("llm-hugging-face")]))?.token, true);
    assert.equal(podsOf(server([from("my-own")]))?.token, false);
    assert.equal(podsOf(server([{ name: "HF_TOKEN", value: "x" }]))?.token, false);
    assert.equal(podsOf({ metadata: { name: "llm" } }), undefined, "nothing is known");
  });

  it("goes with whose nodes they run on", () => {
    assert.equal(podsOf(server([], { "inference-rollout/pool": "llm.llm" }))?.ownNodes, true);
    assert.equal(podsOf(server([], { "cloud.google.com/gke-accelerator": "nvidia-l4" }))?.ownNodes, false);
  });
});
