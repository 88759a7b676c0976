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
  readiness: { periodSeconds: 5, timeoutSeconds: ownLimit + 5, failureThreshold: 1 },
  // No token for a minute and more: no load does that.
  liveness: { periodSeconds: 10, timeoutSeconds: ownLimit + 5, failureThreshold: 3 },
  // The load balancer's timeout is at most its interval; its failures add up to the server's own limit.
  loadBalancer: { periodSeconds: 5, timeoutSeconds: 5, failureThreshold: ownLimit / 5 },
};

/** SGLang, on GPUs of one node. */
export const sglang: ModelServerEngine = {
  name: "sglang",
  title: "SGLang",
  source: "SGLang's documentation (image, flags); llm-d's manifests (label of its pods)",
  images: { gpu: { repository: "lmsysorg/sglang", version: "v0.5.4" } },
  port: 8000,
  healthPath: "/health",
  probes,
  command: ["python3", "-m", "sglang.launch_server"],
  flags: {
    model: "--model-path",
    servedName: { flag: "--served-model-name", shortest: "--served", takes: "one" },
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
  environment: () => [],
  pickerEngine: "sglang",
  pickerMetrics: ["sglang:num_queue_reqs", "sglang:num_running_reqs", "sglang:token_usage"],
  adapters: {
    supported: false,
    reason:
      "it selects an adapter by model:adapter and answers an unknown name with the base model; it was not verified whether v0.5.4 lists the loaded adapters",
  },
  recognized: /\bsglang\b/,
  errors: {
    // With LoRA: "... that has never been loaded: x".
    unknownModel: /\blora adapter\b[^.]*never been loaded/i,
    // "... appears to be an embedding model"
    otherApi: /embedding model|not (a )?generat/i,
  },
};
