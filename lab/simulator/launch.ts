import { commandWords, Flags } from "./arguments";
import { parseFaults, type Fault } from "./faults";
import { readKnownAdapters, type KnownAdapters } from "./adapter-files";

export type EngineName = "vllm" | "sglang";

export interface AdapterModule {
  name: string;
  path: string;
}

/** What a model server's command line and environment ask for. */
export interface Launch {
  engine: EngineName;
  version: string;
  port: number;
  /** The model that is really loaded, as --model names it. */
  model: string;
  /** The names it answers to. */
  names: readonly string[];
  maxSequences: number;
  maxModelLength: number | undefined;
  /** Keys of which a request has to bring one; empty: none. */
  apiKeys: readonly string[];
  /** A pooling model: it makes embeddings and no tokens. */
  embeds: boolean;
  /** SGLang has /metrics only with --enable-metrics. */
  metrics: boolean;
  adapters: AdapterSettings;
  loadSeconds: number;
  /**
   * How long the server goes on with what it has after SIGTERM. vLLM cuts it off at once unless --shutdown-timeout
   * says otherwise (since v0.18); SGLang waits for the last request.
   */
  finishSeconds: number;
  /** How long it keeps an idle connection. Source: vllm/envs.py; sglang/srt/environ.py (0.5.23; v0.5.4 has 5 s). */
  idleSeconds: number;
  faults: readonly Fault[];
  /** Milliseconds that the command line itself fixes (llm-d-inference-sim). */
  firstToken: number | undefined;
  token: number | undefined;
}

export interface AdapterSettings {
  enabled: boolean;
  /** Whether adapters may be loaded and unloaded while the server runs. */
  runtimeUpdates: boolean;
  /** Adapters in one batch. */
  maxInBatch: number;
  /** Adapters in memory; those beyond are loaded again when a request asks for them. */
  maxInMemory: number;
  maxRank: number;
  /** Loaded before the server answers. */
  modules: readonly AdapterModule[];
  /** Folder in which a request's unknown model name is looked up (lora_filesystem_resolver). */
  resolverFolder: string | undefined;
  known: KnownAdapters;
}

/** The server itself would end with this message, before it listens. */
export class LaunchRefused extends Error {}

export interface LaunchInput {
  image: string;
  command: readonly string[];
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

const flagNames = [
  ...["model", "model-path", "port", "served-model-name", "max-num-seqs", "max-running-requests"],
  ...["max-model-len", "context-length", "enable-metrics", "enable-lora", "max-loras", "max-cpu-loras"],
  ...["max-lora-rank", "lora-modules", "lora-paths", "max-loras-per-batch", "max-loaded-loras"],
  ...[
    "shutdown-timeout",
    "time-to-first-token",
    "inter-token-latency",
    "max-num-batched-tokens",
    "max-logprobs",
    "model-impl",
    ...["api-key", "runner", "task", "convert", "is-embedding"],
  ],
];

/** @throws LaunchRefused with the words the server would print. */
export function readLaunch(input: LaunchInput): Launch {
  try {
    const words = commandWords(input.command, input.args);
    const flags = new Flags(words, flagNames);
    const common = {
      version: imageTag(input.image),
      loadSeconds: positive(input.env["LAB_LOAD_SECONDS"]) ?? 0.5,
      faults: parseFaults(input.env["LAB_FAULT"] ?? ""),
      firstToken: milliseconds(flags.text("time-to-first-token")),
      token: milliseconds(flags.text("inter-token-latency")),
    };
    return engineOf(input.image) === "sglang"
      ? sglang(flags, input.env, common)
      : vllm(flags, words, input, common);
  } catch (error) {
    throw new LaunchRefused(error instanceof Error ? error.message : String(error));
  }
}

function engineOf(image: string): EngineName {
  return /sglang/i.test(image) ? "sglang" : "vllm";
}

type Common = Pick<Launch, "version" | "loadSeconds" | "faults" | "firstToken" | "token">;

function vllm(flags: Flags, words: readonly string[], input: LaunchInput, common: Common): Launch {
  const { image, command, env } = input;
  // `vllm serve MODEL`; without a command, the image's own entry point is `vllm serve`.
  const serve = words.indexOf("serve");
  const first = words[serve + 1];
  const mayBeModel = (serve >= 0 || command.length === 0) && first?.startsWith("-") === false;
  const model = flags.text("model") ?? (mayBeModel ? first : undefined) ?? "Qwen/Qwen3-0.6B";
  const isTestDouble = /llm-d-inference-sim/.test(image);
  const maxInBatch = flags.number("max-loras") ?? 1;
  const maxInMemory = flags.number("max-cpu-loras") ?? maxInBatch;
  if (maxInMemory < maxInBatch) {
    throw new Error(`max_cpu_loras (${maxInMemory}) must be >= max_loras (${maxInBatch}).`);
  }
  const runtimeUpdates = isTrue(env["VLLM_ALLOW_RUNTIME_LORA_UPDATING"]);
  const plugins = (env["VLLM_PLUGINS"] ?? "").split(",").map((name) => name.trim());
  const resolves = runtimeUpdates && plugins.includes("lora_filesystem_resolver");
  const modules = adapterModules(flags.list("lora-modules"));
  return {
    ...common,
    engine: "vllm",
    port: flags.number("port") ?? 8000,
    model,
    names: named(flags.list("served-model-name"), model),
    apiKeys: keysOf(flags, env["VLLM_API_KEY"]),
    embeds:
      flags.text("runner") === "pooling" || /^embed/.test(flags.text("task") ?? flags.text("convert") ?? ""),
    maxSequences: flags.number("max-num-seqs") ?? 256,
    maxModelLength: flags.number("max-model-len"),
    metrics: true,
    finishSeconds: isTestDouble ? Infinity : (flags.number("shutdown-timeout") ?? 0),
    // The test double is a Go server, which keeps them.
    idleSeconds: isTestDouble ? 620 : (positive(env["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"]) ?? 5),
    adapters: {
      // The test double has no --enable-lora: naming adapters is enough.
      enabled: flags.has("enable-lora") || (isTestDouble && (modules.length > 0 || flags.has("max-loras"))),
      runtimeUpdates: runtimeUpdates || isTestDouble,
      maxInBatch,
      maxInMemory,
      maxRank: flags.number("max-lora-rank") ?? 16,
      modules,
      resolverFolder: resolves ? env["VLLM_LORA_RESOLVER_CACHE_DIR"] : undefined,
      known: readKnownAdapters(env["LAB_ADAPTERS"]),
    },
    ...(isTestDouble ? { firstToken: common.firstToken ?? 0, token: common.token ?? 0 } : {}),
  };
}

function sglang(flags: Flags, env: Readonly<Record<string, string>>, common: Common): Launch {
  const model = flags.text("model-path") ?? flags.text("model");
  if (model === undefined)
    throw new Error("error: the following arguments are required: --model-path/--model");
  const modules = adapterModules(flags.list("lora-paths"));
  const maxInBatch = flags.number("max-loras-per-batch") ?? 8;
  return {
    ...common,
    engine: "sglang",
    port: flags.number("port") ?? 30_000,
    model,
    names: named(flags.list("served-model-name").slice(0, 1), model),
    apiKeys: keysOf(flags),
    embeds: flags.has("is-embedding"),
    maxSequences: flags.number("max-running-requests") ?? 256,
    maxModelLength: flags.number("context-length"),
    metrics: flags.has("enable-metrics"),
    finishSeconds: Infinity,
    idleSeconds: common.version === "0.5.4" ? 5 : (positive(env["SGLANG_TIMEOUT_KEEP_ALIVE"]) ?? 5),
    adapters: {
      // Naming adapters switches LoRA on.
      enabled: flags.has("enable-lora") || modules.length > 0,
      runtimeUpdates: true,
      maxInBatch,
      maxInMemory: flags.number("max-loaded-loras") ?? Number.MAX_SAFE_INTEGER,
      maxRank: flags.number("max-lora-rank") ?? Number.MAX_SAFE_INTEGER,
      modules,
      resolverFolder: undefined,
      known: readKnownAdapters(env["LAB_ADAPTERS"]),
    },
  };
}

/** "name=path", '{"name": …, "path": …}', or a JSON list of those. */
export function adapterModules(values: readonly string[]): AdapterModule[] {
  return values.flatMap((value) => {
    if (!/^\s*[[{]/.test(value)) {
      const at = value.indexOf("=");
      // SGLang takes a bare path for the name, too.
      return at < 0
        ? [{ name: value, path: value }]
        : [{ name: value.slice(0, at), path: value.slice(at + 1) }];
    }
    const parsed: unknown = JSON.parse(value);
    return (Array.isArray(parsed) ? parsed : [parsed]).map((entry) => {
      const { name, path, lora_name, lora_path } = entry as Record<string, unknown>;
      const given = name ?? lora_name;
      if (typeof given !== "string") throw new Error(`argument --lora-modules: invalid value: '${value}'`);
      const from = path ?? lora_path;
      return { name: given, path: typeof from === "string" ? from : given };
    });
  });
}

function named(names: readonly string[], model: string): readonly string[] {
  return names.length === 0 ? [model] : names;
}

function keysOf(flags: Flags, fromEnvironment?: string): string[] {
  const given = flags.list("api-key");
  return (given.length > 0 ? given : [fromEnvironment ?? ""]).filter((key) => key !== "");
}

function isTrue(value: string | undefined): boolean {
  return ["1", "true"].includes((value ?? "").trim().toLowerCase());
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text ?? Number.NaN);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** "30", "30ms", "0.03s". */
function milliseconds(text: string | undefined): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text ?? "");
  return found === null ? undefined : Number(found[1]) * (found[2] === "s" ? 1000 : 1);
}

function imageTag(image: string): string {
  return /:([^:/@]+)(?:@|$)/.exec(image)?.[1]?.replace(/^v(?=\d)/, "") ?? "0.0.0";
}
