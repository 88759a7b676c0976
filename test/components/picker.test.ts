import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rendered, type Registered } from "../rendering";
import { EndpointPicker, pickerImage, type EndpointPickerArgs } from "../../components/pool/endpoint-picker";
import { ServingPool, type ServingPoolArgs } from "../../components/pool/serving-pool";
import { identityOf } from "../../stacks/plan/identity";
import { ownedPool, serviceConfig, sourceCase } from "../stacks/cases";
import { deployed, rulesOf } from "../stacks/plan/worlds";
import { renderService } from "../stacks/rendered-service";

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

  it("has the image that the pool's config names, which is part of what the pool is", async () => {
    const image = "registry.example.com/epp:v1.5.2";
    const raw = {
      ...sourceCase,
      pools: { ...sourceCase.pools, "llm-new": { like: "llm", picker: { image } } },
    };
    const config = serviceConfig(raw);
    assert.equal(identityOf(ownedPool(config, "llm-new"))["picker.image"], image);
    assert.ok(!("picker.image" in identityOf(ownedPool(config, "llm"))));
    const images = (await renderService(raw))
      .filter(({ name, inputs }) => name.endsWith("-epp") && inputs["kind"] === "Deployment")
      .map(({ name, inputs }) => [name, /"image":"([^"]+)"/.exec(JSON.stringify(inputs))?.[1]]);
    assert.deepEqual(Object.fromEntries(images), { "llm-epp": pickerImage, "llm-new-epp": image });
  });

  it("that the config changes on a pool that exists is refused", () => {
    const pools = { ...sourceCase.pools, llm: { ...sourceCase.pools.llm, picker: { image: "epp:v1.5.2" } } };
    const serving = { ...sourceCase, candidate: "", weight: 0 };
    assert.deepEqual(rulesOf({ ...serving, pools }, deployed(serving)), ["edited-in-place"]);
  });
});
