import type { Observed } from "../../stacks/plan/model";
import { sharesOf } from "../../stacks/plan/shares";
import type { Deployed, Latch } from "./deployed";
import { latchesHeld } from "./latch";
import { command } from "./decision";
import { rolesOf } from "./moves";
import type { StackValues } from "./values";

/** Where a rollout stands, for a person or a script. */
export interface Status {
  stack: string;
  /** none before the first update; else the program's own word: serving, staged, shifting, shifted. */
  state: string;
  /** node-update, base-model, model-server. */
  rollout?: string;
  config: { stable?: string; candidate?: string; weight: number };
  /** Percent of the traffic by pool, as the last successful update left it. */
  deployed: Readonly<Record<string, number>>;
  /** The same by the live route, and whether the gateway has it in force. */
  live:
    | {
        weights: Readonly<Record<string, number>>;
        confirmed: boolean;
        /** Whether customers get these weights, and not another route's. */
        inForce: boolean;
      }
    | { unreadable: string };
  pools: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  latches: readonly Latch[];
  /** What does not fit together, and what was told by the last update. */
  notes: readonly string[];
  /** Commands. */
  next: string;
  back?: string;
}

export type LiveState =
  | { observed: Observed; unconfirmed: readonly string[]; overridden: readonly string[] }
  | { unreadable: string };

/** The state while another route gets the customers' requests: whatever the weights, they are not what customers get. */
const overriddenState = "overridden";

export function statusOf(
  stack: string,
  values: StackValues,
  deployed: Deployed | undefined,
  live: LiveState,
): Status {
  const latches = latchesHeld(values, deployed);
  return {
    stack,
    state: isOverridden(live) ? overriddenState : (deployed?.state ?? "none"),
    ...(deployed?.kind === undefined ? {} : { rollout: deployed.kind }),
    config: rolesOf(values),
    deployed: deployed?.weights ?? {},
    live:
      "observed" in live
        ? {
            weights: liveShares(live.observed),
            confirmed: live.unconfirmed.length === 0,
            inForce: live.overridden.length === 0,
          }
        : { unreadable: live.unreadable },
    pools: withLiveSizes(deployed?.poolStates ?? {}, live),
    latches,
    notes: [...disagreements(values, deployed, live), ...(deployed?.notes ?? [])],
    // The program's refusal has the commands that take the other route over.
    ...(isOverridden(live) ? { next: "pulumi preview" } : whatNext(values, deployed, latches)),
  };
}

const isOverridden = (live: LiveState): boolean => "observed" in live && live.overridden.length > 0;

function liveShares({ route }: Observed): Record<string, number> {
  const shares = [...sharesOf(route?.backends ?? [])];
  return Object.fromEntries(shares.map(([pool, share]) => [pool, Math.round(share * 100) / 100]));
}

/** Pools of others have the size that their owner gives them, whatever the last update saw. */
function withLiveSizes(states: Status["pools"], live: LiveState): Status["pools"] {
  if (!("observed" in live)) return states;
  return Object.fromEntries(
    Object.entries(states).map(([name, state]) => {
      const now = live.observed.pools.find(
        (one) => one.name === name && one.namespace === state["namespace"],
      );
      return state["existing"] !== true || now?.replicas === undefined
        ? [name, state]
        : [name, { ...state, replicas: now.replicas, ready: now.readyReplicas ?? 0 }];
    }),
  );
}

/** Config, last update and live route say the same, or somebody has to do something. */
function disagreements(values: StackValues, deployed: Deployed | undefined, live: LiveState): string[] {
  const notes: string[] = [];
  const config = rolesOf(values);
  if (deployed !== undefined) {
    const share = deployed.candidate === undefined ? 0 : (deployed.weights[deployed.candidate] ?? 0);
    const roles: [string, string, string][] = [
      ["stable", config.stable ?? "(nothing)", deployed.stable],
      ["candidate", config.candidate ?? "(nothing)", deployed.candidate ?? "(nothing)"],
      ["weight", String(config.weight), String(share)],
    ];
    for (const [key, asked, is] of roles) {
      if (asked !== is) notes.push(`the config says ${key} ${asked}, the last successful update had ${is}`);
    }
  }
  if (!("observed" in live)) return notes;
  if (deployed !== undefined && !sameWeights(deployed.weights, liveShares(live.observed))) {
    notes.push(
      "the live route is not as the last successful update left it: an update failed half-way, or somebody edited it; pulumi up says which",
    );
  }
  return [
    ...live.overridden.map((text) => `the weights are not what customers get: ${text}`),
    ...notes,
    ...live.unconfirmed,
    ...(live.observed.others?.unseen ?? []).map((text) => `${text}: other routes are not known`),
  ];
}

function sameWeights(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every(
    (pool) => Math.abs((a[pool] ?? 0) - (b[pool] ?? 0)) < 0.01,
  );
}

function whatNext(
  values: StackValues,
  deployed: Deployed | undefined,
  latches: readonly Latch[],
): { next: string; back?: string } {
  const { candidate } = rolesOf(values);
  if (candidate === undefined) {
    return deployed?.candidate === undefined
      ? { next: deployed === undefined ? "pulumi up" : "pulumi config set candidate NAME" }
      : { next: "pulumi up", back: command("rollback") };
  }
  const share = deployed?.candidate === candidate ? (deployed.weights[candidate] ?? 0) : 0;
  if (latches.some((latch) => latch.candidate === candidate)) {
    // Rolled back in the config, and not yet in the cluster.
    return share > 0 ? { next: "pulumi up" } : { next: command("resume --reason WHY") };
  }
  return {
    next: share === 100 ? command("promote") : command("next"),
    back: share === 0 ? "pulumi config rm candidate && pulumi up" : command("rollback"),
  };
}

/**
 * A status as a person reads it.
 * @param again the command that goes on with what was stopped.
 */
export function describeStatus(status: Status, again?: string): string[] {
  const { config, deployed, live, pools, latches, notes } = status;
  const rows: [string, string][] = [
    ["stack", status.stack],
    ["state", status.rollout === undefined ? status.state : `${status.state} (${status.rollout})`],
    [
      "config",
      `stable ${config.stable ?? "-"}, candidate ${config.candidate ?? "-"}, weight ${config.weight}`,
    ],
    ["deployed", shares(deployed)],
    ["live route", liveText(live)],
    ...Object.entries(pools).map(([name, pool]): [string, string] => [`pool ${name}`, poolText(pool)]),
    ...latches.map((latch): [string, string] => [
      "rolled back",
      `${latch.candidate}${latch.from === undefined ? "" : ` from ${latch.from} %`} at ${latch.time}: ${latch.reason}`,
    ]),
    ...notes.map((note): [string, string] => ["note", note]),
    ["next", status.next],
    ...(status.back === undefined ? [] : [["back", status.back] satisfies [string, string]]),
    ...(again === undefined ? [] : [["to go on", again] satisfies [string, string]]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, text]) => `${name.padEnd(width)}${text}`);
}

function shares(weights: Readonly<Record<string, number>>): string {
  const parts = Object.entries(weights).map(([pool, share]) => `${pool} ${share} %`);
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

function liveText(live: Status["live"]): string {
  if ("unreadable" in live) return `not read: ${live.unreadable}`;
  const { weights, confirmed, inForce } = live;
  if (Object.keys(weights).length === 0) return "there is none";
  if (!inForce) return `${shares(weights)} (not what customers get: another route comes first)`;
  return `${shares(weights)}${confirmed ? "" : " (the gateway has not confirmed it)"}`;
}

function poolText(pool: Readonly<Record<string, unknown>>): string {
  const { role, weight, replicas, accelerators, existing } = pool;
  const { ready, carriedWith } = pool;
  const others = [
    "created outside this stack",
    ...(replicas === undefined ? [] : [`${text(replicas)} replicas, ${text(ready)} ready`]),
    ...(carriedWith === undefined ? [] : [`carried the traffic with ${text(carriedWith)}`]),
  ];
  const size = existing === true ? others.join(", ") : `${text(replicas)} replicas on ${text(accelerators)}`;
  return `${text(role)}, ${text(weight)} %, ${size}`;
}

const text = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "-";
