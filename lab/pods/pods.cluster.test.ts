import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accepts } from "../processes/addresses";
import type { Pod } from "./objects";
import { eventually } from "../processes/patience";
import { ready, SmallCluster } from "./small-cluster";

const model = "Qwen/Qwen3-8B";

interface ServerPod {
  name: string;
  env?: Record<string, string>;
  /** Further fields of the container and of the pod's spec. */
  container?: object;
  spec?: object;
  args?: string[];
}

/** A model server with the probes of the inference extension's own manifest. */
function serverPod({ name, env = {}, container = {}, spec = {}, args = [] }: ServerPod): object {
  const health = { httpGet: { path: "/health", port: "http" }, periodSeconds: 1 };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: "llm" } },
    spec: {
      terminationGracePeriodSeconds: 10,
      containers: [
        {
          name: "vllm",
          image: "vllm/vllm-openai:v0.21.0",
          args: ["--model", model, "--shutdown-timeout", "90", ...args],
          env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
          ports: [{ name: "http", containerPort: 8000 }],
          startupProbe: { ...health, failureThreshold: 600 },
          readinessProbe: { ...health, failureThreshold: 1 },
          livenessProbe: { ...health, failureThreshold: 5 },
          resources: { limits: { "nvidia.com/gpu": "1" } },
          ...container,
        },
      ],
      ...spec,
    },
  };
}

describe("pods of simulated model servers", { concurrency: false }, () => {
  let cluster: SmallCluster;
  before(async () => {
    cluster = await SmallCluster.start();
    await cluster.nodes(0, 2);
    await cluster.nodes(5, 1);
  });
  after(() => cluster.stop());

  const untilReady = (name: string): Promise<Pod> =>
    eventually(`${name} is Ready`, async () => {
      const pod = await cluster.pod(name);
      return ready(pod) ? pod : undefined;
    });
  const untilGone = (name: string, seconds = 20): Promise<boolean> =>
    eventually(`${name} is gone`, async () => (await cluster.pod(name)) === undefined, seconds);
  const remove = async (name: string): Promise<void> => {
    await cluster.deletePod(name, 0);
    await untilGone(name);
  };
  const addressOf = (pod: Pod): string => pod.status?.podIP ?? "";
  const stream = (pod: Pod, tokens: number): Promise<Response> =>
    fetch(`http://${addressOf(pod)}:8000/v1/completions`, {
      method: "POST",
      body: JSON.stringify({ model, prompt: "x", max_tokens: tokens, stream: true }),
    });
  const waitingOf = (pod: Pod | undefined): { reason?: string; message?: string } | undefined =>
    pod?.status?.containerStatuses?.[0]?.state?.waiting;
  const inject = async (name: string, fault: string): Promise<void> => {
    const servers = (await (await fetch(`${cluster.simulator}/servers`)).json()) as {
      id: string;
      pod: string;
    }[];
    const id = servers.find((server) => server.pod === name)?.id ?? "";
    const response = await fetch(`${cluster.simulator}/servers/${id}/fault`, {
      method: "POST",
      body: JSON.stringify({ fault }),
    });
    assert.equal(response.status, 200);
  };

  it("are Ready when somebody answers, and not while nobody does", async () => {
    await cluster.apply(serverPod({ name: "slow", env: { LAB_LOAD_SECONDS: "3" } }));
    const running = await eventually("it runs", async () => {
      const pod = await cluster.pod("slow");
      return pod?.status?.containerStatuses?.[0]?.state?.running === undefined ? undefined : pod;
    });
    await sleep(1500);
    assert.equal(ready(await cluster.pod("slow")), false);
    assert.equal(await accepts(addressOf(running), 8000), false);
    const pod = await untilReady("slow");
    const answer = await fetch(`http://${addressOf(pod)}:8000/health`);
    assert.deepEqual([answer.status, answer.headers.get("x-served-by-pod")], [200, "slow"]);
    await inject("slow", "unready");
    await eventually("unready again", async () => !ready(await cluster.pod("slow")));
    await inject("slow", "none");
    await untilReady("slow");
    await remove("slow");
    // Deleted by force, the object goes at once and the process a moment later.
    await eventually("nobody listens", async () => !(await accepts(addressOf(pod), 8000)), 2);
  });

  it("are Ready again when the control plane has made them unready: their node was late", async () => {
    await cluster.apply(serverPod({ name: "marked" }));
    await untilReady("marked");
    const path = "/api/v1/namespaces/default/pods/marked";
    // What its controller of nodes writes when a node has sent nothing for 50 s.
    for (let i = 0; i < 5; i++) {
      const conditions = [{ type: "Ready", status: "False" }];
      const marked = (await cluster.api.patch(`${path}/status`, "strategic-merge-patch", {
        status: { conditions },
      })) as Pod;
      assert.equal(ready(marked), false);
      await untilReady("marked");
    }
    const settled = (await cluster.pod("marked"))?.metadata?.resourceVersion;
    await sleep(500);
    assert.equal((await cluster.pod("marked"))?.metadata?.resourceVersion, settled, "and nobody writes on");
    await remove("marked");
  });

  it("start again when the startup probe gives them up", async () => {
    const startupProbe = { httpGet: { path: "/health", port: 8000 }, periodSeconds: 1, failureThreshold: 2 };
    await cluster.apply(
      serverPod({ name: "late", env: { LAB_LOAD_SECONDS: "60" }, container: { startupProbe } }),
    );
    const pod = await eventually("it was started again", async () => {
      const found = await cluster.pod("late");
      return (found?.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0 ? found : undefined;
    });
    assert.equal(ready(pod), false);
    const { items } = await cluster.api.get<{
      items: { reason: string; message: string; involvedObject: { name: string } }[];
    }>("/api/v1/namespaces/default/events");
    const said = items
      .filter(({ involvedObject }) => involvedObject.name === "late")
      .map(({ reason }) => reason);
    assert.ok(
      ["Unhealthy", "Killing", "BackOff"].every((reason) => said.includes(reason)),
      said.join(" "),
    );
    await remove("late");
  });

  it("start again when they crash or hang, and say how often", async () => {
    await cluster.apply(
      serverPod({
        name: "frail",
        container: {
          livenessProbe: { httpGet: { path: "/health", port: 8000 }, periodSeconds: 1, failureThreshold: 1 },
        },
        spec: { terminationGracePeriodSeconds: 1 },
      }),
    );
    await untilReady("frail");
    const restarts = (count: number): Promise<Pod> =>
      eventually(`${count} restarts`, async () => {
        const pod = await cluster.pod("frail");
        return ready(pod) && pod?.status?.containerStatuses?.[0]?.restartCount === count ? pod : undefined;
      });
    await inject("frail", "crash");
    const crashed = await restarts(1);
    assert.equal(crashed.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 1);
    await inject("frail", "hang");
    const hung = await restarts(2);
    assert.equal(hung.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 137);
    await remove("frail");
  });

  it("end in peace: not Ready at once, preStop, then the stream to its end", async () => {
    const lifecycle = { preStop: { sleep: { seconds: 1 } } };
    await cluster.apply(serverPod({ name: "gentle", container: { lifecycle } }));
    const pod = await untilReady("gentle");
    // 600 tokens of 4.4 ms: 2.7 s.
    const response = await stream(pod, 600);
    const asked = performance.now();
    await cluster.deletePod("gentle");
    await eventually("not Ready", async () => !ready(await cluster.pod("gentle")), 1);
    const unready = performance.now() - asked;
    assert.ok(unready < 500, `not Ready after ${unready} ms`);
    assert.equal(await accepts(addressOf(pod), 8000), true, "the preStop hook still runs");
    await sleep(1300);
    assert.equal(await accepts(addressOf(pod), 8000), false, "SIGTERM has come");
    assert.notEqual(await cluster.pod("gentle"), undefined);
    assert.ok((await response.text()).endsWith("data: [DONE]\n\n"));
    await untilGone("gentle", 3);
  });

  it("are cut when the grace period is over", async () => {
    await cluster.apply(serverPod({ name: "endless", spec: { terminationGracePeriodSeconds: 2 } }));
    const pod = await untilReady("endless");
    const response = await stream(pod, 100_000);
    const asked = performance.now();
    await cluster.deletePod("endless");
    await assert.rejects(response.text());
    const cut = performance.now() - asked;
    assert.ok(cut > 1800 && cut < 3500, `cut after ${cut} ms`);
    await untilGone("endless", 3);
  });

  it("end sooner when they are deleted again with less time", async () => {
    await cluster.apply(serverPod({ name: "hurried", spec: { terminationGracePeriodSeconds: 60 } }));
    const response = await stream(await untilReady("hurried"), 100_000);
    await cluster.deletePod("hurried");
    await sleep(300);
    await cluster.deletePod("hurried", 1);
    await assert.rejects(response.text());
    await untilGone("hurried", 4);
  });

  it("keep their address until the object has gone", async () => {
    const only = { nodeName: "node-5" };
    const lifecycle = { preStop: { sleep: { seconds: 2 } } };
    await cluster.apply(serverPod({ name: "first", container: { lifecycle }, spec: only }));
    const first = await untilReady("first");
    await cluster.deletePod("first");
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) {
      await cluster.apply(serverPod({ name: `next-${i}`, spec: only }));
      const next = await untilReady(`next-${i}`);
      if ((await cluster.pod("first")) !== undefined) seen.push(addressOf(next));
    }
    assert.ok(
      seen.length > 0 && !seen.includes(addressOf(first)),
      `${addressOf(first)} is among ${seen.join(" ")}`,
    );
    await untilGone("first");
    for (let i = 0; i < 5; i++) await remove(`next-${i}`);
  });

  it("come up on an address whose last owner was removed by force", async () => {
    for (let i = 0; i < 3; i++) {
      await cluster.apply(serverPod({ name: "forced", spec: { nodeName: "node-5" } }));
      const pod = await untilReady("forced");
      const answer = await fetch(`http://${addressOf(pod)}:8000/health`);
      assert.equal(answer.headers.get("x-served-by-pod"), "forced");
      await cluster.deletePod("forced", 0);
    }
    await untilGone("forced");
  });

  it("go with their node", async () => {
    await cluster.apply(
      serverPod({ name: "stranded", spec: { nodeName: "node-5", terminationGracePeriodSeconds: 60 } }),
    );
    const pod = await untilReady("stranded");
    await cluster.api.delete("/api/v1/nodes/node-5", {});
    await untilGone("stranded", 5);
    assert.equal(await accepts(addressOf(pod), 8000), false);
  });

  it("wait where the lab has no program for the image, and say so", async () => {
    await cluster.apply(serverPod({ name: "unknown", container: { image: "nginx:1.27" } }));
    const pod = await eventually("it waits", async () => {
      const found = await cluster.pod("unknown");
      return waitingOf(found)?.reason === "ImagePullBackOff" ? found : undefined;
    });
    assert.match(
      waitingOf(pod)?.message ?? "",
      /^the lab has no program for image nginx:1\.27 \(known images: /,
    );
    assert.equal(pod.status?.phase, "Pending");
    await cluster.deletePod("unknown");
    await untilGone("unknown", 3);
  });

  it("wait for a ConfigMap that is missing, and start when it comes", async () => {
    const envFrom = [{ configMapRef: { name: "settings" } }];
    const volumes = [{ name: "more", secret: { secretName: "hf-token" } }];
    await cluster.apply(serverPod({ name: "lacking", container: { envFrom }, spec: { volumes } }));
    const waits = (message: string): Promise<boolean> =>
      eventually(message, async () => {
        const waiting = waitingOf(await cluster.pod("lacking"));
        return waiting?.reason === "CreateContainerConfigError" && waiting.message === message;
      });
    await waits('MountVolume.SetUp failed for volume "more" : secret "hf-token" not found');
    const metadata = { name: "hf-token", namespace: "default" };
    await cluster.apply({ apiVersion: "v1", kind: "Secret", metadata, stringData: { token: "x" } });
    await waits('configmap "settings" not found');
    await cluster.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { ...metadata, name: "settings" },
      data: { A: "1" },
    });
    await untilReady("lacking");
    await remove("lacking");
  });

  it("run their init containers first, and load the adapters that were fetched", async () => {
    const volumeMounts = [{ name: "adapters", mountPath: "/adapters" }];
    const initContainers = [
      {
        name: "sync",
        image: "registry.k8s.io/gateway-api-inference-extension/lora-syncer:v1.0.0",
        restartPolicy: "Always",
      },
      {
        name: "pull",
        image: "alpine/git",
        args: ["clone", "https://example.com/sql", "/adapters/sql"],
        volumeMounts,
      },
    ];
    const args = ["--enable-lora", "--lora-modules", "sql=/adapters/sql"];
    const volumes = [{ name: "adapters", emptyDir: {} }];
    await cluster.apply(
      serverPod({ name: "adapted", args, container: { volumeMounts }, spec: { initContainers, volumes } }),
    );
    const pod = await untilReady("adapted");
    const statuses = pod.status?.initContainerStatuses ?? [];
    assert.deepEqual(
      statuses.map(({ name, ready: isReady, state }) => [name, isReady, state?.terminated?.exitCode]),
      [
        ["sync", true, undefined],
        ["pull", true, 0],
      ],
    );
    const body = JSON.stringify({ model: "sql", prompt: "x", max_tokens: 1 });
    const answer = await fetch(`http://${addressOf(pod)}:8000/v1/completions`, { method: "POST", body });
    assert.equal(answer.headers.get("x-served-adapter"), "sql=/adapters/sql");
    await remove("adapted");
  });

  it("say which InferencePool they belong to, also when that changes", async () => {
    await cluster.apply(serverPod({ name: "pooled" }));
    const pod = await untilReady("pooled");
    const poolOf = async (): Promise<string | null> =>
      (await fetch(`http://${addressOf(pod)}:8000/health`)).headers.get("x-served-by-pool");
    assert.equal(await poolOf(), "");
    await cluster.apply({
      ...{ apiVersion: "inference.networking.k8s.io/v1", kind: "InferencePool" },
      metadata: { name: "llm", namespace: "default" },
      spec: {
        selector: { matchLabels: { app: "llm" } },
        targetPorts: [{ number: 8000 }],
        endpointPickerRef: { name: "llm-epp", port: { number: 9002 } },
      },
    });
    await eventually("in the pool", async () => (await poolOf()) === "llm");
    await remove("pooled");
  });

  it("can be a hundred, and cost little while nothing happens", async () => {
    await cluster.nodes(10, 13);
    const names = Array.from({ length: 100 }, (_, i) => `many-${i}`);
    const asked = performance.now();
    await Promise.all(
      [0, 1, 2, 3].map(async (part) => {
        for (const name of names.slice(part * 25, part * 25 + 25)) await cluster.apply(serverPod({ name }));
      }),
    );
    const missing = async (): Promise<Pod[]> => {
      const { items } = await cluster.api.get<{ items: Pod[] }>("/api/v1/namespaces/default/pods");
      const there = new Map(items.map((pod) => [pod.metadata?.name, pod]));
      return names.map((name) => there.get(name) ?? { metadata: { name } }).filter((pod) => !ready(pod));
    };
    await eventually("all are Ready", async () => (await missing()).length === 0, 180).catch(
      async (error: unknown) => {
        const seen = (await missing()).map(({ metadata, spec, status }) =>
          JSON.stringify({ name: metadata?.name, node: spec?.nodeName, ...status }),
        );
        throw new Error([`${String(error)}, but not ${seen.length}:`, ...seen].join("\n"));
      },
    );
    const readySeconds = (performance.now() - asked) / 1000;
    const { pid } = cluster.podsProcess;
    const used = cpuSeconds(pid);
    await sleep(5000);
    const share = ((cpuSeconds(pid) - used) / 5) * 100;
    const cost = `probed every second they take ${share.toFixed(1)} % of a core`;
    console.log(`100 pods Ready after ${readySeconds.toFixed(1)} s; ${cost}`);
    assert.ok(share < 40, `${share} % of a core`);
    const deleted = performance.now();
    await cluster.api.delete("/api/v1/namespaces/default/pods", {});
    await eventually(
      "all are gone",
      async () =>
        (await cluster.api.get<{ items: Pod[] }>("/api/v1/namespaces/default/pods")).items.length === 0,
      60,
    );
    console.log(`100 pods gone after ${((performance.now() - deleted) / 1000).toFixed(1)} s`);
  });
});

/** User and system time that a process has used: proc(5), fields 14 and 15, in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
