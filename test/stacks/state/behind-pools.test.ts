import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { partsBehind } from "../../../stacks/state/behind-pools";
import { ClusterUnreadable, type ClusterReader, type LiveObject } from "../../../stacks/state/cluster-reader";

/* What the extension's chart makes beside a pool, found from the pool. */

const pool: LiveObject = {
  metadata: { name: "llm", namespace: "default" },
  spec: {
    selector: { matchLabels: { app: "vllm" } },
    endpointPickerRef: { name: "llm-epp", port: { number: 9002 } },
  },
};

const workload = (kind: string, name: string, app: string, spec: object = {}): LiveObject => ({
  kind,
  metadata: { name, namespace: "default" },
  spec: { template: { metadata: { labels: { app } }, spec } },
});

const picker = workload("Deployment", "llm-epp", "epp", {
  serviceAccountName: "llm-epp",
  volumes: [{ configMap: { name: "llm-epp" } }, { projected: { sources: [{ secret: { name: "token" } }] } }],
  containers: [
    { env: [{ valueFrom: { secretKeyRef: { name: "key" } } }], envFrom: [{ configMapRef: { name: "env" } }] },
  ],
});

const binding = (name: string, kind: string, role: string, account = "llm-epp"): LiveObject => ({
  metadata: { name },
  roleRef: { kind, name: role },
  subjects: [{ kind: "ServiceAccount", name: account, namespace: "default" }],
});

const policy = (name: string, kind: string, target: string): LiveObject => ({
  metadata: { name },
  spec: { targetRef: { kind, name: target } },
});

const reader = (forbidden = false): ClusterReader => ({
  get: (path) =>
    Promise.resolve(
      path === "/api/v1/namespaces/default/services/llm-epp"
        ? { metadata: { name: "llm-epp" }, spec: { selector: { app: "epp" } } }
        : undefined,
    ),
  list: (path) => {
    if (forbidden) return Promise.reject(new ClusterUnreadable("forbidden", path));
    if (path.includes("networking.gke.io"))
      return Promise.resolve([
        policy("llm", "InferencePool", "llm"),
        policy("another", "InferencePool", "chat"),
        policy("web", "Service", "llm"),
      ]);
    return Promise.resolve(
      path.includes("clusterrolebindings")
        ? [
            binding("reviewer", "ClusterRole", "system:auth-delegator"),
            binding("pods", "ClusterRole", "pod-read"),
            binding("other", "ClusterRole", "theirs", "somebody"),
          ]
        : [binding("llm-epp", "Role", "llm-epp")],
    );
  },
});

const others = [
  workload("Deployment", "dashboard", "grafana"),
  workload("StatefulSet", "vllm", "vllm"),
  picker,
];
const named = (parts: readonly { resource: string; namespace?: string; name: string }[]): string[] =>
  parts.map(({ resource, namespace, name }) => `${resource} ${namespace ?? ""}/${name}`);

describe("what stands behind a pool of others", () => {
  it("is its servers, its picker, and what the picker's pods name", async () => {
    assert.deepEqual(named(await partsBehind(reader(), pool, "default", others)), [
      "clusterrolebindings /pods",
      "clusterrolebindings /reviewer",
      "clusterroles /pod-read",
      "configmaps default/env",
      "configmaps default/llm-epp",
      "deployments default/llm-epp",
      "gcpbackendpolicies default/llm",
      "healthcheckpolicies default/llm",
      "rolebindings default/llm-epp",
      "roles default/llm-epp",
      "secrets default/key",
      "secrets default/token",
      "serviceaccounts default/llm-epp",
      "services default/llm-epp",
      "statefulsets default/vllm",
    ]);
  });

  it("is what can be seen, where the roles cannot", async () => {
    const parts = named(await partsBehind(reader(true), pool, "default", others));
    assert.ok(parts.includes("services default/llm-epp") && !parts.some((part) => part.startsWith("role")));
  });

  it("is its servers where its picker is not there", async () => {
    const gone = { ...pool, spec: { ...(pool["spec"] as object), endpointPickerRef: { name: "none" } } };
    assert.deepEqual(named(await partsBehind(reader(), gone, "default", others)), [
      "gcpbackendpolicies default/llm",
      "healthcheckpolicies default/llm",
      "statefulsets default/vllm",
    ]);
  });
});
