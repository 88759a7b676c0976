import type { FreezeWindow, ServiceConfig } from "./service-config";
import type { AdapterRecord, Observed } from "./observed";
import type { Draft } from "./model";
import { recordOfAdapter, shownVersions } from "./adapter-versions";
import { identityChanges } from "./identity";
import { liveShares, rounding, shareIn } from "./shares";

/*
 * A freeze is a time in which customers are not to notice anything: Black Friday, an incident, a Friday evening.
 * Going back stays allowed, and so does growing: neither takes anything away from a customer. Nothing shrinks; what
 * else would touch what customers are connected to, or begin something that does, is refused.
 */

/** The window that holds now. An unknown time is inside every window: a freeze is not to fail open. */
export function windowNow(windows: readonly FreezeWindow[], now: Date | undefined): FreezeWindow | undefined {
  return windows.find(({ from, to }) => {
    if (now === undefined) return true;
    const begun = from === undefined || Date.parse(from) <= now.getTime();
    return begun && (to === undefined || now.getTime() < Date.parse(to));
  });
}

/** What an update would do beyond going back. */
export function* frozenChanges(config: ServiceConfig, observed: Observed, draft: Draft): Generator<string> {
  const { record, route } = observed;
  const { candidate, stable } = draft;
  const now = route === undefined ? record?.weights : liveShares(observed);
  if (candidate !== undefined) {
    const before = shareIn(now, candidate.name);
    if (config.weight > before + rounding) {
      yield `the config raises ${candidate.name} from ${Math.round(before)} to ${config.weight} % of the traffic`;
    } else if (before === 0 && record?.candidate !== candidate.name) {
      yield `the config sets ${candidate.name} as a new candidate`;
    }
  }
  if (record !== undefined && record.stable !== stable.name) {
    yield `the config makes ${stable.name} the stable pool instead of ${record.stable}`;
  }
  // What an earlier update began to remove serves nobody any more and only costs money.
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
  if (route?.foreign === true) yield "a route created outside this stack would be taken over";
  if (config.allow.includes("release")) yield "the config releases what this stack took over";
  if (config.allow.includes("destroy")) yield "the config allows the service to be destroyed";
}

/** A lower weight of a version is going back; everything else about adapters is not. */
function* adapterChanges(
  config: ServiceConfig,
  deployed: Readonly<Record<string, AdapterRecord>>,
): Generator<string> {
  const configured = new Map(config.adapters.map((adapter) => [adapter.name, recordOfAdapter(adapter)]));
  for (const name of new Set([...Object.keys(deployed), ...configured.keys()])) {
    const [before, after] = [deployed[name], configured.get(name)];
    if (shownVersions(before) !== shownVersions(after)) {
      yield `adapter ${name} would be ${shownVersions(after)} instead of ${shownVersions(before)}`;
    } else if (before !== undefined && after !== undefined && after.weight > before.weight) {
      yield `the config raises the new version of adapter ${name} from ${before.weight} to ${after.weight} % of its requests`;
    }
  }
}

function objectivesDiffer(config: ServiceConfig, deployed: Readonly<Record<string, number>>): boolean {
  const configured = new Map(config.objectives.map(({ name, priority }) => [name, priority]));
  const names = new Set([...configured.keys(), ...Object.keys(deployed)]);
  return [...names].some((name) => configured.get(name) !== deployed[name]);
}
