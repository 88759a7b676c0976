import type { ServiceConfig } from "../../stacks/plan/service-config";
import type { Observed } from "../../stacks/plan/observed";
import { topLevelKeys } from "../../stacks/config/schema";
import { setCommand } from "../../stacks/messages/edits";
import { liveShares, sameShares, shareIn } from "../../stacks/plan/shares";
import { fixText } from "../../stacks/messages/edits";
import { plan } from "../../stacks/plan/plan";
import { changesBetween } from "./changes";
import { observedAfter, shareOf, type Deployed, type PastUpdate } from "./deployed";
import { latchOn, markEdits, markTime } from "./marks";
import { command, rollback, type Reason } from "./moves";
import { places, resolveValues } from "./resolve-values";
import { own, rolesOf, sameValue, short, withEdits, type StackValues, type Value } from "./values";

/** What the decision is made from. */
export interface Present {
  values: StackValues;
  deployed?: Deployed;
  observed: Observed;
}

/** One update on the way. */
export interface Step {
  title: string;
  /** The config to deploy. */
  target: StackValues;
}

export type WayBack =
  | { outcome: "steps"; steps: readonly Step[]; notes: readonly string[] }
  /** Nothing to do: it is what the config says and what is deployed. */
  | { outcome: "same" }
  | { outcome: "refused"; reasons: readonly Reason[] };

const refused = (reasons: readonly Reason[]): WayBack => ({ outcome: "refused", reasons });

/**
 * Keys that keep their present values when an earlier config is put back: they say what may be done now, not what was
 * deployed then. An old `allow` would waive a rule again, an old `freeze` or latch would lift one that holds, and
 * customers come by the route of today.
 */
const keptKeys = topLevelKeys(({ keptOnRollback }) => keptOnRollback === true);

/**
 * The updates that lead back to what an earlier update deployed, in the order of things: traffic first. Each is put
 * before the program's own plan, with what the one before it leaves; what the plan would refuse is no way.
 */
export function wayBack(
  past: PastUpdate,
  present: Present,
  { reason, now }: { reason: string; now: Date },
): WayBack {
  const unfit = unfitToGoBackTo(past);
  if (unfit !== undefined) return refused([unfit]);
  const { target, kept, lost } = targetOf(past, present.values);
  const early = [...lost, ...elsewhere(past, present.values), ...latchedThen(target, present)];
  if (early.length > 0) return refused(early);
  const resolved = resolveValues(target);
  if (resolved.outcome !== "resolved") {
    return refused(
      resolved.mistakes.map((mistake) => ({
        found: `this version of the program does not accept its config: ${mistake}`,
        fix: "restore the keys you need by hand: pulumi config set KEY VALUE",
      })),
    );
  }
  const missing = builtAnew(resolved.config.service, present.observed);
  if (missing.length > 0) return refused(missing);
  const steps = stepsTo(target, past, present, { reason, now });
  const reasons = refusalsOnTheWay(steps, present);
  if (reasons.length > 0) return refused(reasons);
  if (steps.length === 1 && isThere(target, resolved.config.service, present)) return { outcome: "same" };
  // A latch that is written anew does not stay as it is.
  const marked = steps.some(
    ({ target: config }) => !sameValue(config[rolledBack], present.values[rolledBack]),
  );
  return {
    outcome: "steps",
    steps,
    notes: kept.filter((note) => !marked || !note.startsWith("rolledBack ")),
  };
}

const rolledBack = own("rolledBack");

function unfitToGoBackTo({ kind, succeeded, partial }: PastUpdate): Reason | undefined {
  const fix = `choose another: ${command("rollback --list")}`;
  if (kind !== "update") return { found: `it was a ${kind}, not an update`, fix };
  if (!succeeded) return { found: "it failed, so what it deployed does not match its config", fix };
  if (partial) return { found: "it updated only some resources (--target, --exclude)", fix };
  return undefined;
}

/** The earlier config with what is kept of the present one: secrets, and what rules this moment. */
function targetOf(
  past: PastUpdate,
  present: StackValues,
): { target: StackValues; kept: string[]; lost: Reason[] } {
  const target: Record<string, Value> = { ...past.values };
  const kept: string[] = [];
  const lost: Reason[] = [];
  const keep = (key: string): void => {
    const value = present[key];
    if (value === undefined) Reflect.deleteProperty(target, key);
    else target[key] = value;
  };
  for (const key of keptKeys.map(own)) {
    if (!sameValue(past.values[key], present[key])) kept.push(`${short(key)} keeps its current value`);
    keep(key);
  }
  const secrets = [...new Set([...Object.keys(past.values), ...Object.keys(present)])].filter(
    (key) => past.values[key]?.secret === true || present[key]?.secret === true,
  );
  for (const key of secrets.filter((one) => !keptKeys.map(own).includes(one))) {
    if (present[key] === undefined) {
      lost.push({
        found: `${short(key)} was a secret then and is not in the config now; the history does not contain its value`,
        fix: `pulumi config set --secret ${short(key)} VALUE`,
      });
    } else {
      kept.push(`${short(key)} is a secret and keeps its current value`);
    }
    keep(key);
  }
  return { target, kept, lost };
}

/** An earlier config of another cluster or namespace is another service: nothing there is what runs here. */
function elsewhere(past: PastUpdate, present: StackValues): Reason[] {
  return places
    .filter((key) => past.values[key]?.secret !== true && present[key]?.secret !== true)
    .filter((key) => !sameValue(past.values[key], present[key]))
    .map((key) => ({
      found: `${short(key)} was ${textOf(past.values[key])} and is now ${textOf(present[key])}: that is a different service`,
      fix: "a rollback cannot change this; create another stack for it",
    }));
}

function textOf(value: Value | undefined): string {
  if (value === undefined || value.secret) return "(nothing)";
  return typeof value.value === "string" ? value.value : JSON.stringify(value.value);
}

/** A candidate that was rolled back since does not come back by an earlier config. */
function latchedThen(target: StackValues, { values, deployed }: Present): Reason[] {
  const { candidate, weight } = rolesOf(target);
  const latch = candidate === undefined ? undefined : latchOn(candidate, values, deployed);
  if (latch === undefined || weight === 0) return [];
  return [
    {
      found: `it would give ${weight} % of the traffic to ${latch.candidate}, which was rolled back at ${latch.time} (${latch.reason})`,
      fix: command("resume --reason WHY"),
    },
  ];
}

/** Pools that its config routes to, and that are no longer there. */
function builtAnew(config: ServiceConfig, observed: Observed): Reason[] {
  return [config.stable, config.candidate].flatMap((name) => {
    const pool = name === undefined ? undefined : config.pools[name];
    if (pool === undefined || pool.existing) return [];
    if (observed.pools.some((live) => live.owned && live.name === pool.name)) return [];
    const size = pool.replicas * pool.hardware.acceleratorsPerReplica;
    return [
      {
        found: `pool ${pool.name} no longer exists: it would need ${size} x ${pool.hardware.accelerator} and would have to load ${pool.model} again`,
        fix: `roll it out as a candidate: ${setCommand("candidate", pool.name)} && ${command("next")}`,
      },
    ];
  });
}

function stepsTo(
  target: StackValues,
  past: PastUpdate,
  { values, deployed, observed }: Present,
  { reason, now }: { reason: string; now: Date },
): Step[] {
  const title = `the config of update ${past.number}`;
  const candidate = deployed?.candidate ?? rolesOf(values).candidate;
  if (candidate === undefined) return [{ title, target }];
  const share = Math.max(shareIn(liveShares(observed), candidate), shareOf(deployed, candidate));
  const then = rolesOf(target);
  const keepsTraffic = then.stable === candidate || (then.candidate === candidate && then.weight > 0);
  if (share === 0 || keepsTraffic) return [{ title, target }];
  // A candidate that loses its traffic is rolled back, whatever the config of then says: it is latched.
  const mark = { candidate, reason, time: markTime(values, deployed, now) };
  const latched = withEdits(target, markEdits("rolledBack", mark));
  if (then.candidate === candidate) return [{ title, target: latched }];
  // The route has to move in an update of its own, before the pool may go.
  const first = rollback(values, deployed, { reason, now });
  if (first.outcome === "refused") return [{ title, target: latched }];
  return [
    { title: first.title, target: first.target },
    { title, target: latched },
  ];
}

function refusalsOnTheWay(steps: readonly Step[], { observed }: Present): Reason[] {
  let present = observed;
  for (const [i, step] of steps.entries()) {
    const resolved = resolveValues(step.target);
    const where = steps.length === 1 ? "" : ` (in update ${i + 1} of ${steps.length}: ${step.title})`;
    if (resolved.outcome !== "resolved") {
      return resolved.mistakes.map((mistake) => ({
        found: `the program would reject the config${where}: ${mistake}`,
        fix: "fix the config first",
      }));
    }
    const { service } = resolved.config;
    const result = plan(service, present);
    if (result.outcome === "refused") {
      return result.refusals.map(({ rule, found, fix }) => ({
        found: `${rule}: ${found}${where}`,
        fix: fixText(fix),
      }));
    }
    present = observedAfter(service, result.plan, present);
  }
  return [];
}

/** Whether the config says it already, and what is deployed is as it asks. */
function isThere(target: StackValues, config: ServiceConfig, { values, observed }: Present): boolean {
  if (changesBetween(values, target).length > 0) return false;
  return sameShares(plan(config, observed).plan.shares, liveShares(observed));
}
