import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ClusterApi } from "../../../lab/cluster/cluster-api";
import { loadKubeconfig } from "../../../lab/cluster/objects";
import type { TestLab } from "../../../lab/plugins/testing/test-lab";
import { mergedTemplate } from "../../../components/model-server/strategic-merge";
import { mergeCases, patchBase, type Template } from "../model-server/merge-cases";

/* A real API server makes the same of the same patches: in a Deployment, with its defaults on both sides. */

interface Deployment {
  spec: { template: unknown };
}

const path = "/apis/apps/v1/namespaces/default/deployments";

const named = (name: string, template: Template): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: { replicas: 0, selector: { matchLabels: { app: "llm" } }, template },
});

export function strategicMergeSuite(started: () => TestLab): void {
  describe("a strategic merge patch, by the API server", { timeout: 180_000 }, () => {
    let api: ClusterApi;
    before(() => {
      // Not the typed client: it leaves out what no type has, and so every directive.
      api = ClusterApi.ofKubeconfig(loadKubeconfig(started().lab.controlPlane.kubeconfig));
    });
    after(() => api.close());

    for (const [i, { name, patch }] of mergeCases.entries()) {
      it(name, async () => {
        await api.post(path, named(`patched-${i}`, patchBase));
        const change = { spec: { template: patch } };
        const byServer = await api.patch(`${path}/patched-${i}`, "strategic-merge-patch", change);
        const ours = await api.post<Deployment>(path, named(`merged-${i}`, mergedTemplate(patchBase, patch)));
        assert.deepEqual(sorted((byServer as Deployment).spec.template), sorted(ours.spec.template));
      });
    }
  });
}

/** The order of lists that merge by key is not part of the promise, nor whether an empty list is there. */
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
      .filter(([, inner]) => inner !== null && !(Array.isArray(inner) && inner.length === 0))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
