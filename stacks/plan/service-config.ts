import type { Hardware } from "../../components/accelerators/accelerators";
import type { Placement } from "../../components/accelerators/placement";
import type { Server } from "../../components/engines/engine";
import type { Weights } from "../../components/model-server/model-weights";
import type { PodPatch } from "../../components/model-server/pod-settings";
import type { Autoscaling } from "../../components/model-server/server-autoscaler";
import type { PickerSettings } from "../../components/pool/picker-settings";
import type { EndpointName } from "../answers/endpoints";

/* The config of one inference service as the plan needs it: validated, with every default filled in. */

export type RolloutKind = "node-update" | "base-model" | "model-server" | "adapter" | "picker";

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
  /** Nodes that a replica is placed on: computed once, from the hardware. */
  placement: Placement;
  model: string;
  server: Server;
  weights: Weights;
  /** Absent: the number of replicas is the plan's alone. */
  autoscaling?: Autoscaling;
  /** Who sets the number of replicas; absent: an autoscaler created outside this stack where there is one. */
  replicasOwner?: "stack" | "external";
  /** Absent: the picker that this program was tested with. */
  picker?: PickerSettings;
  /** Whether the stack's adapters are loaded here, unless the pool was made otherwise: see plan/as-made.ts. */
  adapters: boolean;
  /** Whether the config says so for this pool. */
  adaptersAreExplicit: boolean;
  /** Whether the config says which GPU driver, for this pool or one that it is like. */
  driverIsExplicit: boolean;
  /** Whether it says which image, or which version of the engine's own. */
  imageIsExplicit: boolean;
  /** Whether the config has a token for gated models: see plan/kept-token.ts. Default: it has none. */
  token?: boolean;
  /** How its pods are rendered, once it was made; see newestRendering. Default: as a new pool's. */
  rendering?: number;
  /** An existing pool whose pods this one copies instead of being given model and server. */
  templateOf?: {
    name: string;
    namespace: string;
    /** Pools of this stack between the two, nearest first: what they keep of it counts before the original. */
    through: readonly string[];
    /**
     * The config no longer declares the original: only what is kept of it counts, and the namespace is that which the
     * pool was made with. Default: it does.
     */
    undeclared?: true;
    /** The engine, where the config says it: the pods need not. */
    engine?: string;
    /** Which of several workloads behind the original, as NAME or KIND/NAME. */
    workload?: string;
    /** What the config changes of the copied pods for this pool. Default: nothing. */
    overrides?: PodPatch;
    /** The same of the pools between, by name: what one of them keeps has its own. Default: nothing. */
    overridesBetween?: Readonly<Record<string, PodPatch>>;
  };
  /** Whether engine and port are those of copied pods: see plan/copied-pools.ts. Default: they are the config's. */
  copied?: boolean;
}

/** A pool created outside this stack: read and routed to, never changed. */
export interface ExistingPool {
  name: string;
  namespace: string;
  existing: true;
  /** Where the config says it; needed only to compare models. */
  model?: string;
  /** Replicas that carry 100 % of the traffic there; absent: as many as carried it before, see plan/sizing.ts. */
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

/** A candidate that was rolled back, or may have weight again. */
export interface CandidateMark {
  candidate: string;
  reason: string;
  /** ISO 8601. */
  time: string;
}

export interface Capacity {
  /** full: each pool has all of its replicas. follow-weight: what its share of the traffic needs. */
  mode: "full" | "follow-weight";
  /** Replicas beyond the share, as a factor: 1 is the share itself. From 1 to 3. */
  headroom: number;
  /** Part of the stable pool's replicas that stays whatever the weight is, from 0 to 1, for a rollback. */
  rollbackReserve: number;
}

/** A time in which the service is frozen. Without bounds: until it is taken out of the config. */
export interface FreezeWindow {
  /** ISO 8601; absent: since ever. */
  from?: string;
  /** ISO 8601, no longer frozen then; absent: until further notice. */
  to?: string;
  reason: string;
}

/** A word in `allow`: the waiver of a rule (rules/all-rules.ts has the list), or destroy. */
export type Allowance = string;

/** The keys that keep a rollout from harming customers, with their defaults. */
export interface Safety {
  capacity: Capacity;
  freeze: readonly FreezeWindow[];
  rolledBack?: CandidateMark;
  resumed?: CandidateMark;
}

/** One inference service. */
export interface ServiceConfig extends Safety {
  service: string;
  /** Name of the customers' HTTPRoute. */
  route: string;
  namespace: string;
  /** The name by which clients reach it; absent: the Gateway's. */
  hostname?: string;
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
  /** Rules that the config waives. */
  allow: readonly Allowance[];
  /** The same as the config has it: a word for each, with a number where it is used again (waivers.ts). */
  waivers: readonly string[];
  /** Whether this stack creates what belongs to no namespace. Default: true. */
  clusterScoped?: boolean;
}
