import type { Engine, EngineObserver, Work } from "./engine";
import type { Launch } from "./launch";
import type { Pace } from "./speed";

const blockSize = 16;

/**
 * GET /metrics under the names of vLLM (v1/metrics/loggers.py) or SGLang: what pickers read
 * (gateway-api-inference-extension, core-metrics-extractor) and what dashboards count.
 */
export class Metrics implements EngineObserver {
  private readonly labels: string;
  private readonly names: (typeof metricNames)[Launch["engine"]];
  private readonly firstTokens: Histogram;
  private readonly latencies: Histogram;
  private readonly queueTimes: Histogram;
  private readonly tokenTimes: Histogram;
  private promptTokens = 0;
  private generated = 0;
  private finishes = 0;
  private aborts = 0;
  private printed: { version: number; text: string } | undefined;
  private stamp = new Date().getTime() / 1000;

  constructor(
    private readonly launch: Launch,
    private readonly pace: Pace,
  ) {
    const model_name = launch.names[0] ?? launch.model;
    this.labels = labelled(launch.engine === "vllm" ? { engine: "0", model_name } : { model_name });
    this.names = metricNames[launch.engine];
    const histogram = (name: string, help: string, bounds: readonly number[]): Histogram =>
      new Histogram(`${launch.engine}:${name}`, help, bounds);
    this.firstTokens = histogram("time_to_first_token_seconds", "Time to first token.", firstTokenBounds);
    this.latencies = histogram("e2e_request_latency_seconds", "End to end latency.", latencyBounds);
    this.queueTimes = histogram(this.names.queueTime, "Time spent waiting.", latencyBounds);
    this.tokenTimes = histogram("inter_token_latency_seconds", "Time between tokens.", tokenBounds);
  }

  firstToken(sinceArrival: number): void {
    this.firstTokens.observe(sinceArrival / 1000);
  }

  finished(work: Work, sinceArrival: number, queued: number, generating: number): void {
    this.finishes++;
    this.promptTokens += work.promptTokens;
    this.generated += work.maxTokens;
    this.latencies.observe(sinceArrival / 1000);
    this.queueTimes.observe(queued / 1000);
    if (work.maxTokens > 1) this.tokenTimes.observe(generating / (work.maxTokens - 1) / 1000);
    this.stamp = new Date().getTime() / 1000;
  }

  aborted(): void {
    this.aborts++;
  }

  /** Pickers ask up to twenty times a second: while nothing changes, the text is the same. */
  print(engine: Engine): string {
    if (this.printed?.version !== engine.version) {
      this.printed = { version: engine.version, text: this.write(engine) };
    }
    return this.printed.text;
  }

  private write(engine: Engine): string {
    const { labels, names } = this;
    const usage = engine.cacheUsage();
    const gauge = (name: string, value: number): string => metric("gauge", name, name, [{ labels, value }]);
    const counter = (name: string, value: number): string =>
      metric("counter", name, name, [{ labels, value }]);
    return [
      gauge(names.running, engine.running),
      gauge(names.waiting, engine.waiting),
      gauge(names.usage, usage),
      this.cacheInfo(),
      this.launch.engine === "vllm"
        ? this.vllmOnly(engine)
        : counter("sglang:num_requests_total", this.finishes),
      counter(`${this.launch.engine}:prompt_tokens_total`, this.promptTokens),
      counter(`${this.launch.engine}:generation_tokens_total`, this.generated),
      ...[this.firstTokens, this.latencies, this.queueTimes, this.tokenTimes].map((one) => one.print(labels)),
    ].join("");
  }

  private cacheInfo(): string {
    const blocks = Math.floor(this.pace.cacheTokens / blockSize);
    const labels =
      this.launch.engine === "vllm"
        ? { block_size: blockSize, engine: "0", num_gpu_blocks: blocks }
        : { page_size: blockSize, num_pages: blocks };
    const name = `${this.launch.engine}:cache_config_info`;
    return metric("gauge", name, "Information of the cache config", [{ labels: labelled(labels), value: 1 }]);
  }

  private vllmOnly(engine: Engine): string {
    const success = ["stop", "length", "abort"].map((finished_reason) => ({
      labels: `${this.labels},finished_reason="${finished_reason}"`,
      value: finished_reason === "length" ? this.finishes : finished_reason === "abort" ? this.aborts : 0,
    }));
    const requests = metric("counter", "vllm:request_success_total", "Finished requests.", success);
    if (!this.launch.adapters.enabled) return requests;
    const labels = labelled({
      max_lora: this.launch.adapters.maxInBatch,
      running_lora_adapters: engine.runningAdapters.join(","),
      waiting_lora_adapters: engine.waitingAdapters.join(","),
    });
    // Its value is the time of the newest change: the picker takes the series with the greatest.
    return (
      requests +
      metric("gauge", "vllm:lora_requests_info", "Adapters in use.", [{ labels, value: this.stamp }])
    );
  }
}

const metricNames = {
  vllm: {
    running: "vllm:num_requests_running",
    waiting: "vllm:num_requests_waiting",
    usage: "vllm:kv_cache_usage_perc",
    queueTime: "request_queue_time_seconds",
  },
  sglang: {
    running: "sglang:num_running_reqs",
    waiting: "sglang:num_queue_reqs",
    usage: "sglang:token_usage",
    queueTime: "queue_time_seconds",
  },
} as const;

const firstTokenBounds = [
  ...[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75],
  ...[1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560],
];
const tokenBounds = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const latencyBounds = [
  ...[0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60],
  ...[120, 240, 480, 960, 1920, 7680],
];

/** A Prometheus histogram of one series. */
class Histogram {
  private readonly counts: number[];
  private sum = 0;
  private total = 0;

  constructor(
    private readonly name: string,
    private readonly help: string,
    private readonly bounds: readonly number[],
  ) {
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.total++;
    for (let i = this.bounds.length - 1; i >= 0 && value <= (this.bounds[i] ?? 0); i--) {
      this.counts[i] = (this.counts[i] ?? 0) + 1;
    }
  }

  /** @param labels "a=\"b\",c=\"d\"" */
  print(labels: string): string {
    const { name } = this;
    let text = `# HELP ${name} ${this.help}\n# TYPE ${name} histogram\n`;
    this.bounds.forEach((bound, i) => {
      text += `${name}_bucket{${labels},le="${bound}"} ${this.counts[i] ?? 0}\n`;
    });
    return `${text}${name}_bucket{${labels},le="+Inf"} ${this.total}\n${name}_sum{${labels}} ${this.sum}\n${name}_count{${labels}} ${this.total}\n`;
  }
}

function metric(kind: "gauge" | "counter", name: string, help: string, series: readonly Series[]): string {
  const lines = series.map(({ labels, value }) => `${name}{${labels}} ${value}\n`).join("");
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines}`;
}

interface Series {
  labels: string;
  value: number;
}

function labelled(labels: Readonly<Record<string, string | number>>): string {
  return Object.entries(labels)
    .map(
      ([name, value]) =>
        `${name}="${String(value).replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))}"`,
    )
    .join(",");
}
