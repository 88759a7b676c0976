import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isMisfit, placementOf } from "../../../components/accelerators/placement";
import { nothingDeployed } from "../../../stacks/plan/model";
import { nodeBinding, labelsOfNodes } from "../../../components/model-server/pod-template";
import { planFor, serviceConfig, sourceCase } from "../../stacks/cases";

/** Labels by which pods of a pool with these settings find machines that somebody else made. */
function selectorOf(pool: Record<string, unknown>): Record<string, string> {
  const config = serviceConfig({
    ...sourceCase,
    cluster: { kubeconfig: "{}" },
    pools: { ...sourceCase.pools, llm: { replicas: 1, ...pool } },
  });
  const [planned] = planFor(config, { ...nothingDeployed, ownNodes: false }).pools;
  assert.ok(planned?.pool.name === "llm");
  const { hardware } = planned.pool;
  const placement = placementOf(hardware);
  assert.ok(!isMisfit(placement));
  const nodeLabels = labelsOfNodes(hardware, placement);
  return nodeBinding({ service: "llm", pool: "llm", acceleratorsPerReplica: 1, placement, nodeLabels })
    .nodeSelector;
}

describe("pods on machines that somebody else made", () => {
  for (const [what, pool, labels] of [
    ["a GPU", { accelerator: "nvidia-l4" }, { "cloud.google.com/gke-accelerator": "nvidia-l4" }],
    [
      "a GPU with another driver, bought as spot",
      { accelerator: "nvidia-l4", driver: "latest", provisioning: "spot" },
      {
        "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-gpu-driver-version": "latest",
        "cloud.google.com/gke-spot": "true",
      },
    ],
    [
      "a TPU",
      { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 4 },
      { "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice", "cloud.google.com/gke-tpu-topology": "2x2" },
    ],
    [
      "nodes that the config names",
      { accelerator: "nvidia-l4", nodeLabels: ["example.com/pool=new", "tier="] },
      { "example.com/pool": "new", tier: "" },
    ],
  ] as const) {
    it(`choose ${what}`, () => assert.deepEqual(selectorOf(pool), labels));
  }
});
