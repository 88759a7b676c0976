import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { adapterLoading, adapterMount } from "../../../components/adapters/adapter-loading";
import { newestRendering } from "../../../components/engines/catalogue";
import { vllm } from "../../../components/engines/vllm";
import { adaptersCondition } from "../../../components/names";
import type { Pod } from "../../../lab/pods/objects";
import { eventually } from "../../../lab/processes/patience";
import { ready, SmallCluster } from "../../../lab/pods/small-cluster";

/*
 * The sidecar as the program renders it, its own program run by this machine's Python, against a real API server
 * with the rights it has in production and a simulated vLLM.
 */

const model = "Qwen/Qwen3-8B";
const support = vllm.adapters.supported ? vllm.adapters : undefined;
const pool = "llm";
const own = `${pool}-adapters`;
const loaderText = fs.readFileSync(
  path.join(__dirname, "..", "..", "..", "components", "adapters", "adapter-loader.py"),
  "utf8",
);

const configMap = (name: string, data: Record<string, string>): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data,
});
const listOf = (revision: string, ...adapters: string[]): object =>
  configMap(own, {
    "adapters.json": JSON.stringify({
      revision,
      adapters: adapters.map((name) => ({ name, source: `acme/${name}` })),
    }),
  });

const rights: object[] = [
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: own, namespace: "default" } },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: own, namespace: "default" },
    rules: [{ apiGroups: [""], resources: ["pods/status"], verbs: ["patch"] }],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: own, namespace: "default" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: own },
    subjects: [{ kind: "ServiceAccount", name: own, namespace: "default" }],
  },
];

function serverPod(name: string): object {
  const image = "vllm/vllm-openai:v0.21.0";
  const loading = adapterLoading({ pool, image, serverPort: 8000, rendering: newestRendering });
  const health = { httpGet: { path: "/health", port: "http" }, periodSeconds: 1 };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: pool } },
    spec: {
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      serviceAccountName: loading.serviceAccountName,
      initContainers: [loading.sidecar],
      containers: [
        {
          name: "vllm",
          image,
          command: ["python3", "-m", "vllm.entrypoints.openai.api_server"],
          args: ["--model", model, "--shutdown-timeout", "90", ...(support?.flags ?? [])],
          env: [...(support?.environment ?? [])],
          ports: [{ name: "http", containerPort: 8000 }],
          startupProbe: { ...health, failureThreshold: 600 },
          readinessProbe: { ...health, failureThreshold: 1 },
          resources: { limits: { "nvidia.com/gpu": "1" } },
          volumeMounts: [adapterMount],
        },
      ],
      volumes: loading.volumes,
    },
  };
}

describe("a model server's adapters", { concurrency: false }, () => {
  let cluster: SmallCluster;
  before(async () => {
    cluster = await SmallCluster.start();
    await cluster.nodes(0, 1);
    await cluster.apply(
      ...rights,
      configMap(`${pool}-adapter-loader`, { "adapter-loader.py": loaderText }),
      listOf("r1", "food-v1"),
    );
  });
  after(() => cluster.stop());

  const said = (pod: Pod | undefined): string => {
    const found = pod?.status?.conditions?.find(({ type }) => type === adaptersCondition);
    return found === undefined ? "" : `${found.status} ${found.reason ?? ""} ${found.message ?? ""}`;
  };
  const untilSaid = (name: string, pattern: RegExp): Promise<Pod> =>
    eventually(`${name} says ${pattern.source}`, async () => {
      const pod = await cluster.pod(name);
      return pod !== undefined && pattern.test(said(pod)) ? pod : undefined;
    });
  const isReady = async (name: string, expected: boolean): Promise<boolean> =>
    eventually(
      `${name} is ${expected ? "" : "not "}ready`,
      async () => ready(await cluster.pod(name)) === expected,
    );
  const lose = (...lost: string[]): Promise<Response> =>
    fetch(`${cluster.simulator}/registry`, { method: "POST", body: JSON.stringify({ lost }) });
  const restarts = (pod: Pod | undefined): number[] =>
    [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])].map(
      ({ restartCount }) => restartCount,
    );

  it("are loaded before the pod is ready, and the pod says which", async () => {
    await cluster.apply(serverPod("one"));
    await isReady("one", true);
    assert.match(said(await cluster.pod("one")), /^True Loaded revision r1: food-v1$/);
  });

  it("come with a new list, into a pod that goes on serving", async () => {
    await cluster.apply(listOf("r2", "food-v1", "food-v2"));
    const pod = await untilSaid("one", /^True Loaded revision r2: food-v1, food-v2$/);
    assert.ok(ready(pod));
    assert.deepEqual(restarts(pod), [0, 0]);
  });

  it("that a server refuses are told in its own words, and do not take the pod's other adapters down", async () => {
    await lose("acme/food-v3");
    await cluster.apply(listOf("r3", "food-v1", "food-v2", "food-v3"));
    const refused =
      /^False Failed revision r3: adapter food-v3: 404 Loading lora food-v3 failed: No adapter found for acme\/food-v3$/;
    assert.ok(ready(await untilSaid("one", refused)));
    await cluster.apply(serverPod("new"));
    await untilSaid("new", refused);
    assert.ok(!ready(await cluster.pod("new")), "a pod that starts without it gets nothing");
    await lose();
    await untilSaid("one", /^True Loaded revision r3/);
    await isReady("new", true);
    await cluster.deletePod("new", 0);
    await eventually("new is gone", async () => (await cluster.pod("new")) === undefined);
  });

  it("are loaded again by a server that was restarted, which is not ready before", async () => {
    await lose("acme/food-v2");
    const servers = (await (await fetch(`${cluster.simulator}/servers`)).json()) as { id: string }[];
    await fetch(`${cluster.simulator}/servers/${servers[0]?.id ?? ""}/kill`, { method: "POST" });
    await isReady("one", false);
    const pod = await untilSaid("one", /^False Failed .*adapter food-v2: 404/);
    assert.ok(!ready(pod));
    const main = pod.status?.containerStatuses?.[0];
    assert.ok(main?.restartCount === 1 && main.ready, "the server itself is well, and still gets nothing");
    await lose();
    await isReady("one", true);
  });

  it("are loaded by a pod that comes later", async () => {
    await cluster.apply(serverPod("two"));
    await isReady("two", true);
    assert.match(said(await cluster.pod("two")), /^True Loaded revision r3/);
  });

  it("leave with the pod: its end waits for nothing", async () => {
    await cluster.deletePod("two");
    await eventually("two is gone", async () => (await cluster.pod("two")) === undefined);
  });
});
