import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import * as yaml from "js-yaml";
import { definitionNames, readDefinition } from "../../components/definitions/inference-definitions";
import { goModuleFolder } from "../../lab/tools/sources";

describe("CRDs that the program brings", () => {
  it("are the extension's own, word for word", async () => {
    const folder = path.join(
      await goModuleFolder("epp", "sigs.k8s.io/gateway-api-inference-extension"),
      "config/crd/bases",
    );
    for (const name of definitionNames) {
      const [plural = "", ...group] = name.split(".");
      const file = path.join(folder, `${group.join(".")}_${plural}.yaml`);
      const original = yaml.load(fs.readFileSync(file, "utf8")) as Record<string, unknown>;
      Reflect.deleteProperty(original, "status");
      assert.deepEqual(readDefinition(name), original);
    }
  });
});
