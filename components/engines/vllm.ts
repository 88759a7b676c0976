import type { ModelServerEngine } from "./engine";

/**
 * Most exist only with VLLM_SERVER_DEV_MODE or a flag, which an image or server.env can set. Source: vllm 0.21.0,
 * entrypoints/serve (lora, profile, sleep, rpc, cache, rlhf, elastic_ep, instrumentator, disagg); newer ones: its main branch.
 */
const adminPaths: readonly string[] = [
  // /adapters loads and unloads them for SageMaker: a route of model-hosting-container-standards, on which vLLM depends.
  ...["/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/adapters"],
  ...["/start_profile", "/stop_profile"],
  ...["/sleep", "/wake_up", "/is_sleeping"],
  "/collective_rpc",
  ...["/reset_prefix_cache", "/reset_mm_cache", "/reset_encoder_cache"],
  ...["/pause", "/resume", "/is_paused", "/abort_requests"],
  ...["/init_weight_transfer_engine", "/start_weight_update", "/update_weights", "/finish_weight_update"],
  ...["/start_draft_weight_update", "/update_weight_version", "/weight_checker", "/get_world_size"],
  ...["/scale_elastic_ep", "/is_scaling_elastic_ep"],
  // What everybody does with the server, and how it was started (keys included).
  ...["/server_info", "/load", "/metrics"],
];

/**
 * vLLM. The only engine with which this project loads adapters, streams weights and serves on TPUs:
 * the others lack it here because it is untried, not because they could not do it.
 */
export const vllm: ModelServerEngine = {
  name: "vllm",
  title: "vLLM",
  source:
    "the package of the image (flags, variables, endpoints, metrics: test/facts); accelerated-platforms (vLLM for TPUs, the autoscaler's queue); the extension's and llm-d's own manifests (image)",
  images: {
    gpu: { repository: "vllm/vllm-openai", version: "v0.21.0" },
    // v0.22.0 is made with tpu-inference 0.22.0, which was withdrawn from PyPI; Google's sample of several hosts uses this.
    tpu: { repository: "vllm/vllm-tpu", version: "v0.21.0", formerVersions: ["v0.22.0"] },
  },
  port: 8000,
  healthPath: "/health",
  // The handler looks at a flag, on the event loop that also takes requests apart and sends every token.
  probes: {
    startup: { periodSeconds: 1, timeoutSeconds: 5 },
    readiness: { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 3 },
    liveness: { periodSeconds: 10, timeoutSeconds: 15, failureThreshold: 4 },
  },
  formerProbes: {
    startup: { periodSeconds: 1, timeoutSeconds: 1 },
    readiness: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 },
    liveness: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 5 },
  },
  command: ["python3", "-m", "vllm.entrypoints.openai.api_server"],
  flags: {
    model: "--model",
    // nargs "+", and its parser takes underscores for dashes.
    servedName: { flag: "--served-model-name", shortest: "--ser", takes: "several" },
    port: "--port",
    tls: ["--ssl-certfile", "--ssl-keyfile"],
    parallel: [
      ["-tp", "--tensor-parallel-size"],
      ["-pp", "--pipeline-parallel-size"],
    ],
  },
  serve: ({ port, accelerators }) => ["--port", String(port), "--tensor-parallel-size", String(accelerators)],
  drain: (image, seconds) => (drainsByFlag(image) ? ["--shutdown-timeout", String(seconds)] : []),
  environment: (family, image) => {
    // A container that is started again need not compile its model for the TPU again.
    if (family === "tpu") return [{ name: "VLLM_XLA_CACHE_PATH", value: "/cache/xla" }];
    return missesDriver(image) ? [{ name: "LD_LIBRARY_PATH", value: "/usr/local/nvidia/lib64" }] : [];
  },
  keepAlive: (seconds) => [{ name: "VLLM_HTTP_TIMEOUT_KEEP_ALIVE", value: String(seconds) }],
  stream: (accelerators) => [
    ...["--load-format", "runai_streamer"],
    // Each GPU's process reads its own part instead of all reading everything.
    ...(accelerators > 1 ? ["--model-loader-extra-config", JSON.stringify({ distributed: true })] : []),
  ],
  overNodes: {
    flags: ["--distributed-executor-backend", "ray"],
    // Without it, tpu-inference forces the executor of a single host, whatever the flag says.
    environment: (family) => (family === "tpu" ? [{ name: "TPU_MULTIHOST_BACKEND", value: "ray" }] : []),
  },
  // The picker's own default.
  pickerMetrics: ["vllm:num_requests_waiting", "vllm:num_requests_running", "vllm:kv_cache_usage_perc"],
  metrics: { queue: "vllm:num_requests_waiting", cache: "vllm:kv_cache_usage_perc" },
  adapters: {
    supported: true,
    // Rank: vLLM's own default; memory for twelve as in the inference extension's manifest, and four in one batch, so
    // that two versions of two adapters do not wait for each other.
    flags: ["--enable-lora", ...["--max-loras", "4", "--max-cpu-loras", "12", "--max-lora-rank", "16"]],
    // Without it, vLLM has no endpoints for loading and unloading.
    environment: [{ name: "VLLM_ALLOW_RUNTIME_LORA_UPDATING", value: "true" }],
    loader: "adapter-loader.py",
  },
  adminPaths,
  recognized: /\bvllm\b|\/llm-d/,
  errors: {
    // "The model `x` does not exist."
    unknownModel:
      /\bmodel\b[^.]*(does not exist|not found)|\blora adapter\b[^.]*(does not exist|cannot be found)/i,
    // "The model does not support Completions API"
    otherApi: /does not support [\w ]*\bAPI\b/i,
  },
};

/**
 * vLLM cuts its streams on SIGTERM unless a flag says how long it may take (`--shutdown-timeout`, since v0.18). The flag
 * is left out where the image's tag is no version: the user can add it to the arguments.
 */
function drainsByFlag(image: string): boolean {
  const version = versionOf(image);
  return version !== undefined && (version.major > 0 || version.minor >= 18);
}

/** Images v0.9 to v0.11 do not find the driver's libraries where GKE mounts them. Source: vllm#18859, vllm#25766. */
function missesDriver(image: string): boolean {
  const version = versionOf(image);
  return version?.major === 0 && version.minor >= 9 && version.minor <= 11;
}

function versionOf(image: string): { major: number; minor: number } | undefined {
  const version = /:v?(\d+)\.(\d+)(?:\.\d+)?/.exec(image);
  return version === null ? undefined : { major: Number(version[1]), minor: Number(version[2]) };
}
