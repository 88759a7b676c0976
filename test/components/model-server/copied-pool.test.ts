import { nothingDeployed } from "../../../stacks/plan/model";
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { PodTemplate } from "../../../components/model-server/pod-template";
import type { Registered } from "../../rendering";
import { sglang } from "../../stacks/state/manifests";
import { renderService } from "../../stacks/rendered-service";

/* What is rendered of a pool that copies SGLang's pods on a port that this program would not have chosen. */

const config = {
  stable: "llm",
  candidate: "llm-new",
  pools: {
    llm: { existing: true },
    "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
  },
};

describe("a pool of copied pods", () => {
  let made: Registered[];
  before(async () => {
    const { template } = sglang.object["spec"] as { template: PodTemplate };
    const { selector } = sglang;
    made = await renderService(config, {
      ...nothingDeployed,
      pools: [{ name: "llm", namespace: "default", owned: false, replicas: 3, readyReplicas: 3 }],
      copies: {
        "llm-new": {
          ownNodes: true,
          namespace: "default",
          state: "new",
          pods: { template, selector, from: "Deployment sgl in namespace default" },
          ports: [30000],
        },
      },
    });
  });

  const specOf = (kind: string, name: string): Record<string, unknown> => {
    const found = made.find(({ inputs }) => inputs["kind"] === kind && nameOf(inputs) === name);
    assert.ok(found !== undefined, `${kind} ${name} is not made`);
    return found.inputs["spec"] as Record<string, unknown>;
  };
  const nameOf = (inputs: Registered["inputs"]): string | undefined =>
    (inputs["metadata"] as { name?: string } | undefined)?.name;

  it("answers on the copied port, and is asked there", () => {
    assert.deepEqual(specOf("InferencePool", "llm-new")["targetPorts"], [{ number: 30000 }]);
    assert.match(JSON.stringify(specOf("HealthCheckPolicy", "llm-new")), /30000/);
    assert.match(JSON.stringify(specOf("PodMonitoring", "llm-new")["endpoints"]), /"port":30000/);
  });

  it("has a picker that reads its engine's metrics, and the label by which the picker knows", () => {
    const text = JSON.stringify(made.filter(({ type }) => type === "kubernetes:core/v1:ConfigMap"));
    assert.match(text, /defaultEngine: sglang/);
    const { template } = specOf("Deployment", "llm-new") as { template: PodTemplate };
    const labels = template.metadata?.labels ?? {};
    assert.equal(labels["inference.networking.k8s.io/engine-type"], "sglang");
    assert.equal(labels["app"], "llm-new");
    assert.deepEqual(template.spec.containers, [
      { ...sglangContainer(), resources: { limits: { "nvidia.com/gpu": "1" } } },
    ]);
  });

  it("keeps the original's template and selector, for its own later updates and for pools that are like it", () => {
    const server = made.find(({ inputs }) => inputs["kind"] === "Deployment" && nameOf(inputs) === "llm-new");
    const { annotations = {} } = server?.inputs["metadata"] as { annotations?: Record<string, string> };
    const { template } = sglang.object["spec"] as { template: PodTemplate };
    assert.deepEqual(JSON.parse(annotations["inference-rollout/template"] ?? ""), template);
    assert.deepEqual(JSON.parse(annotations["inference-rollout/copied"] ?? ""), {
      from: "Deployment sgl in namespace default",
      selector: sglang.selector,
    });
  });
});

function sglangContainer(): object {
  const { template } = sglang.object["spec"] as { template: { spec: { containers: object[] } } };
  return template.spec.containers[0] ?? {};
}
