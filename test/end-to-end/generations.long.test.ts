import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  AppsV1Api,
  AutoscalingV2Api,
  type KubernetesObject,
  type V1Deployment,
  type V1Pod,
} from "@kubernetes/client-node";
import { loadKubeconfig } from "../../lab/cluster/objects";
import type { Traffic } from "../../lab/traffic/traffic";
import { adoptingConfig, customers, makeCluster, serve } from "./production/production";
import {
  eventually,
  minutes,
  nobodyNoticed,
  percentOf,
  splitAt,
  StackLab,
  weightsOf,
  type StackUnderTest,
} from "./stack-lab";

/*
 * SGLang's pods, labelled for the picker, in a pool created outside the stack; its first copy takes over, an autoscaler of
 * the user scales that one, the owner removes the original, and a second generation is made of what the first one keeps.
 */

const model = "Qwen/Qwen3-8B";
const engineLabel = "inference.networking.k8s.io/engine-type";
type Objects = (KubernetesObject & Record<string, unknown>)[];

/** serving.yaml with SGLang, in the shape of the extension's manifest. */
function withSglang(objects: Objects): Objects {
  const server = objects.find(
    ({ metadata }) => metadata?.name === "vllm-qwen3-8b",
  ) as unknown as V1Deployment;
  const { template } = server.spec as NonNullable<V1Deployment["spec"]>;
  template.metadata = { labels: { ...template.metadata?.labels, [engineLabel]: "sglang", team: "search" } };
  const container = template.spec?.containers[0];
  assert.ok(container !== undefined);
  Object.assign(container, {
    name: "sglang",
    image: "lmsysorg/sglang:v0.5.4",
    command: ["python3", "-m", "sglang.launch_server"],
    args: [`--model-path=${model}`, "--host=0.0.0.0", "--port=8000", "--tp=1", "--enable-metrics"],
  });
  const times = { periodSeconds: 2, timeoutSeconds: 25 };
  for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"] as const)
    Object.assign(container[probe] ?? {}, times);
  return objects;
}

describe("generations of copies", minutes(20), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let traffic: Traffic;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    const address = await serve(lab, withSglang);
    traffic = await customers(lab, address, { plain: 5, streams: 1, seconds: 1500 });
    const pools = {
      llm: { existing: true },
      "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
    };
    stack = await lab.stack("generations", { pools, gate: { timeoutSeconds: 40 } }, adoptingConfig);
  }, minutes(5));
  after(async () => {
    await traffic.drain(30);
    await lab.stop();
  });

  const deployment = (name: string): Promise<V1Deployment | undefined> =>
    lab.get("apps/v1", "Deployment", "default", name);

  /** What somebody with kubectl writes on the pods of a pool. */
  async function label(pool: string, engine: string): Promise<void> {
    const { items } = await lab.objects.list<V1Pod>("v1", "Pod", "default");
    const pods = items.filter(({ metadata }) => metadata?.labels?.["app"] === pool);
    assert.ok(pods.length > 0);
    for (const { metadata } of pods) {
      const { name = "" } = metadata ?? {};
      const labels = { [engineLabel]: engine };
      await lab.edit({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default", labels } });
    }
  }

  test("SGLang's pods are copied with the label by which the picker knows their engine", async () => {
    await stack.setPath("allow[0]", "take-over-route");
    await stack.up();
    await stack.unset("allow");
    const template = (await deployment("llm-new"))?.spec?.template;
    const { labels = {} } = template?.metadata ?? {};
    assert.deepEqual([labels[engineLabel], labels["team"], labels["app"]], ["sglang", "search", "llm-new"]);
  });

  test("a picker that would score blind closes the gate; the route stays", async () => {
    await label("llm-new", "vllm");
    const { status, output } = await stack.update({ weight: "50" });
    assert.notEqual(status, 0);
    assert.match(output, /llm-new does not report vllm:num_requests_waiting[^]*\(engine vllm\)/);
    assert.match(
      output,
      /its servers report sglang:num_queue_reqs, sglang:num_running_reqs, sglang:token_usage/,
    );
    assert.deepEqual(weightsOf(await lab.route()), { llm: 1 });
    await label("llm-new", "sglang");
  });

  for (const weight of [50, 100]) {
    test(`to ${weight}, with a picker that reads its pods`, async () => {
      const updated = await stack.update({ weight: String(weight) });
      assert.equal(updated.status, 0, updated.output);
      assert.deepEqual(percentOf(await lab.route()), splitAt(weight));
    });
  }

  test("promoted", async () => {
    const { status, output } = await stack.rollout("promote", "--yes");
    assert.equal(status, 0, output);
    assert.deepEqual(percentOf(await lab.route()), { "llm-new": 100 });
  });

  test("an autoscaler of the user owns the replicas from then on, also with --refresh", async () => {
    const config = loadKubeconfig(lab.lab.controlPlane.kubeconfig);
    const [scalers, apps] = [config.makeApiClient(AutoscalingV2Api), config.makeApiClient(AppsV1Api)];
    const metadata = { name: "llm-new", namespace: "default" };
    await scalers.createNamespacedHorizontalPodAutoscaler({
      namespace: "default",
      body: {
        metadata,
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "llm-new" },
          minReplicas: 1,
          maxReplicas: 4,
        },
      },
    });
    // As the autoscaler's controller writes it; without a metric it leaves the number alone.
    const scale = (replicas: number): Promise<unknown> =>
      apps.replaceNamespacedDeploymentScale({
        ...metadata,
        fieldManager: "kube-controller-manager",
        body: { apiVersion: "autoscaling/v1", kind: "Scale", metadata, spec: { replicas } },
      });
    for (const replicas of [4, 1]) {
      await scale(replicas);
      await eventually(`llm-new has ${replicas}`, async () => {
        const live = await deployment("llm-new");
        return live?.status?.replicas === replicas;
      });
      for (const args of [["--refresh"], []]) {
        const done = await stack.pulumi.attempt(["up", "--yes", "--skip-preview", ...args]);
        assert.equal(done.status, 0, done.output);
        assert.equal((await deployment("llm-new"))?.spec?.replicas, replicas);
      }
    }
    const shown = await stack.rollout("status");
    assert.match(shown.output, /pool llm-new +stable.*1 replicas.*set by HorizontalPodAutoscaler llm-new/);
    await scale(2);
  });

  test("the owner removes the original, and the config forgets it", async () => {
    for (const [apiVersion, kind, name] of [
      ["inference.networking.k8s.io/v1", "InferencePool", "llm"],
      ["apps/v1", "Deployment", "vllm-qwen3-8b"],
      ["apps/v1", "Deployment", "llm-epp"],
      ["v1", "Service", "llm-epp"],
    ] as const)
      assert.equal(await lab.remove(apiVersion, kind, "default", name), undefined);
    await stack.unset("pools.llm");
    await stack.up();
    assert.deepEqual(percentOf(await lab.route()), { "llm-new": 100 });
  });

  test("a second generation is made of what the first one keeps, and takes traffic", async () => {
    const { status, output } = await stack.update({
      'pools["llm-3"].like': "llm-new",
      'pools["llm-3"].accelerator': "nvidia-h200-141gb",
      'pools["llm-3"].provisioning': "spot",
      'pools["llm-3"].replicas': "1",
      candidate: "llm-3",
      weight: "10",
    });
    assert.equal(status, 0, output);
    assert.deepEqual(percentOf(await lab.route()), { "llm-new": 90, "llm-3": 10 });
    const spec = (await deployment("llm-3"))?.spec?.template;
    assert.equal(spec?.spec?.containers[0]?.image, "lmsysorg/sglang:v0.5.4");
    assert.equal(spec.metadata?.labels?.[engineLabel], "sglang");
  });

  test("no customer has noticed", async () => {
    await nobodyNoticed(traffic);
  });
});
