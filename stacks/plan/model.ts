import type { Fix } from "./config-edits";
import type { PoolToken } from "./kept-token";
import type { WrittenShape } from "./kept-shapes";
import type {
  Carried,
  LastMove,
  Latch,
  Observed,
  ObservedPart,
  ObservedPool,
  PoolIdentity,
} from "./observed";
import type { Backend } from "./routes";
import type { Allowance, OwnedPool, RolloutKind, ServiceConfig } from "./service-config";

/*
 * The types of the plan: what it is made from (service-config.ts, observed.ts), what it decides, and why it refuses.
 */

export type * from "./observed";
export { nothingDeployed } from "./observed";
export type { Backend } from "./routes";
export type * from "./service-config";

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
  /** Where its pods have the token for gated models from. */
  token: PoolToken;
  /** Replicas that this update restarts, one at a time; absent: none. */
  restarts?: number;
  /** Who sets the number of replicas from outside this stack, in words; absent: this stack does. */
  scaledBy?: string;
  /** The most replicas that one asks for, where it says. */
  scaledTo?: number;
  /** Whether the service's objectives are bound to this pool; see `objectivesLost`. */
  objectives: boolean;
  /** Pools of this namespace that had the objectives before: they go over to this one. Absent: none. */
  objectivesOf?: readonly string[];
  /** What was copied from a pool that was created outside this stack; absent: nothing. */
  copied?: CopyReport;
}

export interface GuardedRoutes {
  namespaces: readonly string[];
  /** Whether GRPCRoutes send to the pools. */
  grpc: boolean;
  /** What pools of others cannot serve without: it stays while the customers' route gives the pool weight. */
  parts: readonly GuardedPart[];
}

export interface GuardedPart extends ObservedPart {
  pool: RoutedPool;
}

export interface RoutedPool {
  name: string;
  namespace: string;
}

export interface Plan {
  state: LadderState;
  /** Undefined while no rollout is under way, or where the pools do not tell. */
  kind?: RolloutKind;
  /** Pools that this stack makes and keeps: those with a role, and what stays because this update goes back. */
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
  /** The customers' route as it is written, where it keeps the shape of its owner; absent: this program's own shape. */
  shape?: WrittenShape;
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
  /** Words of `allow` that are used up: those of these, and earlier ones that the config still has. */
  spent: readonly string[];
}

/** A plan before the rules have seen it. */
export type Draft = Omit<Plan, "route" | "notes" | "waived" | "spent">;

declare const approved: unique symbol;

/** A plan that no rule refuses. Only {@link plan} makes one, and only such a plan can be built. */
export type ApprovedPlan = Plan & { readonly [approved]: true };

/** What becomes of an update. A refused plan is for its notes: nothing of it is built. */
export type Outcome =
  | { outcome: "approved"; plan: ApprovedPlan }
  | { outcome: "refused"; refusals: readonly Refusal[]; plan: Plan };

/** Why an update is refused. */
export interface Refusal {
  /** Id of the rule, as the documentation has it. */
  rule: string;
  /** What would happen, or what does not fit. */
  found: string;
  /** What to do instead: commands where there are any. */
  fix: Fix;
  /** The word in `allow` that lets it pass for one update; absent: nothing does. */
  waiver?: Allowance;
}

/** What a rule has against an update. */
export interface Finding {
  found: string;
  fix: Fix;
  /** Whether the rule's waiver, where it has one, lets this pass. Default: true. */
  waivable?: boolean;
}

/** One reason to refuse an update, with its part of docs/refusals.md. Texts are Markdown. */
export interface Rule {
  id: string;
  /** What is refused, and why. */
  summary: string;
  /** What the page says after the example. Default: nothing. */
  remark?: string;
  /** What to do instead. */
  fix: string;
  waiver?: {
    /** The word in `allow`. */
    name: Allowance;
    /** When to use it, and what it does then, in sentences. Default: nothing to say. */
    use?: string;
  };
  /** gate: the plan goes on, and the gate waits for it; only the waiver is the plan's. Default: plan. */
  heldBy?: "plan" | "gate";
  /** What the gate says, where it holds the rule. Default: the page shows what the plan says to a case of the tests. */
  example?: string;
  check: (config: ServiceConfig, observed: Observed, draft: Draft) => Finding[];
}

/** What was copied for a pool, for people and scripts. */
export interface CopyReport {
  from: string;
  taken: readonly string[];
  left: readonly string[];
  notes: readonly string[];
}

/** A namespace that pools of this stack live in beside the route's. */
export interface PlannedNamespace {
  name: string;
  pool: string;
  /** Whether this stack makes it; otherwise it exists. */
  create: boolean;
  /** The pool that it is made with: of several in one namespace, one that the route waits for. */
  maker: string;
  /** Pools that it may have been made with: Pulumi has to know it for the same one when the maker changes. */
  makers: readonly string[];
}

/** How the live route comes to say what the plan says. */
export interface RouteMove {
  /**
   * A count of this program's moves of the route, this update included: of its split, and of what it says of its split
   * and its latches. It is written on the route, so that a write that was made from an older route can be told from one
   * that was made from this one (components/route/move-guard.ts), and so that whatever
   * Pulumi's state says, a route that has to move is different from what the state has: after an update that was
   * killed, and after a state was put back, the state can say what the config says while the live route does not,
   * and Pulumi would leave it there. A new route begins at the time (in seconds), so that it never says again what
   * one that was deleted has said.
   */
  moves: number;
  /** Whether fields that others own are taken over in this update. */
  force: boolean;
  /** Whether a route created outside this stack becomes its own. */
  takeOver: boolean;
  /** Whether it existed before this stack, so that nothing that this stack does deletes it. Default: false. */
  isTakenOver?: boolean;
  /** What it was before, kept on it to hand it back; absent: it was not taken over, or nobody wrote it down. */
  original?: string;
}

/** A pool that gets a larger share than it has now: it has to be ready for it before the route moves. */
export interface RisingPool {
  pool: string;
  namespace: string;
  /** Percent of the traffic it will get. */
  share: number;
  /** Model servers that have to be ready; absent where nobody knows how many the pool has. */
  needs?: number;
  /** Its replicas are groups of pods. Default: single ones. */
  groups?: boolean;
  /** It was created outside this stack. Default: it was not. */
  existing?: boolean;
  /** Who sets its number of replicas from outside this stack, in words. Default: this stack does. */
  scaledBy?: string;
}
