import { nothingDeployed } from "../../../stacks/plan/model";
import { renderService } from "../../stacks/rendered-service";
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Registered } from "../../rendering";
import { sourceCase } from "../../stacks/cases";

/* What a user sets of the model servers' pods, as the pods have it. */

const secret = "sk-live-of-an-env";
const server = {
  env: {
    PLAIN: "text",
    NUMBER: 8,
    HF_HOME: "/elsewhere",
    API_KEY: secret,
    HUB: { secret: "hub-credentials", key: "token" },
  },
  resources: { cpu: "8", memory: "32Gi", ephemeralStorage: "200Gi" },
  shmGb: 16,
  volumes: [
    {
      ...{ name: "templates", mountPath: "/templates", readOnly: true, subPath: "chat" },
      configMap: { name: "chat-templates" },
    },
  ],
  priorityClassName: "serving",
  labels: { team: "search" },
  annotations: { "acme.com/owner": "search" },
  podPatch: {
    metadata: { labels: { tier: "gold" } },
    spec: {
      hostIPC: true,
      tolerations: [{ key: "team", operator: "Exists" }],
      containers: [
        { name: "vllm", securityContext: { capabilities: { add: ["IPC_LOCK"] } } },
        { name: "log", image: "example.com/log:v1" },
      ],
    },
  },
};
const pools = {
  llm: { accelerator: "nvidia-l4", replicas: 2, server },
  "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb" },
};

interface Spec {
  containers: { [field: string]: unknown; name: string; env: { name: string; value?: string }[] }[];
  volumes: object[];
  tolerations: object[];
  [field: string]: unknown;
}
interface Template {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> };
  spec: Spec;
}

const secretMark = "4dabf18193072939515e22adb298388d";
const isSecret = (value: unknown): value is { value: unknown } =>
  typeof value === "object" && value !== null && secretMark in value;

describe("settings of a model server's pods", () => {
  let resources: Registered[] = [];
  before(async () => {
    resources = await renderService(
      { ...sourceCase, pools },
      nothingDeployed,
      undefined,
      new Set(["pools.llm.server.env.API_KEY"]),
    );
  });

  const template = (pool: string): Template => {
    const found = resources.find(({ type, name }) => type.endsWith(":Deployment") && name === pool);
    return (found?.inputs["spec"] as { template: Template }).template;
  };

  it("are in the pods, of a pool that takes them over too", () => {
    for (const pool of ["llm", "llm-new"]) {
      const { metadata, spec } = template(pool);
      const [container, sidecar] = spec.containers;
      assert.deepEqual(
        container?.env.filter(({ name }) => name !== "HF_TOKEN"),
        [
          { name: "VLLM_HTTP_TIMEOUT_KEEP_ALIVE", value: "620" },
          { name: "API_KEY", valueFrom: { secretKeyRef: { name: `${pool}-arguments`, key: "API_KEY" } } },
          { name: "HF_HOME", value: "/elsewhere" },
          { name: "HUB", valueFrom: { secretKeyRef: { name: "hub-credentials", key: "token" } } },
          { name: "NUMBER", value: "8" },
          { name: "PLAIN", value: "text" },
        ],
        "the user's value takes the place of the default",
      );
      const { limits, requests } = container["resources"] as Record<string, Record<string, string>>;
      assert.deepEqual(Object.keys(limits ?? {}), ["nvidia.com/gpu"]);
      assert.deepEqual(
        { ...requests, "nvidia.com/gpu": "" },
        { "nvidia.com/gpu": "", cpu: "8", memory: "32Gi", "ephemeral-storage": "200Gi" },
      );
      assert.deepEqual(spec.volumes, [
        { name: "cache", emptyDir: {} },
        { name: "shm", emptyDir: { medium: "Memory", sizeLimit: "16Gi" } },
        { name: "templates", configMap: { name: "chat-templates" } },
      ]);
      assert.deepEqual((container["volumeMounts"] as object[]).at(-1), {
        ...{ name: "templates", mountPath: "/templates", subPath: "chat", readOnly: true },
      });
      assert.equal(spec["priorityClassName"], "serving");
      assert.equal(metadata.labels["team"], "search");
      assert.equal(metadata.labels["tier"], "gold");
      assert.equal(metadata.labels["app"], pool, "what the InferencePool selects");
      assert.equal(metadata.annotations["acme.com/owner"], "search");
      assert.equal(spec["hostIPC"], true);
      assert.deepEqual(container["securityContext"], {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"], add: ["IPC_LOCK"] },
      });
      assert.equal(sidecar?.name, "log");
      assert.deepEqual(
        spec.tolerations.map((one) => (one as { key: string }).key),
        ["nvidia.com/gpu", "team"],
        "tolerations are added: without the pool's own no node takes the pod",
      );
    }
  });

  it("keep a secret value in the pool's Secret, a secret to Pulumi, and nowhere else", () => {
    const holding = resources.filter(({ inputs }) => JSON.stringify(inputs).includes(secret));
    assert.deepEqual(
      holding.map(({ type, name }) => [type, name]),
      [
        ["kubernetes:core/v1:Secret", "llm-arguments"],
        ["kubernetes:core/v1:Secret", "llm-new-arguments"],
      ],
    );
    for (const { inputs } of holding) {
      const data = inputs["stringData"] as Record<string, unknown>;
      const value = isSecret(data) ? (data.value as Record<string, unknown>)["API_KEY"] : data["API_KEY"];
      assert.ok(isSecret(data) || isSecret(value), JSON.stringify(data));
    }
    assert.match(
      template("llm").metadata.annotations["inference-rollout/secrets"] ?? "",
      /^[A-Za-z0-9]{12}$/,
      "pods that get another value restart",
    );
  });

  it("reach the leader and the workers of a group, whose commands stay the rollout's", async () => {
    const { podPatch, ...rest } = server;
    const group = {
      ...{ accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, replicas: 1, zones: ["us-central1-a"] },
      server: { ...rest, podPatch: { spec: { ...podPatch.spec, tolerations: [] } } },
    };
    const made = await renderService({ ...sourceCase, candidate: "", weight: 0, pools: { llm: group } });
    const set = made.find(({ type }) => type.includes("LeaderWorkerSet"));
    const { leaderTemplate, workerTemplate } = (
      set?.inputs["spec"] as { leaderWorkerTemplate: Record<string, Template> }
    ).leaderWorkerTemplate;
    for (const { metadata, spec } of [leaderTemplate, workerTemplate] as Template[]) {
      const [container, sidecar] = spec.containers;
      assert.deepEqual((container?.["command"] as string[]).slice(0, 2), ["bash", "-c"]);
      assert.ok(container?.env.some(({ name }) => name === "PLAIN"));
      assert.equal(sidecar?.["command"], undefined);
      assert.equal(metadata.labels["team"], "search");
      assert.equal(spec["priorityClassName"], "serving");
      assert.equal(spec["hostIPC"], true);
      const { requests } = container!["resources"] as { requests?: object };
      assert.ok(requests !== undefined);
    }
  });

  it("leave out what they do not say: pods of a pool without settings are what they were", async () => {
    const plain = await renderService(sourceCase);
    const found = plain.find(({ type, name }) => type.endsWith(":Deployment") && name === "llm");
    const { metadata, spec } = (found?.inputs["spec"] as { template: Template }).template;
    assert.equal(metadata.annotations, undefined);
    assert.deepEqual(spec.volumes, [
      { name: "cache", emptyDir: {} },
      { name: "shm", emptyDir: { medium: "Memory" } },
    ]);
    assert.ok(!("priorityClassName" in spec));
  });
});
