import type { LiveObject } from "../../../stacks/state/cluster-reader";

/*
 * Workloads in the shape of those that people put behind an InferencePool, as the API server lists them (without
 * kind). Written here from facts of the extension's manifests (vLLM with a LoRA syncer, SGLang), llm-d's modelservice
 * chart (routing sidecar, StatefulSet, LeaderWorkerSet) and KServe's LLMInferenceService.
 */

export interface Manifest {
  kind: "deployments" | "statefulsets" | "leaderworkersets";
  object: LiveObject;
  /** What the pool selects by, and the ports it names. */
  selector: Record<string, string>;
  ports: number[];
}

const emptyDir = (name: string, medium?: string): object => ({
  name,
  emptyDir: medium === undefined ? {} : { medium },
});

const gpu = (count: number): object => ({
  limits: { "nvidia.com/gpu": String(count) },
  requests: { "nvidia.com/gpu": String(count) },
});

function workload(name: string, labels: object, spec: object, more: object = {}): LiveObject {
  const template = { metadata: { labels }, spec };
  return {
    metadata: { name, namespace: "default", generation: 1 },
    spec: { replicas: 3, template, ...more },
  };
}

const health = (path: string, port: number | string): object => ({
  httpGet: { path, port },
  periodSeconds: 1,
});

/** The extension's vLLM: a token from a Secret, a syncer that reads a ConfigMap. */
export const vllm: Manifest = {
  kind: "deployments",
  selector: { app: "vllm-qwen3-32b" },
  ports: [8000],
  object: workload(
    "vllm-qwen3-32b",
    { app: "vllm-qwen3-32b" },
    {
      terminationGracePeriodSeconds: 130,
      enableServiceLinks: false,
      containers: [
        {
          name: "vllm",
          image: "vllm/vllm-openai:v0.11.0",
          command: ["python3", "-m", "vllm.entrypoints.openai.api_server"],
          args: [
            "--model",
            "Qwen/Qwen3-32B",
            "--tensor-parallel-size",
            "1",
            "--port",
            "8000",
            "--enable-lora",
          ],
          env: [
            { name: "PORT", value: "8000" },
            {
              name: "HUGGING_FACE_HUB_TOKEN",
              valueFrom: { secretKeyRef: { name: "hf-token", key: "token" } },
            },
          ],
          ports: [{ name: "http", containerPort: 8000 }],
          readinessProbe: health("/health", "http"),
          resources: gpu(1),
        },
      ],
      initContainers: [
        {
          name: "lora-adapter-syncer",
          image: "example.com/lora-syncer:v1",
          restartPolicy: "Always",
          env: [{ name: "DYNAMIC_LORA_ROLLOUT_CONFIG", value: "/config/configmap.yaml" }],
        },
      ],
      volumes: [
        emptyDir("data"),
        emptyDir("shm", "Memory"),
        { name: "config-volume", configMap: { name: "vllm-qwen3-32b-adapters" } },
      ],
    },
  ),
};

/** The extension's SGLang: flags with =, an optional token, limits without requests; labelled for the picker. */
export const sglang: Manifest = {
  kind: "deployments",
  selector: { app: "sgl-qwen3-32b-instruct" },
  ports: [8000],
  object: workload(
    "sgl-qwen3-32b-instruct",
    { app: "sgl-qwen3-32b-instruct", "inference.networking.k8s.io/engine-type": "sglang" },
    {
      containers: [
        {
          name: "sglang",
          image: "lmsysorg/sglang:v0.5.4",
          command: ["python3", "-m", "sglang.launch_server"],
          args: [
            "--model-path=Qwen/Qwen3-32B",
            "--host=0.0.0.0",
            "--port=8000",
            "--tp=1",
            "--enable-metrics",
          ],
          env: [
            {
              name: "HF_TOKEN",
              valueFrom: { secretKeyRef: { name: "hf-token", key: "token", optional: true } },
            },
          ],
          ports: [{ name: "http", containerPort: 8000 }],
          readinessProbe: health("/health_generate", 8000),
          resources: { limits: { "nvidia.com/gpu": "1" } },
        },
      ],
      volumes: [emptyDir("model-cache"), emptyDir("dshm", "Memory")],
      tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
    },
  ),
};

const llmdLabels = {
  "llm-d.ai/inferenceServing": "true",
  "llm-d.ai/model": "opt",
  "llm-d.ai/role": "decode",
};

/** llm-d's modelservice: a sidecar answers on the pool's port, the server on another one; weights on a claim. */
export const modelservice: Manifest = {
  kind: "deployments",
  selector: { "llm-d.ai/inferenceServing": "true", "llm-d.ai/model": "opt" },
  ports: [8000],
  object: workload("ms-decode", llmdLabels, {
    serviceAccountName: "ms-llm-d-modelservice",
    initContainers: [
      {
        name: "routing-proxy",
        image: "ghcr.io/llm-d/llm-d-routing-sidecar:v0.4.0",
        args: ["--port=8000", "--vllm-port=8200"],
        ports: [{ containerPort: 8000 }],
        restartPolicy: "Always",
      },
    ],
    containers: [
      {
        name: "vllm",
        image: "ghcr.io/llm-d/llm-d:v0.4.0",
        command: ["vllm", "serve"],
        args: ["facebook/opt-125m", "--port", "8200", "--tensor-parallel-size", "$(TP_SIZE)"],
        env: [
          { name: "TP_SIZE", value: "2" },
          { name: "VLLM_NIXL_SIDE_CHANNEL_HOST", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        ],
        ports: [{ containerPort: 8200 }, { containerPort: 5557 }],
        resources: gpu(2),
      },
    ],
    volumes: [
      emptyDir("metrics-volume"),
      { name: "model-storage", persistentVolumeClaim: { claimName: "weights", readOnly: true } },
    ],
  }),
};

/** The same chart's other role, which the same pool selects. */
export const prefill: Manifest = {
  ...modelservice,
  object: {
    ...modelservice.object,
    metadata: { ...modelservice.object.metadata, name: "ms-prefill" },
    spec: {
      replicas: 1,
      template: {
        metadata: { labels: { ...llmdLabels, "llm-d.ai/role": "prefill" } },
        spec: { containers: [] },
      },
    },
  },
};

/** The same chart as a StatefulSet on another port. */
export const stateful: Manifest = {
  kind: "statefulsets",
  selector: { app: "llm", role: "decode" },
  ports: [8080],
  object: workload(
    "decode",
    { app: "llm", role: "decode", team: "search" },
    {
      containers: [
        {
          name: "vllm",
          image: "vllm/vllm-openai:v0.21.0",
          command: ["/bin/sh", "-c"],
          args: ["exec vllm serve Qwen/Qwen3-8B --port 8080"],
          ports: [{ containerPort: 8080 }],
          resources: gpu(1),
        },
      ],
    },
    { serviceName: "decode-headless", podManagementPolicy: "Parallel" },
  ),
};

/** Leaders and workers; the pool selects leaders by the label that the controller adds. */
export const group = (size: number, args: string[]): Manifest => {
  const template = {
    metadata: { labels: { ...llmdLabels } },
    spec: {
      containers: [
        {
          name: "vllm",
          image: "vllm/vllm-openai:v0.21.0",
          command: ["vllm", "serve"],
          args,
          resources: gpu(1),
        },
      ],
    },
  };
  return {
    kind: "leaderworkersets",
    selector: { "leaderworkerset.sigs.k8s.io/worker-index": "0", "llm-d.ai/model": "opt" },
    ports: [8080],
    object: {
      metadata: { name: "wide", namespace: "default", generation: 1 },
      spec: {
        replicas: 2,
        leaderWorkerTemplate: { size, leaderTemplate: template, workerTemplate: template },
      },
      status: { readyReplicas: 2 },
    },
  };
};

/** KServe's LLMInferenceService: TLS to the pod, a certificate from a Secret, owned by its controller. */
export const kserve: Manifest = {
  kind: "deployments",
  selector: { "app.kubernetes.io/name": "qwen", "app.kubernetes.io/part-of": "llminferenceservice" },
  ports: [8000],
  object: (() => {
    const made = workload(
      "qwen-kserve",
      {
        "app.kubernetes.io/name": "qwen",
        "app.kubernetes.io/part-of": "llminferenceservice",
        "kserve.io/component": "workload",
      },
      {
        containers: [
          {
            name: "main",
            image: "ghcr.io/llm-d/llm-d:v0.4.0",
            command: ["vllm", "serve"],
            args: ["/mnt/models", "--port", "8000", "--ssl-certfile", "/etc/ssl/certs/tls.crt"],
            ports: [{ containerPort: 8000 }],
            resources: gpu(1),
          },
        ],
        volumes: [{ name: "tls-certs", secret: { secretName: "qwen-kserve-self-signed-certs" } }],
      },
    );
    const ownerReferences = [{ kind: "LLMInferenceService", name: "qwen" }];
    return { ...made, metadata: { ...made.metadata, ownerReferences } };
  })(),
};
