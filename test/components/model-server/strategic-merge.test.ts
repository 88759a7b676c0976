import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mergedTemplate, patchProblems } from "../../../components/model-server/strategic-merge";
import { mergeCases, patchBase } from "./merge-cases";

/* Results are Kubernetes' own: ../api-server/strategic-merge.ts asks a real API server for the same. */

describe("a strategic merge patch of a pod template", () => {
  for (const { name, patch, expected } of mergeCases) {
    it(name, () => {
      assert.deepEqual(patchProblems(patch), []);
      const before = structuredClone(patchBase);
      assert.deepEqual(mergedTemplate(patchBase, patch), expected(structuredClone(patchBase)));
      assert.deepEqual(patchBase, before, "the template itself is not changed");
    });
  }

  it("is refused where Kubernetes could not tell which element is meant, and where it says what is not supported", () => {
    const problems = (patch: object): string[] =>
      patchProblems(patch as Record<string, unknown>).map(({ path }) => path.join("."));
    assert.deepEqual(problems({ spec: { containers: [{ image: "x" }] } }), ["spec.containers.0"]);
    assert.deepEqual(problems({ spec: { containers: [{ name: "s", env: [{ value: "x" }] }] } }), [
      "spec.containers.0.env.0",
    ]);
    assert.deepEqual(problems({ spec: { containers: { name: "s" } } }), ["spec.containers"]);
    assert.deepEqual(problems({ spec: { containers: ["s"] } }), ["spec.containers.0"]);
    assert.deepEqual(problems({ spec: { affinity: { $patch: "remove" } } }), ["spec.affinity.$patch"]);
    assert.deepEqual(problems({ spec: { "$setElementOrder/containers": [] } }), [
      "spec.$setElementOrder/containers",
    ]);
  });
});
