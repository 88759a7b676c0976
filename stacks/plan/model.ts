import type { Hardware } from "../../components/accelerators/accelerators";
import type { Placement } from "../../components/accelerators/placement";
import type { Server } from "../../components/engines/engine";
import type { Weights } from "../../components/model-server/model-weights";
import type { Autoscaling } from "../../components/model-server/server-autoscaler";
import type { EndpointName } from "../answers/endpoints";
import type { Capacity } from "./sizing";
import type { FreezeWindow } from "./freeze";
import type { Allowance } from "../config/schema";
import type { Latch } from "./latch";
import type { Carried } from "./carried";
import type { PoolIdentity } from "./identity";
import type { LastMove } from "./last-move";
import type { OtherRoutes } from "./routes";
import type { ObservedCopy, CopyReport } from "./copies";
import type { Claim } from "./ownership";
import type { PlannedNamespace } from "./namespaces";
import type { RouteMove } from "./route-move";
import type { RisingPool } from "./rising";

export type RolloutKind = "node-update" | "base-model" | "model-server" | "adapter";

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
    engine?: string;
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
export interface Turn {
  candidate: string;
  reason: string;
  /** ISO 8601. */
  time: string;
}

/** The keys that keep a rollout from harming customers, with their defaults. */
export interface Safety {
  capacity: Capacity;
  freeze: readonly FreezeWindow[];
  rolledBack?: Turn;
  resumed?: Turn;
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

/*
 * What is deployed, as the plan is told. The live cluster counts first; what the last successful update recorded
 * is a second opinion, because after an update that failed half-way either of them can be behind.
 */

/** One backendRef of a route. */
export interface Backend {
  namespace: string;
  /** Name of the InferencePool; of anything else `Kind/name`, so that it is no pool of ours by chance. */
  pool: string;
  /** Relative to the sum of all, as Gateway API means it. */
  weight: number;
}

export interface ObservedRoute {
  backends: readonly Backend[];
  /** Nothing on it says that this program made it. Default: false. */
  foreign?: boolean;
  /** Percent of the traffic by pool, as this program wrote it last; absent where it never wrote it down. */
  written?: Readonly<Record<string, number>>;
  /** How often this program has moved it. */
  moves?: number;
  latches?: readonly Latch[];
  /** Replicas with which pools of others carried traffic, by pool; see carried.ts. */
  carried?: Carried;
  /** What this program's route would not have: in its rules, and in where it is attached. */
  differences?: { rules: readonly string[]; attachment: readonly string[] };
  /** Others who own the rules too, by the names of their field managers: they would conflict with a change. */
  coOwners?: readonly string[];
}

export interface ObservedPool {
  name: string;
  namespace: string;
  /** Made by this stack. */
  owned: boolean;
  /** What it was made as; undefined for pools of others. */
  identity?: PoolIdentity;
  /** Replicas its model server is asked to have; undefined where there is no model server. */
  replicas?: number;
  readyReplicas?: number;
  /** What makes the pods of a pool of others; absent for pools of ours. */
  workloads?: readonly ObservedWorkload[];
}

/** What makes the pods that a pool of others selects. */
export interface ObservedWorkload {
  /** Deployment, StatefulSet, LeaderWorkerSet. */
  kind: string;
  name: string;
  replicas: number;
  /** What sets its number of replicas; absent: nothing that is known. */
  autoscaler?: ObservedAutoscaler;
  /** Who made it, in words: a Helm release, a controller's object; absent: it does not say. */
  owner?: string;
}

export interface ObservedAutoscaler {
  /** A ScaledObject is KEDA's, which makes a HorizontalPodAutoscaler of its own. */
  kind: "HorizontalPodAutoscaler" | "ScaledObject";
  name: string;
  /** The most replicas it will ask for, where it says. */
  max?: number;
}

/** A rule of an InferenceModelRewrite that this stack made: one name, and what it is answered by. */
export interface ObservedRewrite {
  pool: string;
  namespace: string;
  /** The name that clients ask for. */
  model: string;
  targets: readonly { model: string; weight: number }[];
}

/** One adapter as an update left it. */
export interface AdapterRecord {
  version: string;
  source: string;
  candidate?: { version: string; source: string };
  /** Percent for the candidate version. */
  weight: number;
}

/** What the last successful update wrote into the stack's outputs. */
export interface DeploymentRecord {
  /** Percent of the traffic by pool. */
  weights: Readonly<Record<string, number>>;
  /** Namespace of each pool that the update left behind. */
  pools: Readonly<Record<string, string>>;
  /** Objectives by name, while a rollout was under way. */
  objectives: Readonly<Record<string, number>>;
  /** Adapters by name; absent in records of a program that knew none. */
  adapters?: Readonly<Record<string, AdapterRecord>>;
  /** Model names that clients were promised an answer for. */
  names?: readonly string[];
  stable: string;
  candidate?: string;
  /** Rules that the update waived. */
  waived: readonly string[];
  /** Absent in records of older versions. */
  move?: LastMove;
  /** Namespace and name of the customers' route, as default/routes-to-llm; absent in records of older versions. */
  route?: string;
  /** Replicas by pool, as the update set them. */
  sizes?: Readonly<Record<string, number>>;
  latches?: readonly Latch[];
  /** Replicas with which pools of others carried traffic, by pool. Absent in records of older versions. */
  carried?: Carried;
}

export interface Observed {
  /** The customers' route as it is; undefined: there is none. */
  route?: ObservedRoute;
  /** Every other route that could get customers' requests; absent: there is no cluster yet. */
  others?: OtherRoutes;
  /** Pools in the namespaces where this service's pools can be. */
  pools: readonly ObservedPool[];
  /** Namespaces that exist, and whether this stack made them. */
  namespaces: Readonly<Record<string, "owned" | "foreign">>;
  /** How model names are rewritten; absent: no pool rewrites any. */
  rewrites?: readonly ObservedRewrite[];
  record?: DeploymentRecord;
  /** What pools copy that are like a pool of others, by pool; absent: it was not looked up. */
  copies?: Readonly<Record<string, ObservedCopy>>;
  /** Whose the live objects are that this program made; absent: not asked. */
  claims?: readonly Claim[];
  /** The time, by the cluster's clock; this machine's where there is no cluster yet. */
  now?: Date;
}

export const nothingDeployed: Observed = { pools: [], namespaces: {} };

/** Where a rollout stands, once the update is done. */
export type LadderState = "serving" | "staged" | "shifting" | "shifted";

export interface PlannedPool {
  pool: OwnedPool;
  /** Where it is, or will be made. */
  namespace: string;
  replicas: number;
  /** What the pool will have once nothing is on its way any more. */
  settled: number;
  /** Whether the route waits for what this update does to the pool. */
  beforeRoute: boolean;
  identity: PoolIdentity;
  /** Whether the service's objectives are bound to this pool; see `objectivesLost`. */
  objectives: boolean;
  /** What was copied from a pool that was created outside this stack; absent: nothing. */
  copied?: CopyReport;
}

export interface GuardedRoutes {
  namespaces: readonly string[];
  /** Whether GRPCRoutes send to the pools. */
  grpc: boolean;
}

export interface RoutedPool {
  name: string;
  namespace: string;
}

export interface Plan {
  state: LadderState;
  /** Undefined while no rollout is under way, or where the pools do not tell. */
  kind?: RolloutKind;
  /** Pools that this stack makes and keeps. */
  pools: readonly PlannedPool[];
  stable: RoutedPool;
  candidate?: RoutedPool;
  /** Namespaces of pools that do not live beside the route, with whether they are made here. */
  namespaces: readonly PlannedNamespace[];
  /** The customers' route: no entry has weight 0. */
  backends: readonly Backend[];
  /** The same in percent by pool. */
  shares: Readonly<Record<string, number>>;
  /** Where routes can be that send to the service's pools, for the cluster's own guard. */
  guarded: GuardedRoutes;
  /** How the route comes to say so. */
  route: RouteMove;
  /** Pools that get a larger share than they have now: they have to be ready for it before the route moves. */
  rising: readonly RisingPool[];
  /** Candidates that were rolled back, as the route and the record will say. */
  latches: readonly Latch[];
  /** Replicas with which pools of others carried traffic, as the route and the record will say. */
  carried: Carried;
  /** Pools of others that the route can name, as they are now. */
  others: readonly ObservedPool[];
  /** Whether the candidate gets a larger share than it has now: then it must prove itself first. */
  candidateRises: boolean;
  /** Whether it gets a smaller one: then the route waits for nothing that is the candidate's. */
  candidateFalls: boolean;
  /** The candidate's share now, in percent; 0 where it has none. */
  candidateShareNow: number;
  /** Pools of this stack that exist and will not after the update. */
  removed: readonly RoutedPool[];
  /** The last change of the rollout: this update, or the one that made what this one keeps. */
  move: LastMove;
  /** Why the weights are not what customers get, in words; empty: they are. */
  overridden: readonly string[];
  /** What a person should know of this update. */
  notes: readonly string[];
  /** Rules that were waived by `allow`. */
  waived: readonly Allowance[];
  /** Why the update must not be carried out; empty: it may. */
  refusals: readonly Refusal[];
}

export type Draft = Omit<Plan, "route" | "notes" | "waived" | "refusals">;

/** Why an update must not be carried out. */
export interface Refusal {
  /** Name of the rule, as the documentation has it. */
  rule: string;
  /** What would happen, or what does not fit. */
  found: string;
  /** What to do instead: commands where there are any. */
  fix: string;
  /** The word in `allow` that lets it pass for one update; absent: nothing does. */
  waiver?: Allowance;
  /** gate: the plan goes on, and the gate waits for it; only the waiver is the plan's. Default: plan. */
  heldBy?: "plan" | "gate";
}
