import type { ImageMirrors } from "../../components/cluster/mirrored-images";
import type { CopiedPods } from "../../components/model-server/copied/adapt";
import type { PickerSettings } from "../../components/pool/picker-settings";
import type { Claim } from "./claims";
import type { KeptRoute } from "./kept-shapes";
import type { PlatformStanding } from "./standing";
import type { Backend, OtherRoutes } from "./routes";

/*
 * What is deployed, as the plan sees it. The live cluster counts first; what the last successful update recorded is a
 * second opinion, because after an update that failed half-way either of them can be behind.
 */

/**
 * What a pool is made as and keeps for life: to have another accelerator, model or server is to be another pool,
 * because the old one has to stay for rollback. The keys are config keys below `pools.<name>`.
 * Replicas, probes and labels are not part of it: they change in place.
 */
export type PoolIdentity = Readonly<Record<string, string>>;

export interface ObservedRoute {
  /** Where requests go. Of a route that keeps its shape: only to this service's pools; see keptBackends. */
  backends: readonly Backend[];
  /** What it is beside that, where it keeps the shape that its owner gave it; absent: this program's own shape. */
  kept?: KeptRoute;
  /** Each rule's split, in words, where rules of such a route do not have the same one. */
  uneven?: readonly string[];
  /** Pools of this service that filters of such a route send copies of requests to. */
  mirrored?: readonly string[];
  /** Nothing on it says that this program made it. Default: false. */
  foreign?: boolean;
  /** The service that its label names. */
  service?: string;
  /** It existed before this stack took it over. Default: false. */
  takenOver?: boolean;
  /** What it was before that, or is where it is foreign, as text: see state/taken-over.ts. */
  original?: string;
  /** Percent of the traffic by pool, as this program wrote it last; absent where it never wrote it down. */
  written?: Readonly<Record<string, number>>;
  /** How often this program has moved it. */
  moves?: number;
  /** Counts the changes of its spec, whoever makes them. */
  generation?: number;
  /** What it says of its split and its latches, as it stands there. */
  texts?: RouteTexts;
  latches?: readonly Latch[];
  /** Replicas with which pools of others carried traffic, by pool; see sizing.ts. */
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
  /** Replicas that its model server is set to; undefined where there is no model server. */
  replicas?: number;
  readyReplicas?: number;
  /** What the pod template of this stack's own model servers says; absent where there are none, and for pools of others. */
  pods?: ObservedPods;
  /** What makes the pods of a pool created outside this stack, or of one that is scaled from outside; absent for others. */
  workloads?: readonly ObservedWorkload[];
  /** What such a pool cannot serve without; absent for other pools. */
  parts?: readonly ObservedPart[];
}

/** What a pool's identity does not say of its pods. */
export interface ObservedPods {
  /** They read the token for gated models from the pool's Secret. */
  token: boolean;
  /** They run on nodes that were made for the pool. */
  ownNodes: boolean;
}

/** An object that a pool of others cannot serve without: its servers, its picker, what that names, the load balancer's policies. */
export interface ObservedPart {
  /** As the API server names the kind: deployments, services, rolebindings. */
  resource: string;
  /** Absent for what belongs to no namespace. */
  namespace?: string;
  name: string;
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

/** The picker of a pool created outside this stack, in the settings of a picker of this stack. */
export interface CopiedPicker {
  /** Kind and name. */
  from: string;
  settings: PickerSettings;
  /** What is taken over, and what this program's picker cannot take, in words. */
  taken: readonly string[];
  left: readonly string[];
}

/** What there is to copy for one pool. */
export interface ObservedCopy {
  /** Whether the nodes are made for this pool. */
  ownNodes: boolean;
  /** Where the pool lives or will live. */
  namespace: string;
  /** made: the pool runs copied pods already. new: it is about to. none: what would be copied is not one workload. */
  state: "made" | "new" | "none";
  /** The pods; absent in state none. */
  pods?: CopiedPods;
  /** Its picker; absent: it has none that is known, or it is one of this stack's. */
  picker?: CopiedPicker;
  /** Ports of the copied InferencePool. */
  ports?: readonly number[];
  /** What stands behind the copied pool, in words, where it is not one workload. */
  found?: readonly string[];
  /** Why this workload's pods are no pods that stand by themselves. */
  unusable?: readonly string[];
  /** What the pods name and the namespace has not. */
  missing?: readonly MissingObject[];
  /** What could not be read, for lack of rights. */
  unchecked?: readonly string[];
  /** InferencePools there that would select the copy's pods too. */
  selectedBy?: readonly string[];
}

/** What the settings of a pool's pods name, and its namespace lacks. */
export interface MissingReferences {
  namespace: string;
  missing: readonly MissingObject[];
  /** What could not be read, for lack of rights. */
  unchecked: readonly string[];
}

/** What pods name, and cannot use where they will run. */
export interface MissingObject {
  kind: string;
  name: string;
  where: readonly string[];
  /** absent: there is none. keys: it lacks these. single-node: a claim that only pods of one node can mount. */
  problem:
    { kind: "absent" } | { kind: "keys"; keys: readonly string[] } | { kind: "single-node"; modes: string };
  /** Whether the copied pool's namespace has it. */
  atSource: boolean;
  /** What makes it there, in words: a copy of the object alone would be deleted again. */
  owner?: string;
}

/** One adapter as an update left it. */
export interface AdapterRecord {
  version: string;
  source: string;
  candidate?: { version: string; source: string };
  /** Percent for the candidate version. */
  weight: number;
}

/**
 * The last change of a rollout, for those who judge an update by its inputs alone (policy packs, see
 * components/route/rollout-plan.ts). An update that changes nothing keeps the change that made what is there: so the same
 * config gives the same inputs, and a second `pulumi up` has nothing to do.
 */
export interface LastMove {
  stable: string;
  candidate?: string;
  /** The candidate's share in percent after the change; 0 without one. */
  weight: number;
  /** The candidate's share in percent before it. */
  previousWeight: number;
  /** Pools that the change removed, and the share in percent that each had by any evidence: it has to be 0. */
  removed: readonly { pool: string; share: number }[];
}

/** What the annotations of the customers' route say, as text (route-texts.ts). */
export interface RouteTexts {
  /** The shares that were written with the route. */
  weights?: string;
  /** Candidates that were rolled back; absent: none. */
  latched?: string;
}

export interface Latch {
  /** Name of the pool. */
  candidate: string;
  /** Percent of the traffic that it had when it was rolled back. */
  from: number;
  reason: string;
  /** When it was rolled back: ISO 8601. */
  time: string;
  /** When and why it may have traffic again. It is kept, so that the keys of an older config do not latch anew. */
  resumed?: { reason: string; time: string };
}

/** Replicas by pool. */
export type Carried = Readonly<Record<string, number>>;

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
  /** The service that the update deployed; absent in records of older versions. */
  service?: string;
  /** Words of `allow` that are used up (waivers.ts). */
  waived: readonly string[];
  /** Absent in records of older versions. */
  move?: LastMove;
  /** Namespace and name of the customers' route, as default/routes-to-llm; absent in records of older versions. */
  route?: string;
  /** Whether that route was created outside this stack and keeps its shape. Default: it does not. */
  keptShape?: boolean;
  /** Replicas by pool, as the update set them. */
  sizes?: Readonly<Record<string, number>>;
  latches?: readonly Latch[];
  /** Replicas with which pools of others carried traffic, by pool. Absent in records of older versions. */
  carried?: Carried;
}

/** Where a pool's machine type can be had. */
export interface ZoneSearch {
  machineType: string;
  region: string;
  zones: readonly string[];
  /** Why nobody knows; absent: these are all. */
  unread?: string;
}

/** What is known of a cluster on GKE, or of any other that exists. */
export interface ObservedCluster {
  /** Of the control plane, as 1.34.1-gke.1829001; absent: it is still to be created, or does not say. */
  version?: string;
  /** Whether the API server serves metrics for autoscalers; absent: the cluster is still to be created. */
  customMetrics?: boolean;
  /** Whether it has Workload Identity Federation; absent: not known, or this stack creates it. */
  workloadIdentity?: boolean;
  /** Whether this stack creates it. */
  created: boolean;
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
  /** What pools copy that are like one created outside this stack, by pool; absent: it was not read. */
  copies?: Readonly<Record<string, ObservedCopy>>;
  /** What settings of pods name that is not there, by pool; absent: it was not read. */
  settings?: Readonly<Record<string, MissingReferences>>;
  /** Whose the live objects are that this program made; absent: not asked. */
  claims?: readonly Claim[];
  /** Full name of the stack that runs; absent: not asked. */
  stack?: string;
  /** Absent: not asked. */
  cluster?: ObservedCluster;
  /** Zones for pools that this update creates and whose config names none; absent: nodes are not created by this stack. */
  zones?: Readonly<Record<string, ZoneSearch>>;
  /** Whether this stack makes the nodes of its pools. Default: it does. */
  ownNodes?: boolean;
  /** Where the platform has images of other registries. Default: nowhere. */
  imageMirrors?: ImageMirrors;
  /** Where this stack would have those of the registries that the config does not mirror, or no longer. */
  otherMirrors?: ImageMirrors;
  /** What this stack stands on, and what the config says of it; absent: not asked. */
  standing?: PlatformStanding;
  /** The time, by the cluster's clock; this computer's where there is no cluster yet. */
  now?: Date;
}

export const nothingDeployed: Observed = { pools: [], namespaces: {} };
