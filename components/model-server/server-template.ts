import type { Server } from "../engines/engine";
import type * as k8s from "@pulumi/kubernetes";
import { annotations } from "../names";
import { adapterEnvironment, adapterFlags, adapterLoading, adapterMount } from "../adapters/adapter-loading";
import { resourceName } from "../accelerators/catalogue";
import { draining } from "./draining";
import { maxLoadingMinutes } from "./loading";
import { type Weights, weightsSetup } from "./model-weights";
import { acceleratorsOfPod, nodeBinding, type PlacementArgs, type PodTemplate } from "./pod-template";
import { spread } from "./pod-spread";
import { argVariables, argWords, type Word } from "./server-secrets";

type Container = k8s.types.input.core.v1.Container;

/** The Secret that holds the token for gated models, in the pool's namespace. */
export interface TokenSecret {
  name: string;
  key: string;
}

export interface ServerTemplateArgs extends PlacementArgs {
  model: string;
  server: Server;
  weights: Weights;
  /** Whether adapters are loaded while the server runs. */
  adapters: boolean;
  /** Changes with the secrets among the server's arguments. Absent: there are none. */
  secretsRevision?: string;
  token?: TokenSecret;
  /** Whether the pool has machines of two kinds, the cheaper ones to be preferred. */
  prefersSpot?: boolean;
}

/** Pod template of a model server that this project sets up. */
export function serverTemplate(args: ServerTemplateArgs): PodTemplate {
  const { server } = args;
  const { accelerator } = args.placement;
  const resources = { [resourceName(accelerator)]: String(acceleratorsOfPod(args)) };
  const weights = weightsSetup(args);
  const health = { path: "/health", port: "http" };
  const loading = args.adapters
    ? adapterLoading({ pool: args.pool, image: server.image, serverPort: server.port })
    : undefined;
  const account = loading?.serviceAccountName ?? weights.serviceAccount;
  const container: Container = {
    name: server.engine,
    image: server.image,
    ...commandOf(args, weights.args),
    env: [
      { name: "HF_HOME", value: "/cache/huggingface" },
      // A container that is started again need not compile its model for the TPU again.
      ...(accelerator.family === "tpu" ? [{ name: "VLLM_XLA_CACHE_PATH", value: "/cache/xla" }] : []),
      ...(loading === undefined ? [] : adapterEnvironment),
      ...argVariables(args.pool, server),
      ...(args.token === undefined
        ? []
        : [
            { name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: args.token.name, key: args.token.key } } },
          ]),
    ],
    ports: [{ name: "http", containerPort: server.port, protocol: "TCP" }],
    // Nothing is asked of the server before its model is loaded; that may take as long as a download does.
    startupProbe: {
      httpGet: health,
      initialDelaySeconds: 2,
      periodSeconds: 1,
      failureThreshold: maxLoadingMinutes * 60,
    },
    readinessProbe: { httpGet: health, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 1 },
    // A restart costs a reload of the model: only a server that is surely broken is restarted.
    livenessProbe: { httpGet: health, periodSeconds: 1, failureThreshold: 5, timeoutSeconds: 1 },
    lifecycle: { preStop: { sleep: { seconds: draining.preStopSeconds } } },
    resources: { limits: resources, requests: resources },
    securityContext: {
      allowPrivilegeEscalation: false,
      // The TPU's runtime locks memory, which is one of the capabilities that containers have by default.
      ...(accelerator.family === "tpu" ? {} : { capabilities: { drop: ["ALL"] } }),
    },
    volumeMounts: [
      { name: "cache", mountPath: "/cache" },
      { name: "shm", mountPath: "/dev/shm" },
      ...weights.mounts,
      ...(loading === undefined ? [] : [adapterMount]),
    ],
  };
  const notes = {
    ...weights.annotations,
    ...(args.secretsRevision === undefined ? {} : { [annotations.secrets]: args.secretsRevision }),
  };
  return {
    metadata: Object.keys(notes).length === 0 ? {} : { annotations: notes },
    spec: {
      ...nodeBinding(args),
      ...spread(args.pool, args.prefersSpot ?? false),
      // The loader's account is the pod's where there is one: it reads the weights too (model-access.ts).
      ...(account === undefined ? {} : { serviceAccountName: account }),
      // The server never talks to the API server.
      automountServiceAccountToken: false,
      ...(loading === undefined ? {} : { initContainers: [loading.sidecar] }),
      // A Service called vllm in the namespace would otherwise set VLLM_PORT, which vLLM reads.
      enableServiceLinks: false,
      terminationGracePeriodSeconds: draining.graceSeconds,
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
      containers: [container],
      volumes: [
        { name: "cache", emptyDir: {} },
        { name: "shm", emptyDir: { medium: "Memory" } },
        ...weights.volumes,
        ...(loading?.volumes ?? []),
      ],
    },
  };
}

function commandOf(
  { server, adapters, acceleratorsPerReplica }: ServerTemplateArgs,
  model: readonly string[],
): { command: string[]; args: Word[] } {
  const count = String(acceleratorsPerReplica);
  const port = String(server.port);
  switch (server.engine) {
    case "vllm":
      return {
        command: ["python3", "-m", "vllm.entrypoints.openai.api_server"],
        args: [
          ...model,
          ...["--port", port, "--tensor-parallel-size", count],
          ...(drainsByFlag(server.image) ? ["--shutdown-timeout", String(draining.finishSeconds)] : []),
          ...(adapters ? adapterFlags : []),
          ...argWords(server),
        ],
      };
    case "sglang":
      return {
        command: ["python3", "-m", "sglang.launch_server"],
        args: [
          ...model,
          ...["--host", "0.0.0.0", "--port", port, "--tp", count, "--enable-metrics"],
          ...argWords(server),
        ],
      };
  }
}

/**
 * vLLM cuts its streams on SIGTERM unless it is told how long it may take (`--shutdown-timeout`, since v0.18). Of
 * an image whose tag is no version nothing is known: there the flag is the user's to give.
 */
export function drainsByFlag(image: string): boolean {
  const version = /:v?(\d+)\.(\d+)(?:\.\d+)?/.exec(image);
  if (version === null) return false;
  return Number(version[1]) > 0 || Number(version[2]) >= 18;
}
