import type { EndpointName } from "../answers/endpoints";
import type { Safety } from "./safety";
import type { Provisioning } from "../../components/accelerators/accelerator";
import type { Allowance } from "./schema";

/*
 * The config after validation: every default filled in, every `like` followed, nothing left to interpret.
 */

export type Engine = "vllm" | "sglang";
export type RolloutKind = "node-update" | "base-model" | "model-server" | "adapter";

export interface Server {
  engine: Engine;
  /** Image with a fixed tag or digest. */
  image: string;
  /** Arguments after those that the program sets. */
  args: readonly string[];
  /** Places of the arguments that come from a Secret: they stand nowhere else in clear. Absent: none. */
  secretArgs?: readonly number[];
  /** Whether it is known only that one of them is secret. Default: each is. */
  secretArgsGuessed?: boolean;
  /**
   * Places of secret arguments that stand in the pods in clear, because the pool was made before there was a Secret for
   * them: to move them would start its model servers again. Absent: none.
   */
  clearSecrets?: readonly number[];
  port: number;
  /** How long an update waits at the most until the model servers answer, their machines included. */
  loadingMinutes: number;
}

/** The machines a pool runs on. */
export interface Hardware {
  accelerator: string;
  acceleratorsPerReplica: number;
  machineType?: string;
  zones?: readonly string[];
  provisioning: Provisioning;
  /** The specific reservation, where provisioning is that. */
  reservation?: string;
  /** How machines are bought where the first way has none left. */
  fallback?: "on-demand";
  driver: "default" | "latest" | "disabled";
  /** GKE version of the nodes; absent: the cluster's. */
  nodeVersion?: string;
  nodeImage: "cos" | "ubuntu";
  /** Disk image with container images on it. */
  imageCache?: string;
  /** Gigabytes of each node's boot disk; absent: GKE's own. */
  diskGb?: number;
  /** Labels of nodes that somebody else makes, as KEY=VALUE; absent: GKE's own of the accelerator. */
  nodeLabels?: readonly string[];
  /** Absent: what the accelerator's machines have. */
  acceleratorNetwork?: "auto" | "none";
}

/** Where the weights of a model come from. */
export type Weights =
  | { from: "hugging-face" }
  | { from: "gcs"; bucket: string; path: string; loader: "mount" | "stream" }
  | { from: "disk"; claim: string; path: string };

/** Replicas that follow the load. The plan's size is the least; nothing but the autoscaler goes above it. */
export interface Autoscaling {
  /** The most replicas. */
  max: number;
  metric: "queue" | "cache";
  /** Waiting requests a replica, or percent of the KV cache. */
  target: number;
}

/** A pool that this stack makes. */
export interface OwnedPool {
  name: string;
  /** Where it is made, unless it exists elsewhere already: a pool never moves. */
  namespace: string;
  /** Whether the config names the namespace. */
  namespaceIsExplicit: boolean;
  existing: false;
  /** What carries 100 % of the traffic there. */
  replicas: number;
  hardware: Hardware;
  model: string;
  server: Server;
  weights: Weights;
  /** Absent: the number of replicas is the plan's alone. */
  autoscaling?: Autoscaling;
  /** Whether the stack's adapters are loaded here, unless the pool was made otherwise: see plan/model-names.ts. */
  adapters: boolean;
  /** Whether the config says so for this pool. */
  adaptersAreExplicit: boolean;
  /** An existing pool whose pods this one copies instead of being given model and server. */
  templateOf?: {
    name: string;
    namespace: string;
    /** Pools of this stack between the two, nearest first: what they keep of it counts before the original. */
    through: readonly string[];
    /** The engine, where the config says it: the pods need not. */
    engine?: Engine;
  };
  /** Whether engine and port are those of copied pods: see plan/copies.ts. Default: they are the config's. */
  copied?: boolean;
}

/** A pool that somebody else made: read and routed to, never changed. */
export interface ExistingPool {
  name: string;
  namespace: string;
  existing: true;
  /** Where the config says it; needed only to compare models. */
  model?: string;
  /** Replicas that carry 100 % of the traffic there; absent: as many as carried it before, see plan/carried.ts. */
  replicas?: number;
}

export type Pool = OwnedPool | ExistingPool;

export interface Objective {
  name: string;
  priority: number;
}

/** One version of an adapter. */
export interface AdapterVersion {
  version: string;
  /** Hugging Face repository, or gs://bucket/path. */
  source: string;
  /** The name it is loaded under: `<adapter>-<version>`, unique in a model server. */
  served: string;
}

/** A LoRA adapter: what clients ask for by one name, in one or two versions. */
export interface Adapter {
  name: string;
  /** Place in the config's list, for commands. */
  index: number;
  /** Base models it was trained for. */
  bases: readonly string[];
  stable: AdapterVersion;
  /** The version that is rolled out. */
  candidate?: AdapterVersion;
  /** Percent of this adapter's requests for the candidate version; 0 without one. */
  weight: number;
}

/** Who made the cluster: this stack, somebody else on GKE, or somebody else anywhere. */
export type ClusterConfig =
  | {
      mode: "create" | "adopt";
      name: string;
      project: string;
      region: string;
      /** Region or zone. */
      location: string;
      channel: "rapid" | "regular" | "stable";
      /** From where the control plane may be reached; none: only from inside the cluster's network. */
      authorizedNetworks: readonly string[];
      /** Whom the nodes act as, where the cluster exists; absent: the project's default service account. */
      nodeServiceAccount?: string;
    }
  | {
      mode: "kubeconfig";
      /** Text of a kubeconfig, or the path of one. */
      kubeconfig: string;
    };

export interface GatewayConfig {
  name: string;
  namespace: string;
  existing: boolean;
  exposure: "internal" | "external";
  /** Namespaces whose routes may attach. */
  routesFrom: readonly string[];
  port: number;
  hostname?: string;
  /** Secret with the certificate, in the gateway's namespace. */
  tlsSecret?: string;
  /** Certificate of Certificate Manager instead. */
  certificate?: string;
  /** Name of a reserved regional address. */
  address?: string;
  /** Internal: whether clients in other regions may connect. */
  globalAccess: boolean;
  /** How long one answer may take, to its last token. */
  timeoutSeconds: number;
  /** Whether the load balancer logs requests. */
  logging: boolean;
  /** Cloud Armor security policy of all pools. */
  cloudArmor?: string;
  modelArmor?: ModelArmor;
}

/** What prompts and answers are held against. */
export interface ModelArmor {
  promptTemplate: string;
  responseTemplate: string;
  model: string;
  failOpen: boolean;
  /** Region of the templates. */
  location: string;
}

export interface GateConfig {
  via: "gateway" | "api-server" | "off";
  /** The API that the models serve. */
  endpoint: EndpointName;
  /** Whether the stable pool's own list of models counts, beside what the config declares. */
  names: "listed" | "declared";
  /** A secret: it goes into a header of the gate's requests, and nowhere else. */
  apiKey?: string;
  /** host:port that stands for the gateway's own address. */
  address?: string;
  timeoutSeconds: number;
}

/** What a platform stack needs, and the platform part of a stack that is everything. */
export interface PlatformConfig {
  namespace: string;
  cluster: ClusterConfig;
  gateway: GatewayConfig;
}

/** One inference service. */
export interface ServiceConfig extends Safety {
  service: string;
  /** Name of the customers' HTTPRoute. */
  route: string;
  namespace: string;
  stable: string;
  candidate?: string;
  /** Percent of the traffic for the candidate; 0 without one. */
  weight: number;
  /** Every pool the config declares. Only stable and candidate are made; the others are declarations. */
  pools: Readonly<Record<string, Pool>>;
  objectives: readonly Objective[];
  /** Names of the base model that clients use, beside the stable pool's own. */
  aliases: readonly string[];
  adapters: readonly Adapter[];
  /** What the user says the rollout is; absent: whatever it turns out to be. */
  rollout?: RolloutKind;
  gate: GateConfig;
  ladder: readonly number[];
  allow: readonly Allowance[];
}

export type StackConfig = {
  /** Whether a token for gated models is in the config; the token itself never passes through here. */
  hasHuggingFaceToken: boolean;
  allow: readonly Allowance[];
} & (
  | { role: "all"; platform: PlatformConfig; service: ServiceConfig }
  | { role: "platform"; platform: PlatformConfig }
  | { role: "service"; platformStack: string; service: ServiceConfig }
);
