import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { otherModeFor } from "../../../stacks/gates/one-namespace";
import { nothingDeployed } from "../../../stacks/plan/model";
import { after, planFor, serviceConfig, sourceCase } from "../cases";
import { renderService } from "../rendered-service";

const objectives = [{ name: "chat", priority: 10 }];
const oneNamespace = { ...sourceCase, objectives, objectivesIn: "one-namespace", weight: 0 };

describe("pools in one namespace", () => {
  it("are offered where a gateway may not take those of another one, with commands", () => {
    const names = { namespace: "default", stable: "llm", candidate: "llm-new" };
    const llm = { name: "llm", namespace: "default" };
    assert.equal(otherModeFor(names, [llm, { name: "llm-new", namespace: "default" }]), undefined);
    const text = otherModeFor(names, [llm, { name: "llm-new", namespace: "llm-llm-new" }]) ?? "";
    assert.match(text, /^The route is in namespace default, and llm-new is in llm-llm-new\./);
    assert.ok(
      text.includes(
        "pulumi config set weight 0 && pulumi config set candidate '' && pulumi up && pulumi config set objectivesIn one-namespace && pulumi config set candidate llm-new && pulumi up",
      ),
      text,
    );
    const both = otherModeFor(names, [{ ...llm, namespace: "llm-llm" }]) ?? "";
    assert.match(both, /objectivesIn one-namespace, and declare a pool with another name \(\{like: llm\}\)/);
  });

  it("have the objectives on the stable one, and keep the objects when another becomes stable", async () => {
    const config = serviceConfig(oneNamespace);
    const first = planFor(config, nothingDeployed);
    assert.deepEqual(
      first.pools.map(({ pool, objectives: has, objectivesOf }) => [pool.name, has, objectivesOf]),
      [
        ["llm", true, undefined],
        ["llm-new", false, undefined],
      ],
    );
    const shifted = serviceConfig({ ...oneNamespace, weight: 100 });
    const world = after(shifted, planFor(shifted, after(config, first)));
    const promoted = { ...oneNamespace, stable: "llm-new", candidate: "" };
    const [planned] = planFor(serviceConfig(promoted), world).pools;
    assert.deepEqual([planned?.pool.name, planned?.objectivesOf], ["llm-new", ["llm"]]);
    const bound = (await renderService(promoted, world)).filter(
      ({ inputs }) => inputs["kind"] === "InferenceObjective",
    );
    assert.deepEqual(
      bound.map(({ name, inputs }) => [name, (inputs["spec"] as { poolRef: { name: string } }).poolRef.name]),
      [["llm-new-chat", "llm-new"]],
    );
  });

  it("is not what pools in namespaces of their own are: each makes its own objectives", () => {
    const config = serviceConfig({ ...sourceCase, objectives, weight: 0 });
    const { pools } = planFor(config, after(config, planFor(config, nothingDeployed)));
    assert.deepEqual(
      pools.map(({ objectives: has, objectivesOf }) => [has, objectivesOf]),
      [
        [true, undefined],
        [true, undefined],
      ],
    );
  });
});
