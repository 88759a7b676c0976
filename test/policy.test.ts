import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rolloutPlanType as registeredType } from "../components/route/rollout-plan";
import { unpinnedImages } from "../policy/rules/images";
import { clearTextListeners } from "../policy/rules/listeners";
import type { Asked, Container } from "../policy/rules/pod-specs";
import { removedUnderTraffic, rolloutPlanType, tooLargeStep } from "../policy/rules/rollout";
import { plainSecrets } from "../policy/rules/secrets";

const deployment = (container: Container): Asked => ({
  type: "kubernetes:apps/v1:Deployment",
  props: { spec: { template: { spec: { containers: [{ name: "vllm", image: "a:v1", ...container }] } } } },
});

const rollOut = (props: object): Asked => ({ type: rolloutPlanType, props: { ...props } });

describe("the largest step", () => {
  const move = (previousWeight: number, weight: number): Asked =>
    rollOut({ stable: "llm", candidate: "llm-new", previousWeight, weight, removed: [] });

  it("is about the resource that the program registers", () => {
    assert.equal(rolloutPlanType, registeredType);
  });

  it("bounds steps up", () => {
    assert.deepEqual(tooLargeStep(move(0, 40), 40), []);
    assert.deepEqual(tooLargeStep(move(60, 100), 40), []);
    const [violation] = tooLargeStep(move(10, 60), 40);
    assert.match(violation!, /llm-new would go from 10 to 60 % .* --to 50$/);
  });

  it("lets any way back pass", () => {
    assert.deepEqual(tooLargeStep(move(100, 0), 1), []);
    assert.deepEqual(
      tooLargeStep(rollOut({ stable: "llm", weight: 0, previousWeight: 0, removed: [] }), 1),
      [],
    );
  });

  it("says nothing of other resources", () => {
    assert.deepEqual(tooLargeStep(deployment({}), 1), []);
  });
});

describe("a removal under traffic", () => {
  it("is found by the share that the pool had", () => {
    const removed = [
      { pool: "llm", share: 0 },
      { pool: "llm-new", share: 30 },
    ];
    const violations = removedUnderTraffic(rollOut({ stable: "llm", weight: 0, previousWeight: 0, removed }));
    assert.equal(violations.length, 1);
    assert.match(violations[0]!, /pool llm-new .* 30 %/);
  });

  it("is none after the traffic has gone", () => {
    assert.deepEqual(removedUnderTraffic(rollOut({ removed: [{ pool: "llm", share: 0 }] })), []);
    assert.deepEqual(removedUnderTraffic(rollOut({})), []);
  });
});

describe("public listeners", () => {
  const gateway = (gatewayClassName: string, ...listeners: object[]): Asked => ({
    type: "kubernetes:gateway.networking.k8s.io/v1:Gateway",
    props: { spec: { gatewayClassName, listeners } },
  });
  const clear = { name: "http", protocol: "HTTP", port: 80 };
  const encrypted = { name: "https", protocol: "HTTPS", tls: { certificateRefs: [{ name: "cert" }] } };

  it("are encrypted", () => {
    assert.deepEqual(clearTextListeners(gateway("gke-l7-regional-external-managed", encrypted)), []);
    const found = clearTextListeners(gateway("gke-l7-regional-external-managed", encrypted, clear));
    assert.equal(found.length, 1);
    assert.match(found[0]!, /listener http of a public gateway .* HTTP in clear text/);
  });

  it("have a certificate where they say that they are encrypted", () => {
    for (const tls of [undefined, {}, { certificateRefs: [] }]) {
      assert.equal(clearTextListeners(gateway("gke-l7-gxlb", { ...encrypted, tls })).length, 1);
    }
    assert.deepEqual(
      clearTextListeners(gateway("gke-l7-gxlb", { protocol: "TLS", tls: { mode: "Passthrough" } })),
      [],
    );
  });

  it("are any of a class that is not known to be internal", () => {
    for (const name of ["gke-l7-rilb", "gke-l7-cross-regional-internal-managed-mc"]) {
      assert.deepEqual(clearTextListeners(gateway(name, clear)), []);
    }
    for (const name of ["", "istio", "gke-l7-rilb-public", "gke-l7-global-external-managed"]) {
      assert.equal(clearTextListeners(gateway(name, clear)).length, 1, name);
    }
  });

  it("are no load balancers past the gateway", () => {
    const service = (spec: object, annotations: object = {}): Asked => ({
      type: "kubernetes:core/v1:Service",
      props: { metadata: { annotations }, spec },
    });
    assert.equal(clearTextListeners(service({ type: "LoadBalancer" })).length, 1);
    assert.deepEqual(clearTextListeners(service({ type: "ClusterIP" })), []);
    assert.deepEqual(
      clearTextListeners(
        service({ type: "LoadBalancer" }, { "networking.gke.io/load-balancer-type": "Internal" }),
      ),
      [],
    );
  });
});

describe("images", () => {
  const digest = `@sha256:${"a".repeat(64)}`;

  it("have a version or a digest", () => {
    for (const image of [
      "vllm/vllm-openai:v0.21.0",
      "host:5000/a/b:1",
      `a/b${digest}`,
      `a/b:latest${digest}`,
    ]) {
      assert.deepEqual(unpinnedImages(deployment({ image })), [], image);
    }
    for (const image of ["vllm/vllm-openai", "a/b:latest", "host:5000/a/b", "a:main", "a:nightly", ""]) {
      assert.equal(unpinnedImages(deployment({ image })).length, 1, image);
    }
    assert.equal(unpinnedImages({ ...deployment({}), props: { containers: [{ name: "x" }] } }).length, 1);
  });

  it("have a digest where that is asked for", () => {
    assert.equal(unpinnedImages(deployment({ image: "a:v1" }), { requireDigest: true }).length, 1);
    assert.deepEqual(unpinnedImages(deployment({ image: `a:v1${digest}` }), { requireDigest: true }), []);
  });

  it("are found wherever pods are described", () => {
    const spec = {
      containers: [{ name: "a", image: "a" }],
      initContainers: [{ name: "b", image: "b:latest" }],
    };
    const kinds: [string, object][] = [
      ["kubernetes:core/v1:Pod", { spec }],
      ["kubernetes:batch/v1:CronJob", { spec: { jobTemplate: { spec: { template: { spec } } } } }],
      [
        "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet",
        { spec: { leaderWorkerTemplate: { leaderTemplate: { spec }, workerTemplate: { spec } } } },
      ],
    ];
    assert.deepEqual(
      kinds.map(([type, props]) => unpinnedImages({ type, props: { ...props } }).length),
      [2, 2, 4],
    );
    assert.deepEqual(
      unpinnedImages({ type: "gcp:cloudrun/service:Service", props: { containers: [{}] } }),
      [],
    );
  });
});

describe("secrets in pod specs", () => {
  const token = `hf_${"a".repeat(34)}`;

  it("are found by the names of variables and flags, and by how they look", () => {
    const bad: Container[] = [
      { env: [{ name: "HF_TOKEN", value: "x" }] },
      { env: [{ name: "VLLM_API_KEY", value: "x" }] },
      { env: [{ name: "DB_PASSWORD", value: "x" }] },
      { env: [{ name: "ANYTHING", value: token }] },
      { args: ["--api-key", "abc"] },
      { args: ["--hf-token=abc"] },
      { args: ["--model", token] },
      { command: ["sh", "-c", `login ${token}`] },
    ];
    for (const container of bad) {
      const found = plainSecrets(deployment(container));
      assert.equal(found.length, 1, JSON.stringify(container));
      assert.ok(!found[0]!.includes(token), "the secret is told");
    }
  });

  it("are not what only sounds like one", () => {
    const good: Container[] = [
      { env: [{ name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: "a", key: "b" } } }] },
      { env: [{ name: "TOKENIZERS_PARALLELISM", value: "true" }] },
      { env: [{ name: "MAX_TOKENS", value: "100" }] },
      { env: [{ name: "HF_TOKEN_PATH", value: "/secrets/token" }] },
      { env: [{ name: "GOOGLE_APPLICATION_CREDENTIALS", value: "/var/run/key.json" }] },
      { args: ["--max-num-batched-tokens", "8192", "--api-key", "$(API_KEY)"] },
      { args: ["--api-key"] },
      { args: ["--enable-lora", "--max-loras", "2"] },
    ];
    for (const container of good) {
      assert.deepEqual(plainSecrets(deployment(container)), [], JSON.stringify(container));
    }
  });
});
