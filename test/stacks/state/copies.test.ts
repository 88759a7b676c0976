import { fix } from "../../../stacks/plan/config-edits";
import { fixText } from "../../../stacks/messages/edits";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { observe } from "../../../stacks/state/observe";
import { serviceConfig } from "../cases";
import {
  adapters,
  candidate,
  cluster,
  config,
  core,
  named,
  planOf,
  podsOf,
  token,
  two,
  weights,
  withPod,
  type Objects,
} from "./copied-cluster";
import { group, modelservice, prefill, sglang, stateful, vllm, type Manifest } from "./manifests";

/* What a pool that is like another one copies, from the cluster to the plan: manifests in the shape of real ones. */

describe("a pool that is like one created outside the stack", () => {
  const taken: readonly [
    string,
    Manifest,
    Objects,
    object,
    { port: number; engine: string; labels: object },
  ][] = [
    ["the extension's vLLM", vllm, { ...token, ...adapters }, {}, { port: 8000, engine: "vllm", labels: {} }],
    [
      "the extension's SGLang",
      sglang,
      {},
      {},
      { port: 8000, engine: "sglang", labels: { "inference.networking.k8s.io/engine-type": "sglang" } },
    ],
    [
      "llm-d's modelservice",
      modelservice,
      weights("ReadOnlyMany"),
      two,
      { port: 8000, engine: "vllm", labels: { "llm-d.ai/role": "decode" } },
    ],
    [
      "a StatefulSet on port 8080",
      stateful,
      {},
      {},
      { port: 8080, engine: "vllm", labels: { team: "search" } },
    ],
    [
      "a LeaderWorkerSet of single pods",
      group(1, ["Qwen/Qwen3-8B", "--port", "8080"]),
      {},
      {},
      {
        port: 8080,
        engine: "vllm",
        labels: { "llm-d.ai/inferenceServing": "true", "llm-d.ai/role": "decode" },
      },
    ],
  ];
  for (const [what, manifest, objects, more, { port, engine, labels }] of taken) {
    it(`copies ${what}: its port, its engine, its labels but the selector's`, async () => {
      const reader = cluster([manifest], objects);
      const done = await planOf(reader, config(more));
      assert.deepEqual(done.refusals, []);
      const [planned] = done.pools;
      assert.equal(planned?.pool.server.port, port);
      assert.equal(planned.pool.server.engine, engine);
      assert.equal(planned.identity["server.port"], String(port));
      assert.deepEqual((await podsOf(reader, config(more))).template.metadata?.labels, labels);
      assert.ok(planned.copied?.taken.includes(`port ${port}`));
    });
  }

  it("copies the workload that the config names, of several", async () => {
    for (const workload of ["ms-decode", "Deployment/ms-decode"]) {
      const reader = cluster([modelservice, prefill], weights("ReadOnlyMany"));
      const done = await planOf(reader, config({ ...two, workload }));
      assert.deepEqual(done.refusals, []);
      assert.equal(done.pools[0]?.copied?.from, "Deployment ms-decode in namespace default");
      assert.equal(done.pools[0].identity["workload"], workload);
    }
  });

  it("lists everything that another namespace lacks, with the commands that copy it", async () => {
    const raw = config({}, { objectives: [{ name: "chat", priority: 1 }] });
    const there = cluster(
      [
        withPod(vllm, {
          serviceAccountName: "serving",
          priorityClassName: "online",
          imagePullSecrets: [{ name: "pull" }],
        }),
      ],
      {
        ...token,
        ...adapters,
        [core("serviceaccounts", "serving")]: named("serving"),
      },
    );
    const { refusals } = await planOf(there, raw);
    assert.deepEqual(
      refusals.map(({ rule }) => rule),
      ["like-reference-missing"],
    );
    const { found = "" } = refusals[0] ?? {};
    const text = fixText(refusals[0]?.fix ?? fix``);
    for (const object of [
      "Secret hf-token",
      "ConfigMap vllm-qwen3-32b-adapters",
      "Secret pull",
      "ServiceAccount serving",
      "PriorityClass online",
    ])
      assert.ok(found.includes(`there is no ${object}`), `${object} is not in ${found}`);
    assert.match(
      text,
      /^kubectl create namespace llm-llm-new && kubectl get secret hf-token -n default -o yaml \| sed 's\/\^  namespace: \.\*\/  namespace: llm-llm-new\/' \| kubectl create -f -/,
    );
    assert.match(text, /kubectl create secret generic pull -n llm-llm-new/);
    assert.match(text, /kubectl create priorityclass online --value VALUE/);
    assert.match(text, /pulumi config set --path 'pools.llm-new.namespace' default/);
  });

  it("does not copy what a controller makes, and says what cannot be looked up", async () => {
    const raw = config({}, { objectives: [{ name: "chat", priority: 1 }] });
    const ownerReferences = [{ kind: "ExternalSecret", name: "hf" }];
    const external = {
      metadata: { name: "hf-token", ownerReferences },
      data: { token: "x" },
    } as unknown as LiveObject;
    const reader = cluster([vllm], { ...adapters, [core("secrets", "hf-token")]: external });
    const [refusal] = (await planOf(reader, raw)).refusals;
    assert.match(
      fixText(refusal?.fix ?? fix``),
      /ExternalSecret hf creates Secret hf-token in namespace default: create the same ExternalSecret hf in namespace llm-llm-new/,
    );
    assert.doesNotMatch(fixText(refusal?.fix ?? fix``), /get secret hf-token/);
    const forbidden = await planOf(
      cluster([vllm], { ...adapters, [core("secrets", "hf-token")]: "forbidden" }),
    );
    assert.deepEqual(forbidden.refusals, []);
    assert.match(forbidden.notes.join(), /could not check whether Secret hf-token exists/);
  });

  it("leaves behind what ties pods to the old machines, and says so", async () => {
    const own = { labelSelector: { matchLabels: { app: "llm" } }, topologyKey: "kubernetes.io/hostname" };
    const other = { labelSelector: { matchLabels: { app: "batch" } }, topologyKey: "kubernetes.io/hostname" };
    const expressions = [{ key: "cloud.google.com/gke-accelerator", operator: "In", values: ["nvidia-l4"] }];
    const tied = withPod(stateful, {
      nodeName: "old-1",
      nodeSelector: {
        "kubernetes.io/os": "linux",
        "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-gpu-driver-version": "latest",
        "cloud.google.com/machine-family": "g2",
        "cloud.google.com/compute-class": "l4-class",
        "cloud.google.com/reservation-name": "old",
        "cloud.google.com/reservation-affinity": "specific",
        "topology.kubernetes.io/zone": "us-central1-a",
        tier: "old",
      },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: expressions }],
          },
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, preference: { matchExpressions: [{ key: "tier", operator: "Exists" }] } },
          ],
        },
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [own, other] },
      },
      tolerations: [
        { key: "nvidia.com/gpu", operator: "Exists" },
        { key: "dedicated", operator: "Equal", value: "l4" },
        { key: "node.kubernetes.io/unreachable", operator: "Exists", tolerationSeconds: 30 },
      ],
      topologySpreadConstraints: [{ ...own, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" }],
    });
    const { template, left, unusable } = await podsOf(cluster([tied]));
    assert.deepEqual(unusable, []);
    const spec = template.spec as unknown as Record<string, unknown>;
    assert.deepEqual(spec["nodeSelector"], {
      "kubernetes.io/os": "linux",
      "inference-rollout/pool": "llm.llm-new",
    });
    assert.equal(spec["nodeName"], undefined);
    assert.deepEqual(spec["affinity"], {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [other] },
    });
    assert.deepEqual(
      (spec["tolerations"] as { key: string }[]).map(({ key }) => key),
      ["node.kubernetes.io/unreachable", "nvidia.com/gpu"],
    );
    assert.deepEqual(
      (spec["topologySpreadConstraints"] as { whenUnsatisfiable: string }[]).map(
        (one) => one.whenUnsatisfiable,
      ),
      ["ScheduleAnyway", "ScheduleAnyway"],
    );
    for (const text of [
      "nodeName old-1",
      "nodeSelector cloud.google.com/compute-class=l4-class",
      "nodeAffinity cloud.google.com/gke-accelerator In [nvidia-l4]",
      "nodeAffinity tier Exists",
      "toleration dedicated=l4",
      "podAntiAffinity to pods of the same kind (app=llm) over kubernetes.io/hostname",
      "label app=llm",
      "label role=decode",
    ])
      assert.ok(left.includes(text), `${text} is not in ${left.join("; ")}`);
  });

  it("does not guess which nodes of others are meant: the config names them", async () => {
    const tied = withPod(stateful, {
      nodeSelector: { tier: "old", "cloud.google.com/gke-accelerator": "nvidia-l4" },
    });
    const [refusal] = (await planOf(cluster([tied]), config(), false)).refusals;
    assert.match(refusal?.found ?? "", /nodeSelector tier=old selects nodes created outside this stack/);
    const named = config({ nodeLabels: ["tier=new"] }, { cluster: { kubeconfig: "{}" } });
    const pods = await podsOf(cluster([tied]), named, false);
    assert.deepEqual(pods.unusable, []);
    assert.deepEqual((pods.template.spec as { nodeSelector?: object }).nodeSelector, { tier: "new" });
  });

  it("is refused where a pool of others would send it traffic too", async () => {
    const pools = "/apis/inference.networking.k8s.io/v1/namespaces/default/inferencepools";
    const greedy = named("all-of-search", { spec: { selector: { matchLabels: { team: "search" } } } });
    const base = cluster([stateful]);
    const reader: ClusterReader = {
      ...base,
      list: async (path) => (path === pools ? [...(await base.list(path)), greedy] : base.list(path)),
    };
    const [refusal] = (await planOf(reader)).refusals;
    assert.match(
      refusal?.found ?? "",
      /InferencePool all-of-search in namespace default selects the labels of the copied pods/,
    );
  });

  it("is what it was made as, also when the original changed or went, and so is a pool that is like it", async () => {
    const notes = {
      "inference-rollout/template": JSON.stringify(
        (stateful.object["spec"] as { template: object }).template,
      ),
      "inference-rollout/copied": JSON.stringify({ from: "StatefulSet decode", selector: stateful.selector }),
    };
    const made: LiveObject = {
      metadata: { name: "llm-new", generation: 1, annotations: notes },
      spec: { replicas: 2, template: { metadata: { labels: { app: "llm-new" } } } },
      status: { readyReplicas: 2 },
    };
    const pool: LiveObject = {
      metadata: {
        name: "llm-new",
        labels: {
          "app.kubernetes.io/managed-by": "gke-inference-rollout",
          "inference-rollout/service": "llm",
        },
        annotations: {
          "inference-rollout/identity": JSON.stringify({ "server.engine": "vllm", "server.port": "8080" }),
        },
      },
      spec: { selector: { matchLabels: { app: "llm-new" } }, targetPorts: [{ number: 8080 }] },
    };
    const pools = "/apis/inference.networking.k8s.io/v1/namespaces/default/inferencepools";
    const gone = cluster(
      [],
      { [`${pools}/llm`]: undefined as unknown as LiveObject, [`${pools}/llm-new`]: pool },
      {
        [pools]: [pool],
        "/apis/apps/v1/namespaces/default/deployments": [made],
      },
    );
    const generation = {
      stable: "llm-new",
      candidate: "llm-3",
      pools: {
        llm: { existing: true },
        "llm-new": candidate,
        "llm-3": { like: "llm-new", accelerator: "nvidia-a100-80gb" },
      },
    };
    const done = await planOf(gone, generation);
    const rules = done.refusals.map(({ rule }) => rule).filter((rule) => rule !== "edited-in-place");
    assert.deepEqual(rules, [], JSON.stringify(done.refusals));
    assert.deepEqual(
      done.pools.map(({ pool: { name, server } }) => [name, server.port]),
      [
        ["llm-new", 8080],
        ["llm-3", 8080],
      ],
    );
  });
});

describe("the size of a pool that was created outside the stack", () => {
  it("is that of all workloads behind it, with who sets it", async () => {
    const hpa = named("keda-hpa-vllm", {
      spec: { scaleTargetRef: { kind: "StatefulSet", name: "decode" }, maxReplicas: 9 },
    });
    (hpa.metadata as unknown as { ownerReferences: object[] }).ownerReferences = [
      { kind: "ScaledObject", name: "vllm" },
    ];
    const owned: Manifest = { ...stateful, object: { ...stateful.object, status: { readyReplicas: 2 } } };
    owned.object.metadata.annotations = { "meta.helm.sh/release-name": "search" };
    const reader = cluster(
      [owned],
      {},
      { "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers": [hpa] },
    );
    const observed = await observe(reader, serviceConfig(config()), undefined, () => true);
    assert.deepEqual(observed.pools, [
      {
        name: "llm",
        namespace: "default",
        owned: false,
        replicas: 3,
        readyReplicas: 2,
        workloads: [
          {
            kind: "StatefulSet",
            name: "decode",
            replicas: 3,
            autoscaler: { kind: "ScaledObject", name: "vllm", max: 9 },
            owner: "Helm release search",
          },
        ],
        parts: [{ resource: "statefulsets", namespace: "default", name: "decode" }],
      },
    ]);
  });

  it("counts leaders of groups, and pods that no known workload makes", async () => {
    const groups = await observe(cluster([group(4, [])]), serviceConfig(config()), undefined, () => true);
    assert.deepEqual([groups.pools[0]?.replicas, groups.pools[0]?.readyReplicas], [2, 2]);
    const pods = ["True", "False"].map((status) => ({
      metadata: { name: status, labels: { app: "llm" } },
      status: { conditions: [{ type: "Ready", status }] },
    }));
    const loose = cluster([], {}, { "/api/v1/namespaces/default/pods": pods });
    const seen = await observe(loose, serviceConfig(config()), undefined, () => true);
    assert.deepEqual([seen.pools[0]?.replicas, seen.pools[0]?.readyReplicas], [2, 1]);
  });
});
