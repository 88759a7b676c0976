import type { OwnedPool, ServiceConfig } from "./service-config";
import type { Observed, ObservedPool, ObservedWorkload } from "./observed";
import type { Draft, PlannedPool } from "./model";
import { fix, joinFixes, run, type Command, type Fix } from "./config-edits";
import { liveShares, shareIn } from "./shares";
import { fullSize, replicasFor } from "./sizing";

/*
 * A pool of others has the size that its owner gives it, and so has a pool of this stack that somebody else scales: this
 * stack cannot change it. Waiting for replicas that nobody requested would only cost time, so a pool that is too small
 * is refused at once, with the command that grows it and the step that its present size allows.
 */

/** Who sets the number of replicas of a pool of this stack from outside it; undefined: this stack does. */
export function scaledOutside(
  { name, replicasOwner }: OwnedPool,
  { pools }: Observed,
): Pick<PlannedPool, "scaledBy" | "scaledTo"> | undefined {
  if (replicasOwner === "stack") return undefined;
  const live = pools.find((pool) => pool.owned && pool.name === name);
  const scaler = live?.workloads?.find(({ autoscaler }) => autoscaler !== undefined)?.autoscaler;
  if (scaler === undefined)
    return replicasOwner === "external" ? { scaledBy: "someone outside this stack" } : undefined;
  return {
    scaledBy: `${scaler.kind} ${scaler.name}`,
    ...(scaler.max === undefined ? {} : { scaledTo: scaler.max }),
  };
}

/** Pools of a draft whose size this stack does not set, as they are: those of others, and its own that are scaled from outside. */
export function sizedOutside({ others, pools }: Draft, observed: Observed): ObservedPool[] {
  const own = pools.filter(({ scaledBy }) => scaledBy !== undefined);
  return [
    ...others,
    ...observed.pools.filter(
      (live) =>
        live.owned &&
        own.some(({ pool, namespace }) => pool.name === live.name && namespace === live.namespace),
    ),
  ];
}

export const counted = (replicas: number): string => `${replicas} ${replicas === 1 ? "replica" : "replicas"}`;

/** One way to give a pool more replicas, with what is to be known about it. */
interface Growth {
  why: string;
  command: string;
  owner: string;
}

/** How its owner gives a pool more replicas: the autoscaler where one owns the number, else the workload. */
const growths = ({ namespace, workloads = [] }: ObservedPool, needs: number): Growth[] =>
  workloads.map(({ kind, name, autoscaler, owner }) => ({
    why: autoscaler === undefined ? "" : `${autoscaler.kind} ${autoscaler.name} sets its size: `,
    command:
      autoscaler === undefined
        ? `kubectl scale ${kind.toLowerCase()} ${name} -n ${namespace} --replicas ${needs}`
        : atLeast(autoscaler, namespace, needs),
    owner: owner === undefined ? "" : ` (${owner} manages it: change it there too)`,
  }));

const askOwner = (needs: number): string =>
  `ask its owner for ${counted(needs)}: the pool has no workload that can be scaled`;

function growText(pool: ObservedPool, needs: number): string {
  const ways = growths(pool, needs);
  if (ways.length === 0) return askOwner(needs);
  return ways.map(({ why, command, owner }) => `${why}${command}${owner}`).join(", or ");
}

/** @param then what is typed after it. */
export function growFix(pool: ObservedPool, needs: number, then: readonly Command[]): Fix {
  const ways = growths(pool, needs);
  if (ways.length === 0) return fix`${askOwner(needs)}; then ${then}`;
  return joinFixes(
    ways.map(({ why, command, owner }) => fix`${why}${[run(command), ...then]}${owner}`),
    ", or ",
  );
}

function atLeast(
  { kind, name, max }: NonNullable<ObservedWorkload["autoscaler"]>,
  namespace: string,
  needs: number,
): string {
  const fields =
    kind === "ScaledObject"
      ? ({ least: "minReplicaCount", most: "maxReplicaCount" } as const)
      : ({ least: "minReplicas", most: "maxReplicas" } as const);
  const spec = {
    [fields.least]: needs,
    ...(max !== undefined && max < needs ? { [fields.most]: needs } : {}),
  };
  return `kubectl patch ${kind.toLowerCase()} ${name} -n ${namespace} --type merge -p '${JSON.stringify({ spec })}'`;
}

/** The largest share in whole percent, up to `most`, that a pool's ready replicas carry. */
export function largestShare(
  config: ServiceConfig,
  observed: Observed,
  { name, namespace, readyReplicas = 0 }: ObservedPool,
  most: number,
): number {
  const full = fullSize(config, observed, name, namespace);
  if (full === undefined || readyReplicas === 0) return 0;
  for (let share = Math.floor(most); share > 0; share--) {
    if (replicasFor(full, share, config.capacity.headroom) <= readyReplicas) return share;
  }
  return 0;
}

/** While a stable pool of others is needed for going back: that it is smaller than that takes, or will be. */
export function sizeNotes(config: ServiceConfig, observed: Observed, draft: Draft): string[] {
  const { candidate, stable, shares } = draft;
  const pool = sizedOutside(draft, observed).find(({ name }) => name === stable.name);
  if (candidate === undefined || pool?.replicas === undefined) return [];
  const live = shareIn(liveShares(observed), stable.name);
  const full = fullSize(config, observed, stable.name, stable.namespace);
  if (full === undefined || draft.rising.some(({ pool: name }) => name === stable.name)) return [];
  if (pool.replicas < full && live < 100) {
    return [
      `pool ${stable.name} is scaled to ${counted(pool.replicas)} and ${pool.owned ? "needs" : "last served all of the traffic with"} ${full}${pool.owned ? " for all of the traffic" : ""}: going back in one step needs ${full} (${growText(pool, full)})`,
    ];
  }
  const scaled = pool.workloads?.find(({ autoscaler }) => autoscaler !== undefined)?.autoscaler;
  if ((shares[stable.name] ?? 0) > 0 || live === 0 || scaled === undefined) return [];
  return [
    `${scaled.kind} ${scaled.name} may scale down pool ${stable.name} now that its traffic moves away: going back needs ${counted(full)} (${growText(pool, full)})`,
  ];
}
