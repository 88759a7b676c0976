import { pathsBelow } from "./local-programs";
import { poolsOf } from "./picker";
import assert from "node:assert/strict";
import { it } from "node:test";
import { acceleratorOf, acceleratorsOf } from "./model-server";
import { programFor } from "./programs";

it("knows the images of a rollout", () => {
  const kind = (image: string, init = false): string | undefined => {
    const program = programFor(image, init);
    return "kind" in program ? program.kind : undefined;
  };
  assert.equal(kind("registry.k8s.io/gateway-api-inference-extension/epp:v1.5.0"), "picker");
  assert.equal(kind("ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.8.0"), "picker");
  assert.equal(kind("vllm/vllm-openai:v0.21.0"), "model-server");
  assert.equal(kind("docker.io/vllm/vllm-openai-cpu:v0.18.1"), "model-server");
  assert.equal(kind("docker.io/vllm/vllm-tpu:v0.22.0"), "model-server");
  assert.equal(kind("lmsysorg/sglang:latest"), "model-server");
  assert.equal(kind("ghcr.io/llm-d/llm-d-inference-sim:v0.10.2"), "model-server");
  assert.equal(kind("gcr.io/k8s-staging-gateway-api/echo-basic:v20251106-v1.3.0"), "echo");
  assert.equal(kind("registry.k8s.io/pause:3.10"), "idle");
  assert.equal(kind("registry.k8s.io/gateway-api-inference-extension/lora-syncer:v1.0.0"), "idle");
  assert.equal(kind("alpine/git", true), "download");
  assert.equal(kind("alpine/git"), undefined);
  assert.equal(kind("example.com/stepp:v1"), undefined);
});

it("says what it knows when it does not know an image", () => {
  const program = programFor("nginx:1.27", false);
  assert.ok("missing" in program);
  assert.match(program.missing, /^the lab has no program for image nginx:1\.27 \(known images: \*\/epp:\*, /);
});

it("finds what a download leaves below its mount", () => {
  const script =
    "git clone https://x/y /adapters/sql-1 && cp -r /tmp/x /adapters/team/food; ls /adapters /adapters/../etc";
  assert.deepEqual(pathsBelow("/adapters", script), ["sql-1", "team/food"]);
});

it("finds the pools of a pod", () => {
  const pool = (name: string, namespace: string, matchLabels: Record<string, string>): object => ({
    metadata: { name, namespace },
    spec: { selector: { matchLabels } },
  });
  const pools = [
    pool("b", "ns", { app: "llm" }),
    pool("a", "ns", { app: "llm", size: "8b" }),
    pool("c", "other", { app: "llm" }),
    pool("d", "ns", {}),
  ];
  const pod = { metadata: { namespace: "ns", labels: { app: "llm", size: "8b" } } };
  assert.equal(poolsOf(pod, pools), "a,b");
  assert.equal(poolsOf({ metadata: { namespace: "ns" } }, pools), "");
});

it("finds a pod's accelerators", () => {
  const tpu = { metadata: { labels: { "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice" } } };
  assert.equal(acceleratorOf(tpu, undefined), "tpu-v6e-slice");
  assert.equal(acceleratorOf(undefined, { "cloud.google.com/gke-accelerator": "nvidia-l4" }), "nvidia-l4");
  assert.equal(acceleratorOf(undefined, undefined), "");
  assert.equal(acceleratorsOf({ "google.com/tpu": "4" }), 4);
  assert.equal(acceleratorsOf(undefined), 0);
});
