import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { PatchStrategy, type KubernetesObject } from "@kubernetes/client-node";
import { TestLab } from "../../../lab/plugins/testing/test-lab";
import { mergedTemplate } from "../../../components/model-server/strategic-merge";
import { mergeCases, patchBase, type Template } from "./merge-cases";

/* A real API server makes the same of the same patches: in a Deployment, with what it defaults left out. */

type Deployment = KubernetesObject & { spec: { template: Template } };

const named = (name: string, template: unknown): Deployment =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default" },
    spec: { replicas: 0, selector: { matchLabels: { app: "llm" } }, template },
  }) as Deployment;

describe("a strategic merge patch, by the API server", { timeout: 180_000 }, () => {
  let lab: TestLab;
  before(async () => {
    lab = await TestLab.start();
  });
  after(async () => lab.stop());

  for (const [i, { name, patch }] of mergeCases.entries()) {
    it(name, async () => {
      const object = named(`patched-${i}`, structuredClone(patchBase));
      await lab.objects.create(object);
      const byServer = await lab.objects.patch(
        { ...named(`patched-${i}`, patch), spec: { template: patch } } as unknown as KubernetesObject,
        undefined,
        undefined,
        undefined,
        undefined,
        PatchStrategy.StrategicMergePatch,
      );
      // What the merge here makes, with the API server's defaults.
      const ours = await lab.objects.create(
        named(`merged-${i}`, mergedTemplate(structuredClone(patchBase), patch)),
      );
      assert.deepEqual(sorted(templateOf(byServer)), sorted(templateOf(ours)));
    });
  }
});

const templateOf = (object: KubernetesObject): unknown => (object as Deployment).spec.template;

/** The order of lists that merge by key is not part of the promise. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const inner = value.map(sorted);
    return inner.every((one) => typeof one === "object" && one !== null)
      ? inner.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : inner;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== "creationTimestamp" && inner !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
