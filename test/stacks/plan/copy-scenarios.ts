import type { Scenario } from "./worlds";
import type { ObservedCopy, Observed } from "../../../stacks/plan/observed";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { PodTemplate } from "../../../components/model-server/pod-template";
import { sourceCase } from "../cases";

/* Pools that copy one created outside the stack, and the size of such pools. */

const objectives = [{ name: "chat", priority: 1 }];
const pools = {
  llm: { existing: true },
  "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
};
const copying = { stable: "llm", candidate: "llm-new", weight: 0, pools };

const template: PodTemplate = {
  metadata: { labels: { app: "vllm" } },
  spec: {
    containers: [
      {
        name: "vllm",
        image: "vllm/vllm-openai:v0.21.0",
        args: ["--model", "Qwen/Qwen3-8B", "--tensor-parallel-size", "2", "--port", "8000"],
        resources: { limits: { "nvidia.com/gpu": "2" } },
      },
    ],
  },
};

const theirs = (replicas: number): Observed["pools"][number] => ({
  name: "llm",
  namespace: "default",
  owned: false,
  replicas,
  readyReplicas: replicas,
  workloads: [{ kind: "Deployment", name: "vllm", replicas }],
});

function world(copy: Partial<ObservedCopy>): Observed {
  const found: ObservedCopy = { ownNodes: true, namespace: "default", state: "new", ports: [8000], ...copy };
  return {
    ...nothingDeployed,
    pools: [theirs(3)],
    namespaces: { default: "foreign" },
    copies: { "llm-new": found },
  };
}

const pods = { template, selector: { app: "vllm" }, from: "Deployment vllm in namespace default" };

export const copyScenarios: readonly Scenario[] = [
  {
    rule: "like-workload",
    config: copying,
    world: () => world({ state: "none", found: ["Deployment decode", "Deployment prefill"] }),
  },
  { rule: "like-unusable", config: copying, world: () => world({ pods }) },
  {
    rule: "like-reference-missing",
    config: { ...copying, objectives },
    world: () =>
      world({
        pods,
        namespace: "llm-llm-new",
        missing: [
          {
            kind: "Secret",
            name: "hf-token",
            where: ["env HF_TOKEN of container vllm"],
            problem: { kind: "absent" },
            atSource: true,
          },
        ],
      }),
  },
  {
    rule: "existing-pool-too-small",
    config: { ...sourceCase, weight: 0, pools: { ...sourceCase.pools, llm: { existing: true } } },
    world: () => ({
      ...nothingDeployed,
      pools: [theirs(1)],
      namespaces: { default: "foreign" },
      route: {
        backends: [{ pool: "llm-new", namespace: "default", weight: 100 }],
        written: { "llm-new": 100 },
        carried: { llm: 3 },
      },
      record: {
        stable: "llm",
        candidate: "llm-new",
        weights: { "llm-new": 100 },
        pools: {},
        objectives: {},
        waived: [],
      },
    }),
  },
];
