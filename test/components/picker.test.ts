import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rendered, type Registered } from "../rendering";
import { EndpointPicker, type EndpointPickerArgs } from "../../components/pool/endpoint-picker";
import { ServingPool, type ServingPoolArgs } from "../../components/pool/serving-pool";

const pool = { service: "llm", pool: "llm", namespace: "default" };
const picker = (more: Partial<EndpointPickerArgs> = {}): Promise<Registered[]> =>
  rendered(() => new EndpointPicker("llm", { ...pool, engine: {}, ...more }));
const budget = (resources: readonly Registered[]): Registered["inputs"] | undefined =>
  resources.find(({ name, inputs }) => name === "llm-epp" && inputs["kind"] === "PodDisruptionBudget")
    ?.inputs;

describe("a picker", () => {
  it("on GKE is moved by nobody while it works: a budget, without a change of its pod", async () => {
    const [plain, kept] = [await picker(), await picker({ evictable: false })];
    const deployment = (all: readonly Registered[]): unknown =>
      all.find(({ inputs }) => inputs["kind"] === "Deployment")?.inputs;
    assert.deepEqual(deployment(kept), deployment(plain));
    assert.equal(budget(plain), undefined);
    assert.deepEqual(budget(kept)?.["spec"], {
      maxUnavailable: 0,
      selector: { matchLabels: { app: "llm-epp" } },
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
  });

  it("has the budget only where the stack creates the nodes, so on GKE", async () => {
    const make = (more: Partial<ServingPoolArgs>): Promise<Registered[]> =>
      rendered(
        () =>
          new ServingPool("llm", {
            ...{ ...pool, replicas: 1, model: "Qwen/Qwen3-8B", hardware: { accelerator: "nvidia-l4" } },
            ...more,
          }),
      );
    assert.equal(budget(await make({})), undefined);
    assert.ok(budget(await make({ nodes: { cluster: "inference", location: "us-central1" } })) !== undefined);
  });
});
