import type { PodSettings } from "../model-server/pod-settings";

/** What an autoscaler can follow: waiting requests, or the use of the KV cache. */
export type LoadMetric = "queue" | "cache";

/** Image of an engine, as its authors publish it. */
export interface EngineImage {
  /** Without a tag: `vllm/vllm-openai`. */
  readonly repository: string;
  /** Tag that is used where neither an image nor a version is named; see the engine's `source`. */
  readonly version: string;
  /** Tags that were used before where none was named: a pool that was made with one keeps it. Default: none. */
  readonly formerVersions?: readonly string[];
}

/**
 * What there is to know of a model server's program: everything that differs between vLLM, SGLang and others. A new
 * engine is a file with a value of this type, and its name in catalogue.ts; nothing else asks which engine it is.
 */
export interface ModelServerEngine {
  /** Name in configs, in the labels of pods, and of the server's container. */
  readonly name: string;
  /** Name in messages and documentation. */
  readonly title: string;
  /** Where the facts below come from. */
  readonly source: string;
  /** The engine's own images. `tpu` is absent where the engine is not set up for TPUs. */
  readonly images: { readonly gpu: EngineImage; readonly tpu?: EngineImage };
  /** Port of the HTTP API unless the pool names another. */
  readonly port: number;
  /** Path that is answered with 200 once the model is loaded: for probes and the load balancer's health check. */
  readonly healthPath: string;
  /** Interval and timeout for that path: what is right depends on what the handler does. */
  readonly probes: ServerProbes;
  /** Kubernetes' probes of pools that were made before rendering 4 (newestRendering), which keep them. Default: today's. */
  readonly formerProbes?: Pick<ServerProbes, "startup" | "readiness" | "liveness">;
  /** Command of the container. */
  readonly command: readonly string[];
  /** Flags of the command line, by what they say. */
  readonly flags: EngineFlags;
  /** Arguments of every server, after those for its model and before those of the pool. */
  readonly serve: (launch: Launch) => readonly string[];
  /**
   * Arguments by which the server finishes its streams on SIGTERM instead of cutting them. Empty where it does so by
   * itself, or where nothing is known of the image.
   */
  readonly drain: (image: string, seconds: number) => readonly string[];
  /** Environment of the server, by the accelerators it runs on and its image. */
  readonly environment: (family: "gpu" | "tpu", image: string) => readonly EnvironmentVariable[];
  /**
   * Variables with which the server keeps an idle connection open for that long. Absent: the pinned version has none, and
   * closes it after 5 s.
   */
  readonly keepAlive?: (seconds: number) => readonly EnvironmentVariable[];
  /** Arguments that read the weights from Cloud Storage straight into GPU memory. Absent: it cannot, or untried. */
  readonly stream?: (accelerators: number) => readonly string[];
  /**
   * Further arguments, and environment of every pod, where a replica takes several nodes, whose pods form a Ray cluster.
   * Absent: a replica of this engine runs on one node.
   */
  readonly overNodes?: {
    readonly flags: readonly string[];
    readonly environment: (family: "gpu" | "tpu") => readonly EnvironmentVariable[];
  };
  /** Prometheus names of the metrics that an autoscaler can follow. Absent: no autoscaling with this engine. */
  readonly metrics?: Readonly<Record<LoadMetric, string>>;
  /** Name of the engine in the endpoint picker's `core-metrics-extractor`. Absent: the picker's default. */
  readonly pickerEngine?: string;
  /**
   * Metrics by which a picker tells how busy a pod is: waiting requests, running requests, use of the cache. A pod of
   * which it finds none counts as idle. Absent: it is not checked whether the servers report them.
   */
  readonly pickerMetrics?: readonly string[];
  readonly adapters: AdapterSupport;
  /**
   * Paths on the server's own port that administer it: they change weights, adapters, cache or scheduling for everybody,
   * cut answers of others, or show the server's settings and load. The customers' route never leads there. All that the
   * pinned version has, and those that other versions have; a path closes what is below it too.
   */
  readonly adminPaths: readonly string[];
  /** Matches command and arguments, or else the image, of pods created outside this stack that run this engine. */
  readonly recognized: RegExp;
  /** How the engine words errors that a readiness check must tell apart. */
  readonly errors: {
    /** The model, or the adapter, is not loaded. */
    readonly unknownModel: RegExp;
    /** The model does not serve this API. */
    readonly otherApi: RegExp;
  };
}

export interface ProbeTimes {
  readonly periodSeconds: number;
  /** Kubernetes' default, 1 s, is written out: whoever adds an engine has to think of it. */
  readonly timeoutSeconds: number;
}

/**
 * Kubernetes' probes, and the load balancer's health check.
 *
 * Servers that are busy answer late, and under load all of them are busy at once: a pool whose pods all leave it has
 * nowhere to send a request. So no verdict may rest on one answer, or on one that took a few seconds. A server whose
 * process has ended needs no probe: Kubernetes sees that at once. Source: llm-d/llm-d-benchmark#1734.
 */
export interface ServerProbes {
  /** Runs until the model is loaded, as long as that may take (maxLoadingMinutes). */
  readonly startup: ProbeTimes;
  readonly readiness: ProbeTimes & { readonly failureThreshold: number };
  /** A restart costs a reload of the model: only a server that is surely broken may fail it. */
  readonly liveness: ProbeTimes & { readonly failureThreshold: number };
  /** Default: the gateway's own. */
  readonly loadBalancer?: ProbeTimes & { readonly failureThreshold: number };
}

/** What a server is started with, apart from its model. */
export interface Launch {
  readonly port: number;
  /** GPUs or TPU chips of one replica, over all of its nodes. */
  readonly accelerators: number;
}

export interface EngineFlags {
  /** The model: a repository of Hugging Face, a folder or a bucket. */
  readonly model: string;
  readonly servedName: {
    /** The names that clients use instead of the model's own. */
    readonly flag: string;
    /** Shortest abbreviation that no other flag begins with: Python's argparse takes abbreviations. */
    readonly shortest: string;
    /** Whether it takes several names, the first of which is the one in metrics. */
    readonly takes: "one" | "several";
  };
  readonly port: string;
  /** Those that make the server answer in TLS only. */
  readonly tls: readonly string[];
  /** Ways to spell the sizes that multiply to the accelerators of one server: tensor parallel, pipeline parallel. */
  readonly parallel: readonly (readonly string[])[];
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}

/** Whether LoRA adapters can be loaded while the server runs, and how. */
export type AdapterSupport =
  | {
      readonly supported: true;
      /** Arguments that reserve room for adapters: they belong to what a pool is made as. */
      readonly flags: readonly string[];
      readonly environment: readonly EnvironmentVariable[];
      /** File in components/adapters that the sidecar runs: it loads adapters by this engine's API. */
      readonly loader: string;
    }
  | {
      readonly supported: false;
      /** Why not, for docs/engines.md. */
      readonly reason: string;
    };

/** The model servers of a pool, as the pool describes them. */
export interface ServerArgs extends PodSettings {
  /** An engine of the catalogue by its name, or one of your own. Default: vllm. */
  readonly engine?: string | ModelServerEngine;
  /** Image with a fixed tag or digest. Default: the engine's own for the accelerator, at the version it was tried with. */
  readonly image?: string;
  /** Arguments after those that the component sets; of a flag that is repeated the last one counts. Default: none. */
  readonly args?: readonly string[];
  /** Places in `args`, from 0, of words that come from a Secret: they appear nowhere else in clear. Default: none. */
  readonly secretArgs?: readonly number[];
  /** Whether it is known only that one of `secretArgs` is secret. Default: each is. */
  readonly secretArgsGuessed?: boolean;
  /**
   * Places in `args` of secret words that the pods have in clear, because the pool was made before there was a Secret
   * for them: to move them would restart its model servers. Default: none.
   */
  readonly clearSecrets?: readonly number[];
  /** Changes with every secret word: pods get it as an annotation and restart. Default: none. */
  readonly secretsRevision?: string;
  /** Port of the HTTP API. Default: the engine's. */
  readonly port?: number;
  /** Minutes an update waits at most until the servers answer, their nodes included. Default: 45. */
  readonly loadingMinutes?: number;
}

/** A model server with every default filled in; the engine by name, so that it can be compared and written down. */
export interface Server extends ServerArgs {
  readonly engine: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly loadingMinutes: number;
}

/** The same with the engine itself. */
export interface RunningServer extends Omit<Server, "engine"> {
  readonly engine: ModelServerEngine;
}
