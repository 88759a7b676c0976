import type { AdapterRecord } from "../../stacks/plan/model";

/** A candidate that was rolled back. */
export interface Latch {
  candidate: string;
  reason: string;
  /** ISO 8601. */
  time: string;
  /** Percent of the traffic that it had. */
  from?: number;
  resumed?: { reason: string; time: string };
}

/** What the last successful update left behind, as the stack's outputs tell it. */
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

/** The share that a pool had after the last successful update, in percent. */
export const shareOf = (deployed: Deployed | undefined, pool: string): number => deployed?.weights[pool] ?? 0;
