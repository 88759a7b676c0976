import { commandsText, commandText } from "../../stacks/messages/edits";
import { set } from "../../stacks/plan/config-edits";
import type { Latch, Observed } from "../../stacks/plan/observed";
import { commandsFor, poolSteps, versionSteps, type Step, type Steps } from "../../stacks/plan/next-steps";
import { overriddenState } from "../../stacks/plan/rival-routes";
import { liveShares, sameShares, type Shares } from "../../stacks/plan/shares";
import { newLatch } from "../../stacks/plan/meanwhile";
import { withLiveLatches, type Deployed } from "./deployed";
import { latchesHeld } from "./marks";
import { command, standingOf, versionUnderWay } from "./moves";
import { rolesOf, type StackValues } from "./values";

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
  /** What does not fit together, and the notes of the last update. */
  notes: readonly string[];
  /** Commands. */
  next: string;
  back?: string;
}

/** What the cluster itself says, or why it was not read. */
export type LiveState =
  | {
      outcome: "read";
      observed: Observed;
      /** What the gateway has yet to say before the route is known to be in force; empty: it is. */
      unconfirmed: readonly string[];
      /** Why the live route's split is not what customers get; empty: it is. */
      overridden: readonly string[];
      /** What pods that are not ready wait for; empty: nothing is known to be wrong. */
      waits: readonly string[];
    }
  | { outcome: "unreadable"; why: string };

export function statusOf(
  stack: string,
  values: StackValues,
  deployed: Deployed | undefined,
  live: LiveState,
): Status {
  const known = withLiveLatches(deployed, live.outcome === "read" ? live.observed : undefined);
  const latches = latchesHeld(values, known);
  return {
    stack,
    state: isOverridden(live) ? overriddenState : (deployed?.state ?? "none"),
    ...(deployed?.kind === undefined ? {} : { rollout: deployed.kind }),
    config: rolesOf(values),
    deployed: deployed?.weights ?? {},
    live:
      live.outcome === "read"
        ? {
            weights: roundedShares(live.observed),
            confirmed: live.unconfirmed.length === 0,
            inForce: live.overridden.length === 0,
          }
        : { unreadable: live.why },
    pools: withLiveSizes(deployed?.poolStates ?? {}, live),
    latches,
    notes: [...disagreements(values, deployed, live), ...(deployed?.notes ?? [])],
    // The program's refusal has the commands that take the other route over.
    ...(isOverridden(live) ? { next: "pulumi preview" } : whatNext(values, deployed, latches)),
  };
}

const isOverridden = (live: LiveState): boolean => live.outcome === "read" && live.overridden.length > 0;

function roundedShares(observed: Observed): Shares {
  const shares = Object.entries(liveShares(observed));
  return Object.fromEntries(shares.map(([pool, share]) => [pool, Math.round(share * 100) / 100]));
}

/** Pools that are sized from outside this stack have the size that their owner gives them, whatever the last update saw. */
function withLiveSizes(states: Status["pools"], live: LiveState): Status["pools"] {
  if (live.outcome !== "read") return states;
  return Object.fromEntries(
    Object.entries(states).map(([name, state]) => {
      const now = live.observed.pools.find(
        (one) => one.name === name && one.namespace === state["namespace"],
      );
      const outside = state["existing"] === true || state["scaledBy"] !== undefined;
      return !outside || now?.replicas === undefined
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
      if (asked !== is)
        notes.push(`the config has ${key} ${asked}, but the last successful update had ${is}`);
    }
  }
  if (live.outcome !== "read") return notes;
  if (deployed !== undefined && !sameShares(deployed.weights, roundedShares(live.observed))) {
    const latch = newLatch(deployed.latches, live.observed.route?.latches);
    notes.push(
      latch === undefined
        ? "the live route differs from what the last successful update wrote: an update failed halfway, or someone edited the route; run pulumi up to see which"
        : `${latch.candidate} was rolled back on the live route, and no update has recorded it: ${command("rollback")}`,
    );
  }
  return [
    ...live.overridden.map((text) => `customers do not get these weights: ${text}`),
    ...notes,
    ...live.waits,
    ...live.unconfirmed,
    ...(live.observed.others?.unseen ?? []).map(
      (text) => `${text}: other routes may exist that this command cannot see`,
    ),
  ];
}

function whatNext(
  values: StackValues,
  deployed: Deployed | undefined,
  latches: readonly Latch[],
): { next: string; back?: string } {
  const { candidate, weight: configured } = rolesOf(values);
  if (candidate === undefined) {
    const version = deployed?.candidate === undefined ? versionUnderWay(values, deployed) : undefined;
    if (version !== undefined) return asCommands(versionSteps(version));
    return deployed?.candidate === undefined
      ? { next: deployed === undefined ? "pulumi up" : commandText(set("candidate", "NAME")) }
      : { next: "pulumi up", back: command("rollback") };
  }
  const steps = poolSteps({
    ...standingOf(values, deployed, candidate),
    candidate,
    configured,
    latched: latches.some((latch) => latch.candidate === candidate),
  });
  return asCommands(steps);
}

const asCommands = ({ next, back }: Steps): { next: string; back: string } => ({
  next: asCommand(next, "next"),
  back: asCommand(back, "rollback"),
});

/** A step as this command takes it, where it has a move for it. */
function asCommand(step: Step, move: "next" | "rollback"): string {
  if (step.kind === "promote") return command("promote");
  if (step.kind === "weight") return command(move);
  return commandsText(commandsFor(step));
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
      `${latch.candidate} from ${latch.from} % at ${latch.time}: ${latch.reason}`,
    ]),
    ...notes.map((note): [string, string] => ["note", note]),
    ["next", status.next],
    ...(status.back === undefined ? [] : [["back", status.back] satisfies [string, string]]),
    ...(again === undefined ? [] : [["to continue", again] satisfies [string, string]]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, text]) => `${name.padEnd(width)}${text}`);
}

function shares(weights: Readonly<Record<string, number>>): string {
  const parts = Object.entries(weights).map(([pool, share]) => `${pool} ${share} %`);
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

function liveText(live: Status["live"]): string {
  if ("unreadable" in live) return `could not be read: ${live.unreadable}`;
  const { weights, confirmed, inForce } = live;
  if (Object.keys(weights).length === 0) return "does not exist";
  if (!inForce) return `${shares(weights)} (customers do not get this split: another route takes precedence)`;
  return `${shares(weights)}${confirmed ? "" : " (not yet confirmed by the gateway)"}`;
}

function poolText(pool: Readonly<Record<string, unknown>>): string {
  const { role, weight, replicas, accelerators, existing } = pool;
  const { ready, carriedWith, scaledBy } = pool;
  const others = [
    "created outside this stack",
    ...(replicas === undefined ? [] : [`${text(replicas)} replicas, ${text(ready)} ready`]),
    ...(carriedWith === undefined ? [] : [`served all traffic with ${text(carriedWith)} replicas`]),
  ];
  const own = [
    `${text(replicas)} replicas on ${text(accelerators)}`,
    ...(scaledBy === undefined ? [] : [`${text(ready)} ready, set by ${text(scaledBy)}`]),
  ];
  const size = (existing === true ? others : own).join(", ");
  return `${text(role)}, ${text(weight)} %, ${size}`;
}

const text = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "-";
