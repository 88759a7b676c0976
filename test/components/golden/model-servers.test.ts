import { nothingDeployed } from "../../../stacks/plan/model";
import { describe, it } from "node:test";
import { rendered, type Registered } from "../../rendering";
import { serviceConfig, planFor } from "../../stacks/cases";
import type { RawConfig } from "../../../stacks/config/parse";
import { ServingPool } from "../../../components/pool/serving-pool";
import { poolArgs } from "../../../stacks/service";
import { assertGolden } from "../golden";

/** Model servers and how their models get there, as the cluster is asked for them. */

const kinds = new Set([
  "Deployment",
  "LeaderWorkerSet",
  "PodDisruptionBudget",
  "HorizontalPodAutoscaler",
  "ServiceAccount",
  "BucketIAMMember",
]);

async function render(pool: Record<string, unknown>): Promise<unknown[]> {
  const raw: RawConfig = { model: "Qwen/Qwen3-8B", stable: "llm", pools: { llm: { replicas: 2, ...pool } } };
  const config = serviceConfig(raw);
  const [planned] = planFor(config, nothingDeployed).pools;
  const resources = await rendered(
    () =>
      new ServingPool("llm", {
        service: "llm",
        namespace: "default",
        ...poolArgs(planned!),
        served: { gatewayPolicies: false, podMonitoring: false },
        nodes: { cluster: "inference", location: "us-central1", project: "acme-ml" },
        token: { name: "llm-hugging-face", key: "token" },
      }),
  );
  return resources.filter(isServers).map(({ type, inputs }) => ({ [type.replace(/^.*:/, "")]: inputs }));
}

function isServers({ type, name, inputs }: Registered): boolean {
  const kind = (inputs["kind"] as string | undefined) ?? type.replace(/^.*:/, "");
  return kinds.has(kind) && !name.endsWith("-epp");
}

const l4 = { accelerator: "nvidia-l4" };
const cases: Record<string, Record<string, unknown>> = {
  "vllm-gpu": { ...l4, acceleratorsPerReplica: 2 },
  "vllm-gpu-bucket-mounted": { ...l4, weights: { from: "gcs", bucket: "acme-models" } },
  "vllm-gpu-bucket-streamed": {
    ...l4,
    acceleratorsPerReplica: 4,
    weights: { from: "gcs", bucket: "acme-models", path: "qwen3-8b", loader: "stream" },
  },
  "vllm-gpu-disk": { ...l4, weights: { from: "disk", claim: "models", path: "qwen3-8b" } },
  "vllm-gpu-autoscaled": { ...l4, autoscaling: { max: 6, metric: "cache" } },
  "vllm-gpu-spot-fallback": { ...l4, provisioning: "spot", fallback: "on-demand" },
  "vllm-gpu-flex-start": { ...l4, provisioning: "flex-start" },
  "vllm-gpu-arm": {
    accelerator: "nvidia-gb200",
    acceleratorsPerReplica: 4,
    provisioning: "reservation",
    reservation: "gb200",
    zones: ["us-central1-a"],
  },
  sglang: { ...l4, server: { engine: "sglang" } },
  "sglang-autoscaled": { ...l4, server: { engine: "sglang" }, autoscaling: { max: 6 } },
  "vllm-tpu": { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 4 },
  "vllm-tpu-slice": { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, zones: ["us-east5-b"] },
};

describe("model servers", () => {
  for (const [name, pool] of Object.entries(cases)) {
    it(name, async () => {
      assertGolden(`model-server-${name}`, { resources: await render(pool) });
    });
  }
});
