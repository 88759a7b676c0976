/**
 * How fast a model answers. Decoding reads all active weights once per token, so it is bound by memory bandwidth;
 * prefill is bound by arithmetic. The factors are what vLLM reaches in practice, to within a factor of two: the
 * lab shows the *differences* between accelerators and models, it is no benchmark.
 */
interface Accelerator {
  /** GiB of memory, GB/s to it, dense bf16 TFLOP/s; of one GPU or TPU chip, from the makers' data sheets. */
  memory: number;
  bandwidth: number;
  teraflops: number;
}

/** By GKE's names: labels cloud.google.com/gke-accelerator and gke-tpu-accelerator. */
const accelerators: Readonly<Record<string, Accelerator>> = {
  "nvidia-tesla-t4": { memory: 16, bandwidth: 320, teraflops: 65 },
  "nvidia-l4": { memory: 24, bandwidth: 300, teraflops: 121 },
  "nvidia-rtx-pro-6000": { memory: 96, bandwidth: 1597, teraflops: 500 },
  "nvidia-tesla-a100": { memory: 40, bandwidth: 1555, teraflops: 312 },
  "nvidia-a100-80gb": { memory: 80, bandwidth: 2039, teraflops: 312 },
  "nvidia-h100-80gb": { memory: 80, bandwidth: 3350, teraflops: 989 },
  "nvidia-h100-mega-80gb": { memory: 80, bandwidth: 3350, teraflops: 989 },
  "nvidia-h200-141gb": { memory: 141, bandwidth: 4800, teraflops: 989 },
  "nvidia-b200": { memory: 180, bandwidth: 8000, teraflops: 2250 },
  "nvidia-gb200": { memory: 186, bandwidth: 8000, teraflops: 2500 },
  "nvidia-gb300": { memory: 279, bandwidth: 8000, teraflops: 2500 },
  "tpu-v4-podslice": { memory: 32, bandwidth: 1200, teraflops: 275 },
  "tpu-v5-lite-podslice": { memory: 16, bandwidth: 819, teraflops: 197 },
  "tpu-v5p-slice": { memory: 95, bandwidth: 2765, teraflops: 459 },
  "tpu-v6e-slice": { memory: 32, bandwidth: 1640, teraflops: 918 },
  tpu7x: { memory: 192, bandwidth: 7380, teraflops: 2307 },
};

/** A model server without an accelerator, or with one that the table does not know. */
const other: Accelerator = { memory: 24, bandwidth: 1000, teraflops: 200 };

export interface Pace {
  /** Milliseconds from admission to the first token of an empty prompt. */
  firstToken: number;
  /** Milliseconds more for each token of the prompt. */
  promptToken: number;
  /** Milliseconds between tokens. */
  token: number;
  /** How many tokens fit into the KV cache. */
  cacheTokens: number;
}

const bytesPerGiB = 2 ** 30;
const bandwidthReached = 0.6;
const arithmeticReached = 0.4;
const memoryUsed = 0.9;
const firstTokenFloor = 15;

export function paceOf(model: string, accelerator: string, count: number): Pace {
  const { memory, bandwidth, teraflops } = accelerators[accelerator] ?? other;
  const n = Math.max(1, count);
  const { total, active, bytes } = sizeOf(model);
  const token = ((active * 1e9 * bytes) / (bandwidth * 1e9 * n * bandwidthReached)) * 1000;
  const cacheBytes = memory * bytesPerGiB * n * memoryUsed - total * 1e9 * bytes;
  // 128 KiB a token for an 8B model; wider models have more layers and heads, fewer than in proportion.
  const bytesPerToken = 128 * 1024 * Math.sqrt(total / 8);
  return {
    firstToken: firstTokenFloor + token,
    promptToken: ((2 * active * 1e9) / (teraflops * 1e12 * n * arithmeticReached)) * 1000,
    token,
    cacheTokens: Math.max(16_384, Math.floor(cacheBytes / bytesPerToken)),
  };
}

export interface ModelSize {
  /** Billions of parameters, and how many of them one token uses (mixture of experts). */
  total: number;
  active: number;
  bytes: number;
}

/** Reads a model's size from its name: "8B", "30B-A3B", "8x7B"; 8B where the name does not say. */
export function sizeOf(model: string): ModelSize {
  const name = model.toUpperCase();
  const experts = /(\d+)X(\d+(?:\.\d+)?)B/.exec(name);
  const plain = /(?:^|[^\dA-Z.])(\d+(?:\.\d+)?)B(?![A-Z])/.exec(name);
  const activated = /A(\d+(?:\.\d+)?)B(?![A-Z])/.exec(name);
  const total = experts === null ? Number(plain?.[1] ?? 8) : Number(experts[1]) * Number(experts[2]);
  // Mixtral and its kind use two of their experts.
  const active =
    activated === null ? (experts === null ? total : 2 * Number(experts[2])) : Number(activated[1]);
  const bytes = /AWQ|GPTQ|INT4|W4A|4BIT|FP4/.test(name) ? 0.5 : /FP8|INT8|W8A8|8BIT/.test(name) ? 1 : 2;
  return { total, active, bytes };
}
