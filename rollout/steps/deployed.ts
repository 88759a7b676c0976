import { identityOf } from "../../stacks/plan/identity";
import type { AdapterRecord, DeploymentRecord, Latch, Observed } from "../../stacks/plan/observed";
import type { Plan } from "../../stacks/plan/model";
import type { ServiceConfig } from "../../stacks/plan/service-config";
import { newestLatches } from "../../stacks/plan/latch";
import { liveShares, shareIn } from "../../stacks/plan/shares";
import { recordOf } from "../../stacks/plan/record";
import { parseValues, type StackValues } from "./values";

/** What the last successful update left behind, as the stack's outputs have it. */
export interface Deployed {
  state: string;
  stable: string;
  candidate?: string;
  /** Percent of the traffic by pool. */
  weights: Readonly<Record<string, number>>;
  /** Namespace by pool, of the pools that the stack made. */
  pools: Readonly<Record<string, string>>;
  latches: readonly Latch[];
  /** Model names that clients are answered for. */
  names: readonly string[];
  adapters: Readonly<Record<string, AdapterRecord>>;
  /** What the outputs say of each pool: replicas, accelerators. */
  poolStates: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  address?: string;
  kind?: string;
  notes: readonly string[];
}

/** @returns undefined before the first update, and for a stack that is no service. */
export function deployedOf(outputs: Readonly<Record<string, unknown>>): Deployed | undefined {
  const record = outputs["deployed"] as Partial<Record<string, unknown>> | undefined;
  if (typeof record?.["stable"] !== "string") return undefined;
  const { address, rollout, notes } = outputs;
  return {
    state: typeof outputs["state"] === "string" ? outputs["state"] : "unknown",
    stable: record["stable"],
    ...(typeof record["candidate"] === "string" ? { candidate: record["candidate"] } : {}),
    weights: (record["weights"] ?? {}) as Record<string, number>,
    pools: (record["pools"] ?? {}) as Record<string, string>,
    latches: (record["latches"] ?? []) as Latch[],
    names: (record["names"] ?? []) as string[],
    adapters: (record["adapters"] ?? {}) as Record<string, AdapterRecord>,
    poolStates: (outputs["pools"] ?? {}) as Record<string, Record<string, unknown>>,
    ...(typeof address === "string" ? { address } : {}),
    ...(typeof rollout === "string" ? { kind: rollout } : {}),
    notes: Array.isArray(notes) ? (notes as string[]) : [],
  };
}

/**
 * The same with the latches of the live route: `rollback --now` leaves them there, and the last update knows nothing of
 * them. @param observed absent: the cluster could not be read.
 */
export function withLiveLatches<T extends Deployed | undefined>(
  deployed: T,
  observed: Pick<Observed, "route"> | undefined,
): T {
  if (deployed === undefined || observed === undefined) return deployed;
  const latches = newestLatches([...deployed.latches, ...(observed.route?.latches ?? [])], {});
  return { ...deployed, latches };
}

/** And with the candidate's live share, where that is the smaller one: from there the next step up is counted. */
export function withLiveRoute(deployed: Deployed, observed: Pick<Observed, "route">): Deployed {
  const { route } = observed;
  const known = withLiveLatches(deployed, observed);
  const { stable, candidate } = known;
  if (candidate === undefined || route === undefined) return known;
  const share = Math.round(shareIn(liveShares({ route }), candidate));
  return share >= shareOf(known, candidate)
    ? known
    : { ...known, weights: { ...known.weights, [stable]: 100 - share, [candidate]: share } };
}

/** The share that a pool had after the last successful update, in percent. */
export const shareOf = (deployed: Deployed | undefined, pool: string): number =>
  shareIn(deployed?.weights, pool);

/** An earlier update of the stack. */
export interface PastUpdate {
  /** Pulumi Cloud's version; of a file backend, which counts none, the position from the oldest. */
  number: number;
  /** update, refresh, destroy, import, ... */
  kind: string;
  succeeded: boolean;
  /** ISO 8601; when it began. */
  time: string;
  message: string;
  values: StackValues;
  /** Only some resources were updated: what its config says is not what was deployed. */
  partial: boolean;
}

interface Printed {
  version?: number;
  kind?: string;
  result?: string;
  startTime?: string;
  message?: string;
  config?: unknown;
  environment?: Record<string, string>;
}

/**
 * The stack's history, newest first, from `pulumi stack history --json` (which is newest first too).
 * Secrets are not in it: without --show-secrets the CLI leaves them out.
 */
export function pastUpdates(printed: readonly Printed[]): PastUpdate[] {
  // A file backend writes version 0 into every entry.
  const counted = printed.some(({ version }) => (version ?? 0) > 0);
  return printed.map((entry, i) => ({
    number: counted ? (entry.version ?? 0) : printed.length - i,
    kind: entry.kind ?? "unknown",
    succeeded: entry.result === "succeeded",
    time: entry.startTime ?? "",
    message: (entry.message ?? "").split("\n")[0] ?? "",
    values: parseValues(entry.config),
    partial: partialFlags.some((flag) => `pulumi.flag.${flag}` in (entry.environment ?? {})),
  }));
}

const partialFlags = ["target", "target-dependents", "exclude", "exclude-dependents", "target-replace"];

/**
 * What is deployed by the last update's own word, where the cluster cannot be asked.
 * @param config the config as it is now: what the pools are made as is taken from it.
 */
export function observedByRecord(config: ServiceConfig, record: DeploymentRecord): Observed {
  const names = Object.entries(record.pools);
  const namespaceOf = (pool: string): string =>
    record.pools[pool] ?? config.pools[pool]?.namespace ?? config.namespace;
  const existing = Object.values(config.pools).filter(({ existing }) => existing);
  return {
    route: {
      backends: Object.entries(record.weights).map(([pool, weight]) => ({
        pool,
        namespace: namespaceOf(pool),
        weight,
      })),
    },
    pools: [
      ...names.map(([name, namespace]) => {
        const pool = config.pools[name];
        return {
          name,
          namespace,
          owned: true,
          ...(pool === undefined || pool.existing
            ? {}
            : { identity: identityOf(pool), replicas: pool.replicas, readyReplicas: pool.replicas }),
        };
      }),
      ...existing.map(({ name, namespace }) => ({ name, namespace, owned: false })),
    ],
    namespaces: {},
    record,
  };
}

/** What is deployed once an update has carried a plan out. */
export function observedAfter(config: ServiceConfig, plan: Plan, before: Observed): Observed {
  const owned = plan.pools.map(({ pool, namespace, replicas, identity }) => ({
    name: pool.name,
    namespace,
    owned: true,
    identity,
    replicas,
    readyReplicas: replicas,
  }));
  return {
    ...before,
    route: { backends: plan.backends },
    pools: [...owned, ...before.pools.filter((pool) => !pool.owned)],
    namespaces: {
      ...before.namespaces,
      ...Object.fromEntries(plan.namespaces.map(({ name, create }) => [name, create ? "owned" : "foreign"])),
    },
    record: recordOf(config, plan),
  };
}
