import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rendered } from "../rendering";
import { resolveConfig } from "../../stacks/config/resolve";
import { buildPlatform } from "../../stacks/platform";
import { cloud } from "./cases";

const template = "projects/acme-ml/locations/us-central1/templates/prompts";
const armor = { modelArmor: { promptTemplate: template, responseTemplate: template, model: "Qwen/Qwen3-8B" } };

/** Types of what a platform registers. */
async function typesOf(config: object): Promise<string[]> {
  const { config: resolved, mistakes } = resolveConfig({ role: "platform", ...config }, cloud);
  assert.deepEqual(mistakes, []);
  assert.ok(resolved?.role === "platform");
  const { platform } = resolved;
  const resources = await rendered(() =>
    buildPlatform(platform, { owners: {}, stack: "s", definitions: [], deletable: false }),
  );
  return resources.map(({ type }) => type);
}

describe("a gateway with Model Armor", () => {
  const access = "inference-rollout:index:ModelArmorAccess";

  it("gets its access to Model Armor with a cluster that the stack creates", async () => {
    assert.ok((await typesOf({ gateway: armor })).includes(access));
    assert.ok(!(await typesOf({})).includes(access));
  });

  it("leaves the project of any other cluster as it is", async () => {
    const cluster = { name: "inference", location: "us-central1" };
    assert.ok(!(await typesOf({ cluster, gateway: armor })).includes(access));
    const existing = { name: "theirs", existing: true };
    assert.ok(!(await typesOf({ gateway: existing })).includes(access));
  });
});
