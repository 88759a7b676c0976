import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api } from "@kubernetes/client-node";
import { loadKubeconfig } from "../cluster/objects";
import { isAlive } from "../processes/identity";
import type { Pod } from "./objects";
import { eventually } from "../processes/patience";
import { ready, SmallCluster } from "./small-cluster";

const namespace = "default";

const plugins = `apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: max-score-picker
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: queue-scorer
  - pluginRef: max-score-picker
`;

/** What the extension's chart makes for the picker of a pool, its rights left out. */
function picker(name: string, extra: { args?: string[]; spec?: object; grpcPort?: number } = {}): object[] {
  const metadata = { name: `${name}-epp`, namespace, labels: { epp: name } };
  const probe = { grpc: { port: 9003, service: "inference-extension" } };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "plugins.yaml": plugins } },
    {
      ...{
        apiVersion: "inference.networking.k8s.io/v1",
        kind: "InferencePool",
        metadata: { name, namespace },
      },
      spec: {
        selector: { matchLabels: { app: name } },
        targetPorts: [{ number: 8000 }],
        endpointPickerRef: { name: `${name}-epp`, port: { number: extra.grpcPort ?? 9002 } },
      },
    },
    {
      ...{ apiVersion: "v1", kind: "Pod", metadata },
      spec: {
        serviceAccountName: `${name}-epp`,
        terminationGracePeriodSeconds: 10,
        containers: [
          {
            name: "epp",
            image: "registry.k8s.io/gateway-api-inference-extension/epp:v1.5.0",
            args: [
              ...[
                "--pool-name",
                name,
                "--pool-namespace",
                "$(NAMESPACE)",
                "--config-file",
                "/config/plugins.yaml",
              ],
              ...["--secure-serving=false", "--metrics-endpoint-auth=false", "--tracing=false"],
              ...(extra.args ?? []),
            ],
            env: [{ name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } }],
            readinessProbe: { ...probe, periodSeconds: 1 },
            livenessProbe: { ...probe, initialDelaySeconds: 5, periodSeconds: 10 },
            volumeMounts: [{ name: "config", mountPath: "/config" }],
          },
        ],
        volumes: [{ name: "config", configMap: { name: `${name}-epp` } }],
        ...extra.spec,
      },
    },
  ];
}

/** The rights that the extension's chart gives to the picker. */
function rights(name: string): object[] {
  const metadata = { name: `${name}-epp`, namespace };
  const verbs = ["get", "watch", "list"];
  const group = "rbac.authorization.k8s.io";
  return [
    {
      ...{ apiVersion: `${group}/v1`, kind: "Role", metadata },
      rules: [
        { apiGroups: [""], resources: ["pods"], verbs },
        { apiGroups: ["inference.networking.k8s.io"], resources: ["inferencepools"], verbs },
        {
          apiGroups: ["inference.networking.x-k8s.io"],
          resources: ["inferenceobjectives", "inferencemodelrewrites"],
          verbs,
        },
      ],
    },
    {
      ...{ apiVersion: `${group}/v1`, kind: "RoleBinding", metadata },
      subjects: [{ kind: "ServiceAccount", name: `${name}-epp`, namespace }],
      roleRef: { apiGroup: group, kind: "Role", name: `${name}-epp` },
    },
  ];
}

describe("pods of real endpoint pickers", { concurrency: false }, () => {
  let cluster: SmallCluster;
  before(async () => {
    cluster = await SmallCluster.start();
    await cluster.nodes(0, 1);
  });
  after(() => cluster.stop());

  const untilReady = (name: string): Promise<Pod> =>
    eventually(`${name} is Ready`, async () => {
      const pod = await cluster.pod(`${name}-epp`);
      return ready(pod) ? pod : undefined;
    });
  const remove = async (name: string): Promise<void> => {
    await cluster.deletePod(`${name}-epp`);
    await eventually(`${name} is gone`, async () => (await cluster.pod(`${name}-epp`)) === undefined);
  };
  const pidOf = async (name: string): Promise<number | undefined> => {
    const { pods } = await cluster.state();
    return pods.find((pod) => pod.name === `${name}-epp`)?.containers[0]?.pid;
  };
  const metricsOf = async (pod: Pod | undefined): Promise<string> =>
    (await fetch(`http://${pod?.status?.podIP ?? ""}:9090/metrics`)).text();
  const log = (name: string): string =>
    fs.readFileSync(path.join(cluster.podsFolder, "logs", `default_${name}-epp_epp.log`), "utf8");

  it("are Ready with the chart's rights, two at once on the same ports", async () => {
    for (const name of ["one", "two"]) await cluster.apply(...rights(name), ...picker(name));
    const pods = [await untilReady("one"), await untilReady("two")];
    for (const pod of pods) {
      const name = pod.metadata?.labels?.["epp"] ?? "";
      const own = new RegExp(`inference_pool_ready_pods\\{name="${name}"\\} 0`);
      // The picker writes its pool's metrics every five seconds.
      await eventually(`the metrics of ${name}`, async () => own.test(await metricsOf(pod)));
    }
  });

  it("have logs that the API server gives to kubectl", async () => {
    const core = loadKubeconfig(cluster.lab.controlPlane.kubeconfig).makeApiClient(CoreV1Api);
    const text = await core.readNamespacedPodLog({
      name: "one-epp",
      namespace,
      container: "epp",
      tailLines: 2,
    });
    assert.match(text, /./);
    assert.ok(log("one").includes(text.trimEnd().split("\n")[0] ?? ""), text);
    const unknown = core.readNamespacedPodLog({ name: "one-epp", namespace, timestamps: true });
    await assert.rejects(unknown, /cannot be asked for timestamps/);
  });

  it("follow the pods of their pool, and end without a trace", async () => {
    const metadata = { name: "server", namespace, labels: { app: "one" } };
    const containers = [
      {
        name: "vllm",
        image: "vllm/vllm-openai:v0.21.0",
        args: ["--model", "Qwen/Qwen3-8B", "--enable-lora"],
      },
    ];
    await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata, spec: { containers } });
    const pod = await cluster.pod("one-epp");
    await eventually("the picker sees the server", async () => {
      return /inference_pool_ready_pods\{name="one"\} 1/.test(await metricsOf(pod));
    });
    assert.doesNotMatch(log("one"), /metric family .* not found/);
    const pid = (await pidOf("one")) ?? 0;
    assert.ok(isAlive(pid));
    await remove("one");
    assert.equal(isAlive(pid), false);
  });

  it("start again when they are killed", async () => {
    const pid = (await pidOf("two")) ?? 0;
    process.kill(pid, "SIGKILL");
    const pod = await eventually("it was started again", async () => {
      const found = await cluster.pod("two-epp");
      return ready(found) && found?.status?.containerStatuses?.[0]?.restartCount === 1 ? found : undefined;
    });
    assert.equal(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 137);
    assert.notEqual(await pidOf("two"), pid);
    await remove("two");
  });

  it("are never Ready without their rights", async () => {
    await cluster.apply(...picker("barred"));
    await eventually(
      "it is refused",
      async () => (await pidOf("barred")) !== undefined && /is forbidden/.test(log("barred")),
    );
    await sleep(3000);
    assert.equal(ready(await cluster.pod("barred-epp")), false);
    // The right comes later, as on a real cluster.
    await cluster.apply(...rights("barred"));
    await untilReady("barred");
    await remove("barred");
  });

  it("are never Ready without a token, or with a flag that there is not", async () => {
    const kinds: [string, Parameters<typeof picker>[1], RegExp][] = [
      [
        "tokenless",
        { spec: { automountServiceAccountToken: false } },
        /invalid configuration|unable to load in-cluster/,
      ],
      ["mistaken", { args: ["--no-such-flag"] }, /unknown flag: --no-such-flag/],
    ];
    for (const [name, extra, message] of kinds) {
      await cluster.apply(...rights(name), ...picker(name, extra));
      const pod = await eventually(`${name} backs off`, async () => {
        const found = await cluster.pod(`${name}-epp`);
        return found?.status?.containerStatuses?.[0]?.state?.waiting?.reason === "CrashLoopBackOff"
          ? found
          : undefined;
      });
      assert.equal(ready(pod), false);
      assert.match(log(name), message);
      await remove(name);
    }
  });

  it("end the program that runs them where the config says so, which says what ended", async () => {
    await cluster.stopPods();
    const pods = await cluster.startPods(false);
    await cluster.apply(...rights("watched"), ...picker("watched", { args: ["--grpc-port", "9102"] }));
    await untilReady("watched");
    const pid = (await pidOf("watched")) ?? 0;
    process.kill(pid, "SIGKILL");
    assert.equal(await pods.ended, "exited with status 1");
    assert.match(
      fs.readFileSync(pods.log, "utf8"),
      /container epp of pod default\/watched-epp ended \(ended by SIGKILL, status 137\)\. The end of its log/,
    );
  });

  it("do not outlive the program that runs them", async () => {
    const pods = await cluster.startPods(true);
    await untilReady("watched");
    const pid = await eventually("it runs again", () => pidOf("watched"));
    process.kill(pods.pid, "SIGKILL");
    await eventually("the picker has ended", () => Promise.resolve(!isAlive(pid)), 5);
  });
});
