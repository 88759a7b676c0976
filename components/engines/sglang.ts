import type { ModelServerEngine } from "./engine";

/** SGLang, on GPUs of one node. */
export const sglang: ModelServerEngine = {
  name: "sglang",
  title: "SGLang",
  source: "SGLang's documentation (image, flags); llm-d's manifests (label of its pods)",
  images: { gpu: { repository: "lmsysorg/sglang", version: "v0.5.4" } },
  port: 8000,
  healthPath: "/health",
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
