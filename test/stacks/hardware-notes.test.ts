import { nothingDeployed, type Plan } from "../../stacks/plan/model";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hardwareNotes, pickerNotes, poolsWithoutGroups } from "../../stacks/hardware-notes";
import { newCluster } from "../../stacks/state/served";
import { serviceConfig, planFor } from "./cases";

function planned(pool: object): Plan {
  return planFor(
    serviceConfig({ model: "Qwen/Qwen3-8B", stable: "llm", pools: { llm: { replicas: 2, ...pool } } }),
    nothingDeployed,
  );
}

describe("what a person is told of machines", () => {
  it("is nothing where nothing is unusual", () => {
    assert.deepEqual(hardwareNotes(planned({ accelerator: "nvidia-l4" })), []);
  });

  it("is that accelerators stand idle where only large machines are to be had", () => {
    assert.match(
      hardwareNotes(planned({ accelerator: "nvidia-h100-80gb" })).join(),
      /6 of 8 x nvidia-h100-80gb are idle: a3-highgpu-8g is the smallest on-demand machine type/,
    );
    assert.deepEqual(hardwareNotes(planned({ accelerator: "nvidia-h100-80gb", replicas: 8 })), []);
  });

  it("is that nobody knows whether a machine can be had on demand", () => {
    const notes = (pool: object): string => hardwareNotes(planned(pool)).join();
    const b200 = { accelerator: "nvidia-b200", acceleratorsPerReplica: 8 };
    assert.match(notes(b200), /a4-highgpu-8g is not available as on-demand, although Google's own/);
    assert.doesNotMatch(notes({ ...b200, provisioning: "spot" }), /own compute classes/);
  });

  it("is that pickers do not fit on the cluster's system nodes", () => {
    const notes = (picker: object, systemNodes?: number): string[] =>
      pickerNotes(planned({ accelerator: "nvidia-l4", picker }), systemNodes);
    assert.deepEqual(notes({}, 1), []);
    assert.deepEqual(notes({ replicas: 5 }), []);
    assert.match(
      notes({ replicas: 3 }, 2).join(),
      /need 3 system nodes, and the cluster has at most 2: .* pulumi config set --path 'cluster.systemNodes' 3/,
    );
    // Three of two processors fit on a node, and seven of one.
    assert.deepEqual(notes({ replicas: 3, resources: { cpu: "2" } }, 1), []);
    assert.deepEqual(notes({ replicas: 5, resources: { cpu: "1000m" } }, 1), []);
    assert.equal(notes({ replicas: 4, resources: { cpu: "2" } }, 1).length, 1);
  });

  it("is that flex-start machines end, that spot machines go, and who owns the replicas", () => {
    const notes = (pool: object): string =>
      hardwareNotes(planned({ accelerator: "nvidia-l4", ...pool })).join();
    assert.match(notes({ provisioning: "flex-start" }), /seven days/);
    assert.match(notes({ provisioning: "spot" }), /30 s notice/);
    assert.match(
      notes({ autoscaling: { max: 9 } }),
      /between 2 \(the plan's minimum\) and 9 \(the config's maximum\)/,
    );
  });
});

describe("replicas that are groups of pods", () => {
  const slice = { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, zones: ["us-east5-b"] };

  it("are refused, with the command that fixes it, where the cluster has no LeaderWorkerSet", () => {
    assert.match(poolsWithoutGroups(planned(slice), newCluster) ?? "", /kubectl apply --server-side/);
    assert.equal(poolsWithoutGroups(planned(slice), { ...newCluster, groups: true }), undefined);
    assert.equal(poolsWithoutGroups(planned({ accelerator: "nvidia-l4" }), newCluster), undefined);
  });
});
