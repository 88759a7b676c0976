import type { ObservedCopy, Observed } from "./observed";
import type { CopyReport, Draft, PlannedPool } from "./model";
import type { OwnedPool, ServiceConfig } from "./service-config";
import { isEngine } from "../../components/engines/catalogue";
import { adaptPods, copyArgs, type Adapted } from "../../components/model-server/copied/adapt";
import { overridden } from "../../components/model-server/copied/overrides";
import { podOf } from "../../components/model-server/copied/pod";
import { engineOf } from "../../components/model-server/copied/server";
import type { PodPatch } from "../../components/model-server/pod-settings";
import { pickerIn } from "./identity";
import { liveShares, shareIn } from "./shares";

/*
 * A pool that copies the pods of one that was created outside this stack. What the copy needs is checked before
 * anything is made: that it is known which pods are meant, that they can run on the new nodes, and that everything
 * they name is where they will run. A copy that is made is kept as it was made.
 */

/**
 * A pool whose original the config no longer declares copies what it was made as a copy of; a new one, what the pools
 * between are copies of.
 */
export function withOriginal(pool: OwnedPool, { pools }: Observed): OwnedPool {
  const { templateOf } = pool;
  if (templateOf?.undeclared !== true) return pool;
  const made = [pool.name, ...templateOf.through]
    .map((name) => pools.find((one) => one.owned && one.name === name)?.identity?.["like"])
    .find((like) => like !== undefined);
  const [namespace, name] = made?.split("/") ?? [];
  if (namespace === undefined || name === undefined) return pool;
  return { ...pool, templateOf: { ...templateOf, namespace, name } };
}

/**
 * What is changed of copied pods for a pool, each over the one before.
 * @param from the pool between the two whose kept copy is copied, with what it changed; absent: the original is copied.
 */
export function overridesOf(
  { through, overrides, overridesBetween = {} }: NonNullable<OwnedPool["templateOf"]>,
  from?: string,
): PodPatch[] {
  const nearer = from === undefined ? through : through.slice(0, through.indexOf(from));
  const between = [...nearer].reverse().flatMap((name) => overridesBetween[name] ?? []);
  return [...between, ...(overrides === undefined ? [] : [overrides])];
}

/** The adapted pods of a pool, as they will be rendered; undefined where there is nothing to copy. */
export function adaptedPods(
  { service }: ServiceConfig,
  pool: OwnedPool,
  copy: ObservedCopy | undefined,
): Adapted | undefined {
  if (copy?.pods === undefined) return undefined;
  return adaptPods(copy.pods, copyArgs(service, pool, pool.placement, copy.ownNodes));
}

/**
 * A copy has the picker of the original too: what a pool that is made was made with, else what the one between has, else
 * what was read of the original. Settings of the config count before each of them.
 */
export function withPicker(pool: OwnedPool, observed: Observed): OwnedPool {
  if (pool.templateOf === undefined) return pool;
  const [made] = [pool.name, ...pool.templateOf.through].flatMap((name) => {
    const live = observed.pools.find((one) => one.owned && one.name === name);
    return live?.identity === undefined ? [] : [live.identity];
  });
  const picker = {
    ...(made === undefined ? observed.copies?.[pool.name]?.picker?.settings : pickerIn(made)),
    ...pool.picker,
  };
  return Object.keys(picker).length === 0 ? pool : { ...pool, picker };
}

/** A pool with the engine and port of the pods that it copies; one that is made keeps those it was made with. */
export function asCopied(pool: OwnedPool, observed: Observed): OwnedPool {
  if (pool.templateOf === undefined) return pool;
  const identity = observed.pools.find(({ name, owned }) => owned && name === pool.name)?.identity;
  const { server } = pool;
  if (identity !== undefined) {
    const engine = identity["server.engine"];
    const port = Number(identity["server.port"] ?? server.port);
    // An earlier version gave a copy the config's engine, and did not write it down.
    return isEngine(engine) ? { ...pool, server: { ...server, engine, port }, copied: true } : pool;
  }
  const copy = observed.copies?.[pool.name];
  if (copy?.pods === undefined) return pool;
  const template = overridden(copy.pods.template, copy.pods.overrides);
  const engine = pool.templateOf.engine ?? engineOf(podOf(template), template.metadata?.labels ?? {});
  return {
    ...pool,
    server: { ...server, engine: engine ?? server.engine, port: copy.ports?.[0] ?? server.port },
    copied: true,
  };
}

/** Pools whose copy is about to be made, or whose copied pods are gone. Whoever only loses traffic is not held up. */
export function copying(observed: Observed, draft: Draft): { planned: PlannedPool; copy: ObservedCopy }[] {
  return draft.pools.flatMap((planned) => {
    const { name } = planned.pool;
    const copy = observed.copies?.[name];
    return copy === undefined || copy.state === "made" || falls(name, observed, draft)
      ? []
      : [{ planned, copy }];
  });
}

/** Pools that copy pods of which nothing is left: neither the original, nor what a copy keeps of it. */
export function copyingNothing(observed: Observed, draft: Draft): PlannedPool[] {
  return draft.pools.filter(({ pool: { name, templateOf }, namespace }) => {
    if (templateOf === undefined || falls(name, observed, draft)) return false;
    if (observed.copies?.[name] !== undefined) return false;
    const there = (one: string, place: string): boolean =>
      observed.pools.some((live) => live.name === one && live.namespace === place);
    // Where nobody has read what there is to copy, the pool that runs has its copy.
    if (observed.copies === undefined && there(name, namespace)) return false;
    return templateOf.undeclared === true || !there(templateOf.name, templateOf.namespace);
  });
}

/** Whether a pool only loses traffic in this update. */
export function falls(name: string, observed: Observed, draft: Draft): boolean {
  const share = shareIn(draft.shares, name);
  return (
    shareIn(liveShares(observed), name) > share ||
    (name === draft.candidate?.name && draft.candidateFalls && share === 0)
  );
}

/** Undefined for a pool that copies nothing. */
export function copyReport(
  config: ServiceConfig,
  pool: OwnedPool,
  observed: Observed,
): CopyReport | undefined {
  const copy = observed.copies?.[pool.name];
  const adapted = adaptedPods(config, pool, copy);
  if (copy?.pods === undefined || adapted === undefined) return undefined;
  return {
    from: copy.pods.from ?? pool.templateOf?.name ?? "",
    taken: [
      ...adapted.taken,
      `port ${pool.server.port}`,
      `engine ${pool.server.engine}`,
      ...(copy.picker?.taken ?? []),
    ],
    left: [...adapted.left, ...(copy.picker?.left ?? [])],
    notes: [
      ...adapted.notes,
      ...(copy.unchecked ?? []).map(
        (what) => `could not check whether ${what} exists (no permission to read it)`,
      ),
    ],
  };
}
