import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import type { Mistake } from "../../../stacks/messages/mistakes";
import type { OwnedPool } from "../../../stacks/plan/service-config";
import { cloud, ownedPool, serviceConfig, sourceCase } from "../cases";

/* Settings of the model servers' pods in a config: what is refused with its path, and what a pool takes over. */

const withServer = (server: object, more: object = {}, pool: object = {}): Record<string, unknown> => ({
  ...sourceCase,
  ...more,
  pools: { ...sourceCase.pools, llm: { accelerator: "nvidia-l4", replicas: 6, server, ...pool } },
});
const mistakesOf = (raw: Record<string, unknown>): readonly Mistake[] => resolveConfig(raw, cloud).mistakes;
const keysOf = (server: object, more?: object, pool?: object): string[] =>
  mistakesOf(withServer(server, more, pool)).map(({ key }) => key);
const patched = (spec: object, more?: object, pool?: object): string[] =>
  keysOf({ podPatch: { spec } }, more, pool).map((key) => key.replace("pools.llm.server.podPatch.spec.", ""));
const ofServer = (fields: object, more?: object, pool?: object): string[] =>
  patched({ containers: [{ name: "vllm", ...fields }] }, more, pool).map((key) =>
    key.replace("containers[0].", ""),
  );
const adapters = { adapters: [{ name: "sql", source: "acme/sql" }] };
const pool = (name: string, raw: Record<string, unknown>): OwnedPool => ownedPool(serviceConfig(raw), name);

describe("a patch of the pod", () => {
  it("is refused, with the path and the reason, where the rollout depends on what it touches", () => {
    const refused: [object, string][] = [
      [{ terminationGracePeriodSeconds: 1 }, "terminationGracePeriodSeconds"],
      [{ restartPolicy: "Never" }, "restartPolicy"],
      [{ activeDeadlineSeconds: 60 }, "activeDeadlineSeconds"],
      [{ readinessGates: [] }, "readinessGates"],
      [{ nodeSelector: { tier: "gpu" } }, "nodeSelector"],
      [{ nodeName: "n" }, "nodeName"],
      [{ affinity: { nodeAffinity: {} } }, "affinity.nodeAffinity"],
      [{ affinity: null }, "affinity"],
      [{ tolerations: null }, "tolerations"],
      [{ priorityClassName: "x" }, "priorityClassName"],
      [{ volumes: [{ name: "weights", emptyDir: {} }] }, "volumes[0]"],
      [{ volumes: null }, "volumes"],
      [{ containers: null }, "containers"],
      [{ containers: [{ $patch: "replace" }] }, "containers[0]"],
      [{ initContainers: [{ name: "adapter-loader", image: "x" }] }, "initContainers[0]"],
      [{ containers: [{ name: "log", ports: [{ containerPort: 8000 }] }] }, "containers[0].ports[0]"],
      [
        { containers: [{ name: "log", resources: { limits: { "nvidia.com/gpu": 1 } } }] },
        'containers[0].resources.limits["nvidia.com/gpu"]',
      ],
    ];
    for (const [spec, key] of refused) assert.deepEqual(patched(spec), [key], JSON.stringify(spec));
    assert.deepEqual(keysOf({ podPatch: { spec: { $patch: "replace" } } }), [
      'pools.llm.server.podPatch.spec["$patch"]',
    ]);
  });

  it("is refused where it changes how the server is started, asked, stopped or counted", () => {
    const refused: [object, string][] = [
      [{ image: "x:1" }, "image"],
      [{ command: ["x"] }, "command"],
      [{ args: ["x"] }, "args"],
      [{ startupProbe: {} }, "startupProbe"],
      [{ readinessProbe: null }, "readinessProbe"],
      [{ livenessProbe: {} }, "livenessProbe"],
      [{ lifecycle: null }, "lifecycle"],
      [{ ports: [{ containerPort: 8000, $patch: "delete" }] }, "ports[0]"],
      [{ ports: [{ containerPort: 9000, name: "http" }] }, "ports[0]"],
      [{ resources: null }, "resources"],
      [{ resources: { $patch: "replace" } }, "resources"],
      [{ resources: { limits: null } }, "resources.limits"],
      [{ resources: { requests: { "google.com/tpu": "4" } } }, 'resources.requests["google.com/tpu"]'],
      [{ volumeMounts: [{ mountPath: "/weights", $patch: "delete" }] }, "volumeMounts[0]"],
      [{ env: null }, "env"],
    ];
    for (const [fields, key] of refused) assert.deepEqual(ofServer(fields), [key], JSON.stringify(fields));
  });

  it("is refused where pods have an account of the rollout's, and only there", () => {
    const account = { serviceAccountName: "mine" };
    assert.deepEqual(patched(account), []);
    assert.deepEqual(patched(account, adapters), ["serviceAccountName"]);
    const weights = { weights: { from: "gcs", bucket: "acme-models" } };
    assert.deepEqual(patched(account, {}, weights), ["serviceAccountName"]);
  });

  it("is refused on labels that the InferencePool selects, and on fields that are no pod's to set", () => {
    const keys = (metadata: object): string[] => keysOf({ podPatch: { metadata } });
    const at = "pools.llm.server.podPatch.metadata.";
    assert.deepEqual(keys({ labels: { app: "x" } }), [`${at}labels.app`]);
    assert.deepEqual(keys({ labels: null }), [`${at}labels`]);
    assert.deepEqual(keys({ annotations: { "inference-rollout/secrets": "x" } }), [
      `${at}annotations.inference-rollout/secrets`,
    ]);
    assert.deepEqual(keys({ name: "x" }), [`${at}name`]);
    assert.deepEqual(keys({ labels: { team: "x" }, annotations: { a: "b" } }), []);
  });

  it("is taken where it is the user's, and says why where it is not", () => {
    assert.deepEqual(
      patched({
        hostIPC: true,
        dnsPolicy: "Default",
        runtimeClassName: "gvisor",
        imagePullSecrets: [{ name: "registry" }],
        affinity: { podAntiAffinity: {} },
        tolerations: [{ key: "team", operator: "Exists" }],
        topologySpreadConstraints: [{ topologyKey: "kubernetes.io/hostname", $patch: "delete" }],
        volumes: [{ name: "cache", emptyDir: { sizeLimit: "100Gi" } }],
        initContainers: [{ name: "warm", image: "example.com/warm:v1" }],
        containers: [
          {
            name: "vllm",
            securityContext: { runAsUser: 1000 },
            ports: [{ containerPort: 5678, name: "debug" }],
            resources: { limits: { memory: "64Gi" } },
            env: [{ name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
          },
        ],
      }),
      [],
    );
    const [mistake] = mistakesOf(
      withServer({ podPatch: { spec: { containers: [{ name: "vllm", args: ["x"] }] } } }),
    );
    assert.match(mistake?.allowed ?? "", /use server\.args/);
    assert.equal(
      fixText(mistake!.fix),
      "pulumi config rm --path 'pools.llm.server.podPatch.spec.containers[0].args'",
    );
  });

  it("is checked where it is written: the stack's once, a pool's own at the pool", () => {
    const raw = { ...sourceCase, server: { podPatch: { spec: { nodeName: "n" } } } };
    assert.deepEqual(
      mistakesOf(raw).map(({ key }) => key),
      ["server.podPatch.spec.nodeName"],
    );
    const pools = {
      llm: { accelerator: "nvidia-l4", replicas: 2, server: { podPatch: { spec: { nodeName: "n" } } } },
      "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb" },
    };
    assert.deepEqual(
      mistakesOf({ ...sourceCase, pools }).map(({ key }) => key),
      ["pools.llm.server.podPatch.spec.nodeName"],
    );
  });
});

describe("the environment", () => {
  it("has no variable that the rollout sets itself for what it does", () => {
    const env = (name: string): object => ({ env: { [name]: "x" } });
    assert.deepEqual(keysOf(env("SECRET_ARG_1")), ["pools.llm.server.env.SECRET_ARG_1"]);
    assert.deepEqual(keysOf(env("LWS_LEADER_ADDRESS")), ["pools.llm.server.env.LWS_LEADER_ADDRESS"]);
    const lora = env("VLLM_ALLOW_RUNTIME_LORA_UPDATING");
    assert.deepEqual(keysOf(lora), []);
    assert.deepEqual(keysOf(lora, adapters), ["pools.llm.server.env.VLLM_ALLOW_RUNTIME_LORA_UPDATING"]);
    assert.deepEqual(keysOf(env("HF_TOKEN")), []);
    assert.deepEqual(keysOf(env("HF_TOKEN"), { huggingFaceToken: "hf_x" }), [
      "pools.llm.server.env.HF_TOKEN",
    ]);
    const slice = { accelerator: "tpu-v6e-slice", acceleratorsPerReplica: 16, zones: ["us-central1-a"] };
    assert.deepEqual(keysOf(env("TPU_MULTIHOST_BACKEND"), {}, slice), [
      "pools.llm.server.env.TPU_MULTIHOST_BACKEND",
    ]);
    for (const name of ["HF_HOME", "LD_LIBRARY_PATH", "VLLM_XLA_CACHE_PATH", "VLLM_LOGGING_LEVEL"])
      assert.deepEqual(keysOf(env(name)), [], name);
  });

  it("takes texts, numbers and references, and nothing else", () => {
    assert.deepEqual(keysOf({ env: { A: "", B: 1, C: true, D: { secret: "s", key: "k" } } }), []);
    assert.deepEqual(keysOf({ env: { A: ["x"] } }), ["pools.llm.server.env.A"]);
    assert.deepEqual(keysOf({ env: { A: { secret: "s" } } }), ["pools.llm.server.env.A"]);
    assert.deepEqual(keysOf({ env: { "A-B": "x" } }), ["pools.llm.server.env.A-B"]);
  });

  it("of a pool is added to what it takes over, of the stack and of the pool that it is like", () => {
    const raw = {
      ...sourceCase,
      server: { env: { A: "stack", B: "stack" }, shmGb: 1 },
      pools: {
        llm: {
          accelerator: "nvidia-l4",
          replicas: 2,
          server: { env: { B: "pool", C: "pool" }, labels: { a: "1" } },
        },
        "llm-new": {
          ...{ like: "llm", accelerator: "nvidia-h100-80gb" },
          server: { version: "v0.22.0", env: { C: "new" }, shmGb: 8 },
        },
      },
    };
    const { server } = pool("llm-new", raw);
    const values = Object.entries(server.env ?? {}).map(([name, value]) => [
      name,
      value.from === "config" ? value.value : "",
    ]);
    assert.deepEqual(Object.fromEntries(values), { A: "stack", B: "pool", C: "new" });
    assert.deepEqual([server.shmGb, server.labels], [8, { a: "1" }]);
    assert.equal(pool("llm", raw).server.shmGb, 1);
  });

  it("is not taken over by a pool with another engine", () => {
    const raw = {
      ...sourceCase,
      server: { env: { A: "stack" } },
      pools: {
        llm: { accelerator: "nvidia-l4", replicas: 2, server: { env: { B: "pool" } } },
        "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", server: { engine: "sglang" } },
      },
    };
    assert.equal(pool("llm-new", raw).server.env, undefined);
  });
});

describe("other settings", () => {
  it("are refused with their own keys", () => {
    const volume = { name: "data", mountPath: "/data", emptyDir: {} };
    const at = "pools.llm.server.";
    const cases: [object, string[]][] = [
      [{ resources: { cpu: "many" } }, ["resources.cpu"]],
      [{ resources: { gpu: 1 } }, ["resources.gpu"]],
      [{ shmGb: 0 }, ["shmGb"]],
      [{ volumes: [volume] }, []],
      [{ volumes: [volume, volume] }, ["volumes[1].name", "volumes[1].mountPath"]],
      [{ volumes: [{ ...volume, name: "cache" }] }, ["volumes[0].name"]],
      [{ volumes: [{ ...volume, mountPath: "/dev/shm" }] }, ["volumes[0].mountPath"]],
      [{ volumes: [{ ...volume, mountPath: "data" }] }, ["volumes[0].mountPath"]],
      [{ volumes: [{ ...volume, configmap: {} }] }, ["volumes[0].configmap"]],
      [{ volumes: [{ ...volume, nfs: {} }] }, ["volumes[0]"]],
      [{ volumes: [{ name: "data", mountPath: "/data" }] }, ["volumes[0]"]],
      [{ labels: { app: "x" } }, ["labels.app"]],
      [{ labels: { team: "not a label" } }, ["labels.team"]],
      [{ annotations: { "inference-rollout/x": "y" } }, ["annotations.inference-rollout/x"]],
      [{ priorityClassName: "Not A Name" }, ["priorityClassName"]],
      [{ podPatch: { status: {} } }, ["podPatch.status"]],
    ];
    for (const [server, keys] of cases) {
      assert.deepEqual(
        keysOf(server),
        keys.map((key) => at + key),
        JSON.stringify(server),
      );
    }
  });

  it("are refused on a pool that copies pods, which have their own", () => {
    const raw = (server: object): Record<string, unknown> => ({
      ...sourceCase,
      pools: {
        llm: { existing: true },
        "llm-new": { like: "llm", accelerator: "nvidia-h100-80gb", replicas: 2, server },
      },
    });
    const settings = {
      ...{ env: { A: "x" }, resources: { cpu: "1" }, shmGb: 1, priorityClassName: "a", labels: { a: "b" } },
      ...{ annotations: { a: "b" }, podPatch: { spec: { hostIPC: true } } },
      volumes: [{ name: "d", mountPath: "/d", emptyDir: {} }],
    };
    for (const [field, value] of Object.entries(settings)) {
      const [mistake, ...more] = mistakesOf(raw({ [field]: value }));
      assert.deepEqual([mistake?.key, more], [`pools.llm-new.server.${field}`, []]);
      assert.match(mistake?.allowed ?? "", /copies the pods of llm/);
    }
    // The stack's are for pools with a server of their own.
    const { server } = pool("llm-new", { ...raw({}), server: settings });
    assert.deepEqual([server.env, server.podPatch, server.labels], [undefined, undefined, undefined]);
  });
});
