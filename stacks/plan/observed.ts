import type { Carried } from "./carried";
import type { ObservedCopy } from "./copies";
import type { PoolIdentity } from "./identity";
import type { LastMove } from "./last-move";
import type { Latch } from "./latch";
import type { OtherRoutes } from "./routes";
import type { Claim } from "./ownership";

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

/** Share of each pool in percent of the whole, by pool name; pools without a share are left out. */
export function sharesOf(backends: readonly Backend[]): Map<string, number> {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  const shares = new Map<string, number>();
  for (const { pool, weight } of backends) {
    if (weight > 0) shares.set(pool, (shares.get(pool) ?? 0) + (100 * weight) / total);
  }
  return shares;
}

/** Weights set by hand need not add up to 100: shares are compared with this much tolerance, in percent. */
export const rounding = 0.01;

/** Whether two splits are the same, within `tolerance` percent. */
export function sameShares(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  tolerance = rounding,
): boolean {
  const pools = new Set([...a.keys(), ...b.keys()]);
  return [...pools].every((pool) => Math.abs((a.get(pool) ?? 0) - (b.get(pool) ?? 0)) <= tolerance);
}

/** A split as people read it. */
export function shareText(shares: ReadonlyMap<string, number>): string {
  const parts = [...shares].map(([pool, share]) => `${pool} ${Number(share.toFixed(2))} %`);
  return parts.length === 0 ? "nothing to anybody" : parts.join(", ");
}
