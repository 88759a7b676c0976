/*
 * What can be set of an endpoint picker, and what the picker of the inference extension v1.5.0 knows by name. Facts are
 * from its cmd/epp/runner and pkg/epp/server; test/components/picker-settings.cluster.test.ts holds them against the real
 * program, and starts it with every setting.
 */

/** The picker that GKE's own chart of the extension deploys, and that every name below was tried with. */
export const pickerImage = "registry.k8s.io/gateway-api-inference-extension/epp:v1.5.0";

/** Repository of the extension's pickers; the tag is a version. */
export const pickerRepository = pickerImage.replace(/:.*$/, "");

export interface PickerSettings {
  /** Container image. Default: {@link pickerImage}. */
  image?: string;
  /**
   * Default: 1. With more, the pickers elect a leader, which alone gets requests; the others stand by, because what a
   * picker knows of caches and queues is in its own memory.
   */
  replicas?: number;
  /** What the container asks for. Default: {@link pickerResources}. */
  resources?: Partial<PickerResources>;
  /** How pods are chosen. Default: {@link defaultWeights}. */
  config?: PickerConfig;
  /** Flags of the program by name, without dashes: those of {@link pickerFlags}. Default: none. */
  flags?: Readonly<Record<string, string>>;
  /** Experimental features that are on, beside those that a whole config names. Default: none. */
  featureGates?: readonly string[];
}

export interface PickerResources {
  /** Processors, as Kubernetes writes them. No limit is set, so that a picker can use what is free. */
  cpu: string;
  /** Memory, in Mi or Gi. The limit is twice as much. */
  memory: string;
}

/** Sized by the extension's chart for many requests a second. */
export const pickerResources: PickerResources = { cpu: "4", memory: "8Gi" };

export type PickerConfig =
  /** Weights of scorers by their short names; see {@link pickerScorers}. */
  | { by: "weights"; weights: Readonly<Record<string, number>> }
  /** A whole EndpointPickerConfig. */
  | { by: "document"; document: Readonly<Record<string, unknown>> };

/** Weights of the extension's chart v1.5.0. */
export const defaultWeights = { queue: 2, "kv-cache-utilization": 2, "prefix-cache": 3 } as const;

/** Scorers by the names that a config may use: the plugin's type. */
export const pickerScorers: Readonly<Record<string, string>> = {
  queue: "queue-scorer",
  "kv-cache-utilization": "kv-cache-utilization-scorer",
  "prefix-cache": "prefix-cache-scorer",
  "lora-affinity": "lora-affinity-scorer",
  "running-requests": "running-requests-size-scorer",
  "token-load": "token-load-scorer",
};

/** Types of plugins that a whole config may name. */
export const pickerPlugins: readonly string[] = [
  ...Object.values(pickerScorers),
  "max-score-picker",
  "random-picker",
  "weighted-random-picker",
  "single-profile-handler",
  "prefix-cache-affinity-filter",
  "approx-prefix-cache-producer",
  "inflight-load-producer",
  "request-attribute-reporter",
  "openai-parser",
  "metrics-data-source",
  "core-metrics-extractor",
  "endpoint-notification-source",
  "utilization-detector",
  "concurrency-detector",
  "global-strict-fairness-policy",
  "round-robin-fairness-policy",
  "fcfs-ordering-policy",
  "edf-ordering-policy",
  "slo-deadline-ordering-policy",
  "static-usage-limit-policy",
];

const predictors = "latency prediction servers beside the picker, which this program does not deploy";
const testOnly = "nothing: it is a plugin for conformance tests";

/** Plugins that the picker has and a pool of this program cannot use: what they would need. */
export const unusablePlugins: Readonly<Record<string, string>> = {
  "predicted-latency-scorer": predictors,
  "predicted-latency-producer": predictors,
  "latency-scorer": predictors,
  "latency-slo-admitter": predictors,
  "slo-headroom-tier-filter": predictors,
  "k8s-notification-source": "rights to watch other kinds, which the picker of a pool does not get",
  "passthrough-parser": "no aliases, adapters and objectives: it does not read what a request asks for",
  "header-based-testing-filter": testOnly,
  "destination-endpoint-served-verifier": testOnly,
};

/** Two plugins with which together the picker does not start ("data type mismatch", seen with EPP v1.5.0). */
export const mismatched = ["token-load-scorer", "inflight-load-producer"] as const;

export const flowControl = "flowControl";

export const pickerFeatureGates: readonly string[] = [flowControl, "dataLayer", "enableLegacyMetrics"];

/** Flags that a config may set, and what their values are. */
export const pickerFlags: Readonly<Record<string, { pattern: RegExp; expected: string; example: string }>> = {
  v: { pattern: /^\d$/, expected: "a verbosity from 0 to 9", example: "2" },
  "zap-log-level": {
    pattern: /^(debug|info|error|panic|[1-9])$/,
    expected: "debug, info, error, panic or a number from 1 to 9",
    example: "info",
  },
  "zap-stacktrace-level": {
    pattern: /^(info|error|panic)$/,
    expected: "info, error or panic",
    example: "error",
  },
  "zap-time-encoding": {
    pattern: /^(epoch|millis|nano|iso8601|rfc3339|rfc3339nano)$/,
    expected: "epoch, millis, nano, iso8601, rfc3339 or rfc3339nano",
    example: "rfc3339",
  },
  "zap-devel": { pattern: /^(true|false)$/, expected: "true or false", example: "false" },
  "enable-pprof": { pattern: /^(true|false)$/, expected: "true or false", example: "false" },
  "disable-endpoint-subset-filter": {
    pattern: /^(true|false)$/,
    expected: "true or false",
    example: "true",
  },
  "refresh-metrics-interval": {
    // The saturation detector treats a pod whose metrics are older than 200 ms as full.
    pattern: /^([1-9]\d?|100)ms$/,
    expected: "a time from 1ms to 100ms: a picker takes a pod with metrics older than 200 ms for full",
    example: "100ms",
  },
  "refresh-prometheus-metrics-interval": {
    pattern: /^\d+(ms|s|m)$/,
    expected: "a time, for example 10s",
    example: "10s",
  },
  "metrics-staleness-threshold": {
    pattern: /^\d+(ms|s|m)$/,
    expected: "a time, for example 5s",
    example: "5s",
  },
};

const byRollout = "the rollout sets it";
const inConfig = "the picker ignores or refuses it; set it in the parameters of a plugin (picker.config)";

/** Flags that a config may not set, and why. */
export const reservedFlags: Readonly<Record<string, string>> = {
  "pool-name": byRollout,
  "pool-namespace": byRollout,
  "pool-group": byRollout,
  "endpoint-selector": "the picker of a pool follows its InferencePool",
  "endpoint-target-ports": "the picker of a pool follows its InferencePool",
  "grpc-port": byRollout,
  "grpc-health-port": byRollout,
  "metrics-port": byRollout,
  "health-checking": byRollout,
  "secure-serving": "the gateway speaks TLS to pickers",
  "cert-path": "no certificate is mounted into the picker's container",
  "enable-cert-reload": "no certificate is mounted into the picker's container",
  "metrics-endpoint-auth": "only the collector may read the picker's metrics",
  "config-file": "set picker.config",
  "config-text": "set picker.config",
  "ha-enable-leader-election": "set picker.replicas",
  "zap-encoder": byRollout,
  tracing: "traces need an exporter's address in the environment, which pickers of this program do not get",
  "model-server-metrics-port": byRollout,
  "model-server-metrics-scheme": inConfig,
  "model-server-metrics-path": inConfig,
  "model-server-metrics-https-insecure-skip-verify": inConfig,
  "total-queued-requests-metric": inConfig,
  "total-running-requests-metric": inConfig,
  "kv-cache-usage-percentage-metric": inConfig,
  "lora-info-metric": inConfig,
  "cache-info-metric": inConfig,
};
