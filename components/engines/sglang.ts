import type { ModelServerEngine, ServerProbes } from "./engine";

/** Seconds after which the handler of /health itself gives up, with 503 (SGLANG_HEALTH_CHECK_TIMEOUT). */
const ownLimit = 20;

/**
 * SGLang's /health is /health_generate: it sleeps 1 s before each look at whether the scheduler has sent anything since,
 * generates a token for that where nothing runs, and answers 200 after 1 s at the earliest. A long prefill delays it. So
 * Kubernetes waits for the server's own verdict, while a server that is gone refuses the connection, and is noticed
 * within a period. Source: sglang 0.5.4, srt/entrypoints/http_server.py.
 */
const probes: ServerProbes = {
  startup: { periodSeconds: 2, timeoutSeconds: ownLimit + 5 },
  readiness: { periodSeconds: 5, timeoutSeconds: ownLimit + 5, failureThreshold: 3 },
  // No token for a minute and more: no load does that.
  liveness: { periodSeconds: 10, timeoutSeconds: ownLimit + 5, failureThreshold: 3 },
  // The load balancer's timeout is at most its interval; its failures add up to the server's own limit.
  loadBalancer: { periodSeconds: 5, timeoutSeconds: 5, failureThreshold: ownLimit / 5 },
};

/** All of them answer without any flag. Source: sglang 0.5.4, srt/entrypoints/http_server.py. */
const adminPaths: readonly string[] = [
  ...["/load_lora_adapter", "/unload_lora_adapter"],
  ...["/update_weights_from_disk", "/update_weights_from_tensor", "/update_weights_from_distributed"],
  ...["/update_weights_from_ipc", "/update_weight_version", "/get_weights_by_name"],
  ...["/init_weights_update_group", "/destroy_weights_update_group"],
  ...["/init_weights_send_group_for_remote_instance", "/send_weights_to_remote_instance"],
  ...["/flush_cache", "/clear_hicache_storage_backend"],
  ...["/release_memory_occupation", "/resume_memory_occupation"],
  ...["/pause_generation", "/continue_generation", "/abort_request", "/slow_down"],
  ...["/set_internal_state", "/configure_logging", "/freeze_gc"],
  ...["/start_profile", "/stop_profile"],
  ...["/start_expert_distribution_record", "/stop_expert_distribution_record"],
  "/dump_expert_distribution_record",
  // How it was started (keys included), and what everybody does with it.
  ...["/get_server_info", "/get_load", "/metrics"],
];

/** SGLang, on GPUs of one node. */
export const sglang: ModelServerEngine = {
  name: "sglang",
  title: "SGLang",
  source:
    "the package of the image (flags, endpoints: test/facts); SGLang's documentation (image); llm-d's manifests (label of its pods)",
  images: { gpu: { repository: "lmsysorg/sglang", version: "v0.5.4" } },
  port: 8000,
  healthPath: "/health",
  probes,
  formerProbes: {
    ...probes,
    readiness: { periodSeconds: 5, timeoutSeconds: ownLimit + 5, failureThreshold: 1 },
  },
  command: ["python3", "-m", "sglang.launch_server"],
  flags: {
    model: "--model-path",
    servedName: { flag: "--served-model-name", shortest: "--se", takes: "one" },
    port: "--port",
    tls: ["--ssl-certfile", "--ssl-keyfile"],
    parallel: [
      ["--tp", "--tp-size", "--tensor-parallel-size"],
      ["--pp-size", "--pipeline-parallel-size"],
    ],
  },
  // It listens on 127.0.0.1 and serves no metrics by default; requests and the picker need both.
  serve: ({ port, accelerators }) => [
    ...["--host", "0.0.0.0", "--port", String(port), "--tp", String(accelerators)],
    "--enable-metrics",
  ],
  drain: () => [],
  // No keepAlive: 0.5.4 has the 5 s in its code; later ones read SGLANG_TIMEOUT_KEEP_ALIVE (0.5.23 does).
  environment: () => [],
  metrics: { queue: "sglang:num_queue_reqs", cache: "sglang:token_usage" },
  pickerEngine: "sglang",
  pickerMetrics: ["sglang:num_queue_reqs", "sglang:num_running_reqs", "sglang:token_usage"],
  adapters: {
    supported: false,
    reason:
      "it selects an adapter by model:adapter and answers an unknown name with the base model; it was not verified whether v0.5.4 lists the loaded adapters",
  },
  adminPaths,
  recognized: /\bsglang\b/,
  errors: {
    // "... requested LoRA adapters are not loaded: x"; in later versions "... that has never been loaded: x".
    unknownModel: /\blora adapters?\b[^.]*(are not|never been) loaded/i,
    // "... appears to be an embedding model"
    otherApi: /embedding model|not (a )?generat/i,
  },
};
