import { nothingDeployed } from "../../../stacks/plan/model";
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { renderedSoFar, type Registered } from "../../rendering";
import { renderService } from "../../stacks/rendered-service";
import { adapterCase, baseModelCase, v2 } from "../../stacks/adapter-cases";
import { sourceCase } from "../../stacks/cases";
import type { RawConfig } from "../../../stacks/config/parse";

const render = (raw: RawConfig, loaded?: (pool: string) => Promise<void>): Promise<Registered[]> =>
  renderService(raw, nothingDeployed, loaded);

const ofKind = (resources: readonly Registered[], kind: string): Registered["inputs"][] =>
  resources.map(({ inputs }) => inputs).filter((inputs) => inputs["kind"] === kind);
const nameOf = (inputs: Registered["inputs"]): string => (inputs["metadata"] as { name: string }).name;
const named = (resources: readonly Registered[], kind: string, name: string): Registered["inputs"] => {
  const found = ofKind(resources, kind).filter((inputs) => nameOf(inputs) === name);
  assert.equal(found.length, 1, `${kind} ${name}`);
  return found[0]!;
};

interface PodSpec {
  serviceAccountName?: string;
  automountServiceAccountToken: boolean;
  containers: { args: string[]; env: { name: string; value?: string }[]; volumeMounts: { name: string }[] }[];
  initContainers?: {
    restartPolicy: string;
    image: string;
    readinessProbe: { httpGet: { path: string } };
    volumeMounts: { name: string; subPath?: string }[];
  }[];
  volumes: { name: string; configMap?: { name: string } }[];
}
const podOf = (resources: readonly Registered[], pool: string): PodSpec =>
  (named(resources, "Deployment", pool)["spec"] as { template: { spec: PodSpec } }).template.spec;

describe("a base-model rollout with adapters and an alias", () => {
  let resources: Registered[] = [];
  before(async () => {
    resources = await render(baseModelCase);
  });

  it("has one InferenceModelRewrite for each pool, in names that two pools of a namespace can share", () => {
    const rewrites = ofKind(resources, "InferenceModelRewrite");
    assert.deepEqual(
      rewrites.map((inputs) => [
        nameOf(inputs),
        (inputs["spec"] as { poolRef: object }).poolRef,
        inputs["apiVersion"],
      ]),
      ["llm-pool", "llm-pool-version-2"].map((pool) => [
        `${pool}-names`,
        { group: "inference.networking.k8s.io", kind: "InferencePool", name: pool },
        "inference.networking.x-k8s.io/v1alpha2",
      ]),
    );
  });

  it("answers the old model's name and the alias with each pool's own model", () => {
    const { rules } = named(resources, "InferenceModelRewrite", "llm-pool-version-2-names")["spec"] as {
      rules: { matches: { model: { value: string } }[]; targets: object[] }[];
    };
    const chat = rules.find(({ matches }) => matches[0]?.model.value === "chat");
    assert.deepEqual(chat, {
      matches: [{ model: { type: "Exact", value: "chat" } }],
      targets: [{ modelRewrite: "Qwen/Qwen3-14B", weight: 100 }],
    });
    assert.ok(rules.some(({ matches }) => matches[0]?.model.value === "Qwen/Qwen3-8B"));
  });

  it("loads the same list in both pools", () => {
    const lists = ["llm-pool", "llm-pool-version-2"].map(
      (pool) => named(resources, "ConfigMap", `${pool}-adapters`)["data"],
    );
    assert.deepEqual(lists[0], lists[1]);
    assert.match(JSON.stringify(lists[0]), /food-review-v1/);
  });
});

describe("model servers with adapters", () => {
  let resources: Registered[] = [];
  before(async () => {
    resources = await render(adapterCase({ candidate: v2, weight: 10 }));
  });

  it("have a sidecar of their own image that makes the pod ready only with all of them", () => {
    const spec = podOf(resources, "llm");
    const [sidecar] = spec.initContainers ?? [];
    assert.equal(sidecar?.restartPolicy, "Always");
    assert.equal(sidecar.image, "vllm/vllm-openai:v0.21.0");
    assert.equal(sidecar.readinessProbe.httpGet.path, "/ready");
    const list = sidecar.volumeMounts.find(({ name }) => name === "adapter-list");
    assert.ok(list !== undefined && list.subPath === undefined, "a subPath would never see a change");
  });

  it("are not reached by customers where adapters are loaded and unloaded", () => {
    const { rules } = named(resources, "HTTPRoute", "closed-paths-of-llm")["spec"] as {
      rules: {
        matches: { path: { value: string } }[];
        backendRefs?: object[];
        filters: { type: string }[];
      }[];
    };
    const closed = rules.flatMap(({ matches }) => matches.map(({ path }) => path.value));
    for (const path of ["/v1/load_lora_adapter", "/v1/unload_lora_adapter"]) assert.ok(closed.includes(path));
    assert.ok(rules.every(({ backendRefs, filters }) => backendRefs === undefined && filters.length === 1));
  });

  it("may load adapters while they run", () => {
    const [server] = podOf(resources, "llm").containers;
    assert.ok(server !== undefined && server.args.includes("--enable-lora"));
    assert.ok(
      server.env.some(({ name, value }) => name === "VLLM_ALLOW_RUNTIME_LORA_UPDATING" && value === "true"),
    );
  });

  it("have no token; their sidecar has one that may write pods' status and nothing else", () => {
    const spec = podOf(resources, "llm");
    assert.equal(spec.automountServiceAccountToken, false);
    assert.ok(
      !spec.containers.some(({ volumeMounts }) => volumeMounts.some(({ name }) => name === "loader-account")),
    );
    const role = named(resources, "Role", spec.serviceAccountName ?? "");
    assert.deepEqual(role["rules"], [{ apiGroups: [""], resources: ["pods/status"], verbs: ["patch"] }]);
    const policy = ofKind(resources, "ValidatingAdmissionPolicy").find((inputs) =>
      nameOf(inputs).endsWith("own-pod"),
    );
    assert.match(JSON.stringify(policy), /authentication\.kubernetes\.io\/pod-name/);
  });

  it("are not restarted by a version that comes, a weight that moves, or a version that goes", async () => {
    const server = async (raw: RawConfig): Promise<unknown> => named(await render(raw), "Deployment", "llm");
    const before = await server(adapterCase({}));
    for (const adapter of [{ candidate: v2 }, { candidate: v2, weight: 99 }, v2])
      assert.deepEqual(await server(adapterCase(adapter)), before);
  });

  it("are waited for before anything names their pool", async () => {
    let during: string[] = [];
    const all = await render(adapterCase({}), async () => {
      await sleep(500);
      during = renderedSoFar().map(
        ({ inputs }) => (inputs["metadata"] as { name?: string } | undefined)?.name ?? "",
      );
    });
    assert.ok(during.includes("llm"));
    for (const [kind, name] of [
      ["HTTPRoute", "routes-to-llm"],
      ["InferenceModelRewrite", "llm-names"],
    ] as const) {
      assert.ok(!during.includes(name), name);
      named(all, kind, name);
    }
  });
});

it("a service without adapters and aliases has nothing of all this", async () => {
  const resources = await render(sourceCase);
  assert.deepEqual(ofKind(resources, "InferenceModelRewrite"), []);
  assert.equal(podOf(resources, "llm").initContainers, undefined);
  // The closed paths are every engine's, whatever the pools load.
  const others = resources.filter(
    ({ inputs }) => (inputs["metadata"] as { name?: string } | undefined)?.name !== "closed-paths-of-llm",
  );
  assert.doesNotMatch(JSON.stringify(others), /adapter|enable-lora/i);
});
