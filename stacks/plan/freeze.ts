import type { ServiceConfig, AdapterRecord, Observed, Draft, Refusal } from "./model";
import { recordOfAdapter, shownVersions } from "./adapter-record";
import { identityChanges } from "./identity";
import { rounding, sharesOf } from "./shares";

/*
 * A freeze is a time in which customers are not to notice anything: Black Friday, an incident, a Friday evening.
 * Going back stays allowed, and so does growing: neither takes anything away from a customer. Nothing shrinks; what
 * else would touch what customers are connected to, or begin something that does, is refused.
 */

/** A time in which the service is frozen. Without bounds: until it is taken out of the config. */
export interface FreezeWindow {
  /** ISO 8601; absent: since ever. */
  from?: string;
  /** ISO 8601, no longer frozen then; absent: until further notice. */
  to?: string;
  reason: string;
}

/** The window that holds now. An unknown time is inside every window: a freeze is not to fail open. */
export function freezeNow(windows: readonly FreezeWindow[], now: Date | undefined): FreezeWindow | undefined {
  return windows.find(({ from, to }) => {
    if (now === undefined) return true;
    const begun = from === undefined || Date.parse(from) <= now.getTime();
    return begun && (to === undefined || now.getTime() < Date.parse(to));
  });
}

export function frozen(config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  const window = freezeNow(config.freeze, observed.now);
  // Before there is a route there is nobody to protect: a service may begin in a freeze.
  if (window === undefined || (observed.route === undefined && observed.record === undefined)) return [];
  const until = window.to === undefined ? "until further notice" : `until ${window.to}`;
  const end =
    window.to === undefined
      ? "wait until the freeze is taken out of the config"
      : `wait until ${window.to}, or take the freeze out of the config`;
  return [...changes(config, observed, draft)].map((change) => ({
    rule: "frozen",
    found: `${change}, and ${config.service} is frozen ${until}: ${window.reason}`,
    fix: `${end}; going back (a lower weight) is always allowed`,
    waiver: "frozen" as const,
  }));
}

/** What an update would do beyond going back. */
function* changes(config: ServiceConfig, observed: Observed, draft: Draft): Generator<string> {
  const { record, route } = observed;
  const { candidate, stable } = draft;
  const now = route === undefined ? new Map(Object.entries(record?.weights ?? {})) : sharesOf(route.backends);
  if (candidate !== undefined) {
    const before = now.get(candidate.name) ?? 0;
    if (config.weight > before + rounding) {
      yield `the config raises ${candidate.name} from ${Math.round(before)} to ${config.weight} % of the traffic`;
    } else if (before === 0 && record?.candidate !== candidate.name) {
      yield `the config brings in ${candidate.name} as a new candidate`;
    }
  }
  if (record !== undefined && record.stable !== stable.name) {
    yield `the config makes ${stable.name} the stable pool instead of ${record.stable}`;
  }
  // What an earlier update began to remove and did not finish is gone for everybody but the bill.
  const begins = draft.removed.filter(({ name }) => record?.pools[name] !== undefined);
  for (const { name } of begins) yield `pool ${name} would be removed`;
  for (const { pool, identity } of draft.pools) {
    const live = observed.pools.find(({ name, owned }) => owned && name === pool.name);
    if (live?.identity !== undefined && identityChanges(live.identity, identity).length > 0) {
      yield `pool ${pool.name} would be changed in place`;
    }
  }
  if (record !== undefined && objectivesDiffer(config, record.objectives))
    yield "the objectives would change";
  if (record !== undefined) yield* adapterChanges(config, record.adapters ?? {});
  if (route?.foreign === true) yield "a route of somebody else would be taken over";
  if (config.allow.includes("destroy")) yield "the config allows the service to be destroyed";
}

/** A lower weight of a version is going back; everything else about adapters is not. */
function* adapterChanges(
  config: ServiceConfig,
  deployed: Readonly<Record<string, AdapterRecord>>,
): Generator<string> {
  const wanted = new Map(config.adapters.map((adapter) => [adapter.name, recordOfAdapter(adapter)]));
  for (const name of new Set([...Object.keys(deployed), ...wanted.keys()])) {
    const [before, after] = [deployed[name], wanted.get(name)];
    if (shownVersions(before) !== shownVersions(after)) {
      yield `adapter ${name} would be ${shownVersions(after)} instead of ${shownVersions(before)}`;
    } else if (before !== undefined && after !== undefined && after.weight > before.weight) {
      yield `the config raises the new version of adapter ${name} from ${before.weight} to ${after.weight} % of its requests`;
    }
  }
}

function objectivesDiffer(config: ServiceConfig, deployed: Readonly<Record<string, number>>): boolean {
  const wanted = new Map(config.objectives.map(({ name, priority }) => [name, priority]));
  const names = new Set([...wanted.keys(), ...Object.keys(deployed)]);
  return [...names].some((name) => wanted.get(name) !== deployed[name]);
}
