import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pickerConfig } from "../../../components/pool/picker-config";
import { withPicker } from "../../../stacks/plan/copied-pools";
import { pickerIdentity } from "../../../stacks/plan/identity";
import { ClusterUnreadable, type LiveObject } from "../../../stacks/state/cluster-reader";
import { observe } from "../../../stacks/state/observe";
import { observedCopies } from "../../../stacks/state/copies";
import { serviceConfig } from "../cases";
import { adapters, cluster, config, core, named, planOf, token } from "./copied-cluster";
import { vllm } from "./manifests";

/* A copy gets the picker of the pool that it copies, as its owner tuned it. */

const document = `apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: prefix-cache-scorer
  parameters: {blockSizeTokens: 16}
- type: max-score-picker
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: queue-scorer, weight: 5}
  - {pluginRef: prefix-cache-scorer, weight: 1}
  - pluginRef: max-score-picker
`;

interface Tuned {
  image?: string;
  args?: string[];
  replicas?: number;
  text?: string;
}

const deployments = "/apis/apps/v1/namespaces/default/deployments";
const poolPath = "/apis/inference.networking.k8s.io/v1/namespaces/default/inferencepools";

/** The official chart's picker, tuned. */
function tuned({ image, args = [], replicas = 1, text = document }: Tuned = {}): ReturnType<typeof cluster> {
  const labels = { inferencepool: "llm-epp" };
  const epp: LiveObject = {
    metadata: { name: "llm-epp", namespace: "default" },
    spec: {
      replicas,
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: "epp",
              image: image ?? "registry.k8s.io/gateway-api-inference-extension/epp:v1.5.0",
              args: [
                ...["--pool-name", "llm", "--pool-namespace", "default", "--zap-encoder", "json"],
                ...["--config-file", "/config/default-plugins.yaml", "--tracing=false", ...args],
              ],
              resources: { requests: { cpu: "2", memory: "4Gi" }, limits: { memory: "16Gi" } },
              volumeMounts: [{ name: "plugins", mountPath: "/config" }],
            },
          ],
          volumes: [{ name: "plugins", configMap: { name: "llm-epp" } }],
        },
      },
    },
  };
  const pool = named("llm", {
    spec: {
      selector: { matchLabels: vllm.selector },
      targetPorts: [{ number: 8000 }],
      endpointPickerRef: { name: "llm-epp", port: { number: 9002 } },
    },
  });
  return cluster(
    [vllm],
    {
      ...token,
      ...adapters,
      [`${poolPath}/llm`]: pool,
      [core("services", "llm-epp")]: named("llm-epp", { spec: { selector: labels } }),
      [core("configmaps", "llm-epp")]: named("llm-epp", { data: { "default-plugins.yaml": text } }),
    },
    { [poolPath]: [pool], [deployments]: [vllm.object, epp] },
  );
}

const candidateOf = async (reader: ReturnType<typeof cluster>, raw = config()) => {
  const { refusals, pools } = await planOf(reader, raw);
  assert.deepEqual(refusals, []);
  const [planned] = pools;
  assert.ok(planned !== undefined);
  return planned;
};

describe("the picker of a copy", () => {
  it("has the original's image, resources, flags and config, and the report says so", async () => {
    const args = ["--v", "3", "--refresh-metrics-interval=100ms"];
    const { pool, copied } = await candidateOf(tuned({ args }));
    assert.deepEqual(pool.picker?.image, "registry.k8s.io/gateway-api-inference-extension/epp:v1.5.0");
    assert.deepEqual(pool.picker.resources, { cpu: "2", memory: "4Gi" });
    assert.deepEqual(pool.picker.flags, { v: "3", "refresh-metrics-interval": "100ms" });
    const text = pickerConfig({}, pool.picker);
    assert.match(text, /blockSizeTokens: 16/);
    assert.match(text, /pluginRef: queue-scorer\n +weight: 5/);
    assert.ok(copied !== undefined);
    assert.ok(copied.taken.includes('picker resources {"cpu":"2","memory":"4Gi"}'), copied.taken.join("; "));
    assert.ok(copied.taken.includes("picker config (its EndpointPickerConfig)"));
  });

  it("elects a leader where the original does", async () => {
    const { pool } = await candidateOf(tuned({ replicas: 3, args: ["--ha-enable-leader-election"] }));
    assert.equal(pool.picker?.replicas, 2);
    assert.equal((await candidateOf(tuned({ replicas: 3 }))).pool.picker?.replicas, undefined);
  });

  it("names what it cannot take, and takes the rest", async () => {
    const foreign = tuned({
      image: "ghcr.io/llm-d/llm-d-inference-scheduler:v0.4.0",
      args: ["--total-queued-requests-metric=acme:queue"],
      text: document.replace("queue-scorer\n", "acme-scorer\n"),
    });
    const { pool, copied } = await candidateOf(foreign);
    assert.deepEqual(Object.keys(pool.picker ?? {}), ["resources"]);
    const left = copied?.left.join("; ") ?? "";
    assert.match(left, /picker image ghcr\.io\/llm-d/);
    assert.match(left, /picker flag --total-queued-requests-metric=acme:queue/);
    assert.match(left, /picker config \(this program's picker cannot use acme-scorer\)/);
  });

  it("follows the config where that says something of the picker", async () => {
    const { pool } = await candidateOf(tuned(), config({ picker: { config: { queue: 1 } } }));
    assert.deepEqual(pool.picker?.config, { by: "weights", weights: { queue: 1 } });
    assert.deepEqual(pool.picker.resources, { cpu: "2", memory: "4Gi" });
  });

  it("is this program's own where the original has none, or may not be read", async () => {
    assert.equal((await candidateOf(cluster([vllm], { ...token, ...adapters }))).pool.picker, undefined);
    const reader = tuned();
    const forbidden = {
      ...reader,
      get: (path: string) =>
        path.includes("/services/")
          ? Promise.reject(new ClusterUnreadable("forbidden", path))
          : reader.get(path),
    };
    assert.equal((await candidateOf(forbidden)).pool.picker, undefined);
  });

  it("stays as it was made, to the letter, when the original changes or goes; the next generation has it too", async () => {
    const { pool, identity } = await candidateOf(tuned({ args: ["--v=3"] }));
    const live = { name: "llm-new", namespace: "default", owned: true, identity };
    for (const name of ["llm-new", "llm-3"]) {
      const raw = config(
        {},
        {
          pools: {
            llm: { existing: true },
            "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2 },
            "llm-3": { like: "llm-new" },
          },
        },
      );
      const declared = serviceConfig(raw).pools[name];
      assert.ok(declared?.existing === false);
      const kept = withPicker(declared, { pools: [live], namespaces: {} });
      assert.equal(pickerConfig({}, kept.picker), pickerConfig({}, pool.picker));
      assert.deepEqual(pickerIdentity(kept.picker), pickerIdentity(pool.picker));
    }
  });

  it("of a copy that was made before there was this, is not changed", async () => {
    const service = serviceConfig(config());
    const reader = tuned();
    const observed = await observe(reader, service, undefined, () => true);
    const copies = await observedCopies(reader, service, observed, true);
    const live = { name: "llm-new", namespace: "default", owned: true, identity: { like: "default/llm" } };
    const pool = service.pools["llm-new"];
    assert.ok(pool?.existing === false);
    assert.equal(withPicker(pool, { ...observed, copies, pools: [live] }).picker, undefined);
  });
});
