import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubernetesObject, V1Deployment, V1Pod } from "@kubernetes/client-node";
import { apply } from "../../lab/cluster/objects";
import type { Traffic } from "../../lab/traffic/traffic";
import { adoptingConfig, customers, makeCluster, serve } from "./production/production";
import { eventually, minutes, nobodyNoticed, percentOf, StackLab, type StackUnderTest } from "./stack-lab";

/*
 * A pool whose pods are none that this program would make: a StatefulSet on port 8080, tied to its old machines, with
 * a Secret of its own namespace and labels that others read. The candidate copies it to other machines and another
 * namespace; then its owner shrinks it while the candidate has the traffic, and the way back takes steps.
 */

const objectives = [{ name: "chat", priority: 10 }];
const copyNamespace = "llm-llm-new";
const secret = { apiVersion: "v1", kind: "Secret", type: "Opaque", stringData: { token: "hf_xxxx" } };

/** What ties the pods to machines that the candidate does not get. */
const scheduling = {
  nodeSelector: {
    "cloud.google.com/gke-accelerator": "nvidia-l4",
    "cloud.google.com/machine-family": "g2",
  },
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: "cloud.google.com/gke-accelerator", operator: "In", values: ["nvidia-l4"] },
            ],
          },
        ],
      },
    },
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        {
          labelSelector: { matchLabels: { app: "vllm-qwen3-8b" } },
          topologyKey: "kubernetes.io/hostname",
        },
      ],
    },
  },
};

type Objects = (KubernetesObject & Record<string, unknown>)[];

/** What the config changes of the copied pods. */
const overrides = {
  metadata: { annotations: { "acme.com/owner": "search" } },
  spec: {
    tolerations: [{ key: "acme.com/batch", operator: "Exists" }],
    containers: [{ name: "vllm", resources: { requests: { memory: "8Gi" } } }],
  },
};

/** serving.yaml as another team has it. */
function ofAnotherTeam(objects: Objects): Objects {
  const changed = JSON.parse(JSON.stringify(objects).replaceAll("8000", "8080")) as Objects;
  const server = changed.find(
    ({ metadata }) => metadata?.name === "vllm-qwen3-8b",
  ) as unknown as V1Deployment & {
    kind: string;
  };
  server.kind = "StatefulSet";
  const spec = server.spec as NonNullable<V1Deployment["spec"]>;
  Object.assign(spec, { serviceName: "vllm-qwen3-8b", podManagementPolicy: "Parallel", replicas: 2 });
  const labels = { team: "search", "inference.networking.k8s.io/engine-type": "vllm" };
  spec.template.metadata = { labels: { app: "vllm-qwen3-8b", ...labels } };
  const pod = spec.template.spec;
  assert.ok(pod !== undefined);
  Object.assign(pod, scheduling);
  const container = pod.containers[0];
  assert.ok(container !== undefined);
  container.env = [{ name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: "hf-token", key: "token" } } }];
  return [{ ...secret, metadata: { name: "hf-token", namespace: "default" } }, ...changed];
}

describe("pods that are copied from a pool that was created outside the stack", minutes(20), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let traffic: Traffic;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    const address = await serve(lab, ofAnotherTeam);
    traffic = await customers(lab, address, { plain: 10, streams: 2, seconds: 1200 });
    const pools = {
      llm: { existing: true },
      "llm-new": { like: { pool: "llm", overrides }, accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    stack = await lab.stack("copied", { objectives, pools }, adoptingConfig);
  }, minutes(5));
  after(async () => {
    await traffic.drain(30);
    await lab.stop();
  });

  const deployment = (): Promise<V1Deployment | undefined> =>
    lab.get("apps/v1", "Deployment", copyNamespace, "llm-new");

  test("a Secret that the copy's namespace lacks is told before anything is made", async () => {
    await stack.setPath("allow[0]", "take-over-route");
    const began = performance.now();
    const output = await stack.refusedUp();
    assert.match(
      output,
      /like-reference-missing[^]*there is no Secret hf-token \(env HF_TOKEN of container vllm\)/,
    );
    assert.match(
      output,
      /kubectl create namespace llm-llm-new && kubectl get secret hf-token -n default -o yaml/,
    );
    assert.doesNotMatch(output, /hf_xxxx/);
    assert.ok(performance.now() - began < 60_000, `told after ${Math.round(performance.now() - began)} ms`);
    assert.equal(await lab.get("v1", "Namespace", "", copyNamespace), undefined);
    assert.equal((await stack.resources()).filter(({ type }) => type.startsWith("kubernetes:")).length, 0);
  });

  test("with it, the copy runs on the new machines, with its port and its labels", async () => {
    // What the two commands of the message do.
    const metadata = { name: "hf-token", namespace: copyNamespace };
    await apply(lab.lab.controlPlane.kubeconfig, [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: copyNamespace } },
      { ...secret, metadata },
    ]);
    await stack.up();
    await stack.unset("allow");
    const pool = (await lab.pool("llm-new", copyNamespace)) as
      (KubernetesObject & { spec: { targetPorts: { number: number }[] } }) | undefined;
    assert.deepEqual(pool?.spec.targetPorts, [{ number: 8080 }]);
    const spec = (await deployment())?.spec?.template;
    assert.ok(spec !== undefined);
    const { labels = {} } = spec.metadata ?? {};
    assert.deepEqual(
      [labels["inference.networking.k8s.io/engine-type"], labels["team"], labels["app"]],
      ["vllm", "search", "llm-new"],
    );
    assert.equal(spec.spec?.affinity, undefined);
    const pods = await lab.objects.list<V1Pod>("v1", "Pod", copyNamespace);
    const servers = pods.items.filter(({ metadata: { labels = {} } = {} }) => labels["app"] === "llm-new");
    assert.equal(servers.length, 2);
    for (const { spec: placed } of servers) {
      const node = await lab.get<KubernetesObject>("v1", "Node", "", placed?.nodeName ?? "");
      assert.equal(node?.metadata?.labels?.["cloud.google.com/gke-accelerator"], "nvidia-h100-80gb");
    }
  });

  test("with what the config changes of them, which is settled with the pool", async () => {
    const spec = (await deployment())?.spec?.template;
    assert.equal(spec?.metadata?.annotations?.["acme.com/owner"], "search");
    const keys = (spec.spec?.tolerations ?? []).map(({ key }) => key);
    assert.deepEqual([keys.includes("acme.com/batch"), keys.includes("nvidia.com/gpu")], [true, true]);
    const [container] = spec.spec?.containers ?? [];
    assert.equal(container?.resources?.requests?.["memory"], "8Gi");
    assert.equal(container.resources.requests["nvidia.com/gpu"], "1");
    const key = 'pools["llm-new"].like.overrides.metadata.annotations["acme.com/owner"]';
    await stack.setPath(key, "chat");
    assert.match(
      await stack.refusedUp(),
      /edited-in-place[^]*pools\.llm-new\.like\.overrides is deployed as/,
    );
    await stack.setPath(key, "search");
    assert.match(await stack.pulumi.run(["preview"]), /unchanged/);
  });

  test("the outputs say what was taken over and what was left behind", async () => {
    const outputs = (await stack.pulumi.outputs()) as {
      pools: Record<string, { copied?: { from: string; taken: string[]; left: string[] } }>;
    };
    const { from, taken, left } = outputs.pools["llm-new"]?.copied ?? { from: "", taken: [], left: [] };
    assert.equal(from, "StatefulSet vllm-qwen3-8b in namespace default");
    assert.ok(taken.includes("Secret hf-token") && taken.includes("port 8080"), taken.join());
    for (const text of [
      "nodeSelector cloud.google.com/machine-family=g2",
      "nodeAffinity cloud.google.com/gke-accelerator In [nvidia-l4]",
      "label app=vllm-qwen3-8b",
    ]) {
      assert.ok(left.includes(text), `${text} is not in ${left.join("; ")}`);
    }
    assert.ok(left.some((text) => text.startsWith("podAntiAffinity to pods of the same kind")));
  });

  for (const weight of [50, 100]) {
    test(`to ${weight}`, async () => {
      const updated = await stack.update({ weight: String(weight) });
      assert.equal(updated.status, 0, updated.output);
      assert.equal(percentOf(await lab.route())["llm-new"], weight);
    });
  }

  const scale = async (replicas: number): Promise<void> => {
    const metadata = { name: "vllm-qwen3-8b", namespace: "default" };
    await lab.edit({ apiVersion: "apps/v1", kind: "StatefulSet", metadata, spec: { replicas } });
    await eventually(`the StatefulSet has ${replicas}`, async () => {
      const set = await lab.get<{ status?: { readyReplicas?: number } }>(
        "apps/v1",
        "StatefulSet",
        "default",
        "vllm-qwen3-8b",
      );
      return set?.status?.readyReplicas === replicas;
    });
  };

  test("a pool that its owner shrank meanwhile is asked for what it carried the traffic with", async () => {
    await scale(1);
    const began = performance.now();
    const { status, output } = await stack.rollout("rollback", "--yes", "--reason", "worse answers");
    assert.notEqual(status, 0);
    assert.match(output, /existing-pool-too-small[^]*pool llm is scaled to 1 replica \(1 ready\)/);
    assert.match(output, /kubectl scale statefulset vllm-qwen3-8b -n default --replicas 2/);
    assert.match(output, /pulumi config set weight 50 && pulumi up/);
    assert.ok(performance.now() - began < 60_000, `told after ${Math.round(performance.now() - began)} ms`);
    assert.deepEqual(percentOf(await lab.route()), { "llm-new": 100 });
    const shown = await stack.rollout("status");
    assert.match(shown.output, /pool llm +stable, .*1 replicas, 1 ready, served all traffic with 2 replicas/);
  });

  test("as much as it carries goes back at once, the rest when it has grown", async () => {
    const step = await stack.update({ weight: "50" });
    assert.equal(step.status, 0, step.output);
    assert.deepEqual(percentOf(await lab.route()), { llm: 50, "llm-new": 50 });
    await stack.setPath("weight", "0");
    assert.match(await stack.refusedUp(), /existing-pool-too-small/);
    await scale(2);
    await stack.up();
    assert.deepEqual(percentOf(await lab.route()), { llm: 100 });
  });

  test("the candidate stays latched", async () => {
    await stack.setPath("weight", "100");
    assert.match(await stack.refusedUp(), /latched[^]*worse answers/);
  });

  test("no customer has noticed", async () => {
    assert.deepEqual(await nobodyNoticed(traffic), ["llm", "llm-new"]);
  });
});
