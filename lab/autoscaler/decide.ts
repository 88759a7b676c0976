/*
 * What GKE's cluster autoscaler would do, as pure decisions: a node for every pod that fits none, up to the pool's
 * limit; and away with nodes that have carried nothing for a while, down to its minimum.
 */

export interface PendingPod {
  name: string;
  namespace: string;
  uid: string;
  nodeSelector: Readonly<Record<string, string>>;
  tolerations: readonly Toleration[];
  /** Sum over containers, by resource name, as Kubernetes writes quantities. */
  requests: Readonly<Record<string, string>>;
}

export interface Toleration {
  key?: string | undefined;
  operator?: string | undefined;
  value?: string | undefined;
  effect?: string | undefined;
}

export interface Taint {
  key: string;
  value: string;
  effect: string;
}

/** A node pool with autoscaling, and what a new node of it would be. */
export interface ScalablePool {
  id: string;
  min: number;
  max: number;
  /** Nodes that it has now, counting those that are on their way. */
  nodes: number;
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
  allocatable: Readonly<Record<string, string>>;
}

/** How many nodes to add, by pool. */
export function nodesToAdd(pods: readonly PendingPod[], pools: readonly ScalablePool[]): Map<string, number> {
  const added = new Map<string, number>();
  const fresh: { pool: string; free: Record<string, number> }[] = [];
  for (const pod of pods) {
    const needs = amounts({ pods: "1", ...pod.requests });
    const shared = fresh.find(({ pool, free }) => accepts(poolNamed(pools, pool), pod) && fits(needs, free));
    if (shared !== undefined) {
      take(needs, shared.free);
      continue;
    }
    const pool = pools.find(
      (candidate) =>
        candidate.nodes + (added.get(candidate.id) ?? 0) < candidate.max &&
        accepts(candidate, pod) &&
        fits(needs, amounts(candidate.allocatable)),
    );
    if (pool === undefined) continue;
    added.set(pool.id, (added.get(pool.id) ?? 0) + 1);
    const free = amounts(pool.allocatable);
    take(needs, free);
    fresh.push({ pool: pool.id, free });
  }
  return added;
}

/** The pods that a node of this pool would be for. */
export function podsFor(pool: ScalablePool, pods: readonly PendingPod[]): PendingPod[] {
  return pods.filter((pod) => accepts(pool, pod));
}

/** Which idle nodes of a pool may go: the longest idle first, never below the pool's minimum. */
export function nodesToRemove(
  pool: Pick<ScalablePool, "min" | "nodes">,
  idleSince: ReadonlyMap<string, number>,
  now: number,
  idleMs: number,
): string[] {
  return [...idleSince]
    .filter(([, since]) => now - since >= idleMs)
    .sort(([, a], [, b]) => a - b)
    .slice(0, Math.max(0, pool.nodes - pool.min))
    .map(([name]) => name);
}

function poolNamed(pools: readonly ScalablePool[], id: string): ScalablePool {
  const pool = pools.find((entry) => entry.id === id);
  if (pool === undefined) throw new Error(`no pool ${id}`);
  return pool;
}

function accepts({ labels, taints }: ScalablePool, pod: PendingPod): boolean {
  const selected = Object.entries(pod.nodeSelector).every(([key, value]) => labels[key] === value);
  const hard = taints.filter(({ effect }) => effect !== "PreferNoSchedule");
  return (
    selected && hard.every((taint) => pod.tolerations.some((toleration) => tolerates(toleration, taint)))
  );
}

function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && effect !== "" && effect !== taint.effect) return false;
  if (key === undefined || key === "") return operator === "Exists";
  return key === taint.key && (operator === "Exists" || (value ?? "") === taint.value);
}

function amounts(quantities: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(Object.entries(quantities).map(([name, text]) => [name, parseQuantity(text)]));
}

function fits(needs: Readonly<Record<string, number>>, free: Readonly<Record<string, number>>): boolean {
  return Object.entries(needs).every(([name, amount]) => amount <= (free[name] ?? 0));
}

function take(needs: Readonly<Record<string, number>>, free: Record<string, number>): void {
  for (const [name, amount] of Object.entries(needs)) free[name] = (free[name] ?? 0) - amount;
}

const factors: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/**
 * A Kubernetes quantity as a number.
 * @throws Error for what is no quantity
 */
export function parseQuantity(text: string): number {
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(text);
  const factor = factors[match?.[2] ?? ""];
  if (match === null || factor === undefined) throw new Error(`${text} is no quantity`);
  return Number(match[1]) * factor;
}
