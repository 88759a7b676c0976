import { apis } from "../../components/names";
import type { KeptRoute, KeptRule, LiveBackendRef, LiveMatch, LiveRule, WrittenShape } from "./kept-shapes";
import type { Backend } from "./routes";
import { sameShares, shareText, sharesOf, type Shares } from "./shares";

/*
 * A customers' route that was created outside this stack keeps its shape: rules, matches, filters, timeouts, hostnames,
 * parents, labels and annotations stay as its owner has them, also as they are edited later. This program writes only
 * the weights of the backendRefs that name its own pools, in every rule that has some. `rules` is one value to the API
 * server, so every write repeats the rules as they were read in the same update.
 */

export type * from "./kept-shapes";

/** How one rule splits its requests. */
export interface RuleSplit {
  /** Its place in the route. */
  at: number;
  /** What this service's pools have together, in the rule's own numbers. */
  total: number;
  /** Percent of that by pool. */
  shares: Shares;
  /** Backends of others in the same rule. */
  others: readonly Backend[];
}

/** Whether a backendRef is an InferencePool; absent fields mean a Service of the core group (Gateway API). */
export function isPoolRef({ group, kind }: { group?: string; kind?: string }): boolean {
  return group === apis.pool && kind === "InferencePool";
}

/** A weight that is absent is 1 (Gateway API). */
export function backendOf(ref: LiveBackendRef, own: string): Backend {
  const { name, namespace, weight } = ref;
  const pool = isPoolRef(ref) ? name : `${ref.kind ?? "Service"}/${name}`;
  return { pool, namespace: namespace ?? own, weight: weight ?? 1 };
}

/** Rules with the places of this service's pools in them. */
export function markedRules(
  rules: readonly LiveRule[],
  own: string,
  isOurs: (backend: Backend) => boolean,
): KeptRule[] {
  return rules.map((rule) => ({
    rule,
    ours: (rule.backendRefs ?? []).flatMap((ref, i) =>
      isPoolRef(ref) && isOurs(backendOf(ref, own)) ? [i] : [],
    ),
  }));
}

/** The rules that name this service's pools. */
export function splitsOf({ rules, namespace }: Pick<KeptRoute, "rules" | "namespace">): RuleSplit[] {
  return rules.flatMap(({ rule, ours }, at) => {
    if (ours.length === 0) return [];
    const backends = (rule.backendRefs ?? []).map((ref) => backendOf(ref, namespace));
    const own = backends.filter((_, i) => ours.includes(i));
    const total = own.reduce((sum, { weight }) => sum + weight, 0);
    return [{ at, total, shares: sharesOf(own), others: backends.filter((_, i) => !ours.includes(i)) }];
  });
}

/**
 * What the pools have of the requests that reach them by this route, each rule counted alike: nobody knows how many
 * requests a rule gets.
 */
export function keptBackends(kept: Pick<KeptRoute, "rules" | "namespace">): Backend[] {
  const totals = new Map(splitsOf(kept).map(({ at, total }) => [at, total]));
  return kept.rules.flatMap(({ rule, ours }, at) => {
    const total = totals.get(at) ?? 0;
    return (rule.backendRefs ?? [])
      .filter((_, i) => ours.includes(i) && total > 0)
      .map((ref) => backendOf(ref, kept.namespace))
      .map((backend) => ({ ...backend, weight: (100 * backend.weight) / total }));
  });
}

/** Each rule's split, in words, where they are not one and the same; empty: they are. */
export function unevenSplits(kept: Pick<KeptRoute, "rules" | "namespace">): string[] {
  const splits = splitsOf(kept).filter(({ total }) => total > 0);
  const [first, ...rest] = splits;
  if (first === undefined || rest.every(({ shares }) => sameShares(shares, first.shares))) return [];
  return splits.map(({ at, shares }) => `rules[${at}] ${shareText(shares)}`);
}

/** A rule whose weights cannot say a split exactly: those of others in it stay as they are. */
export interface CoarseRule {
  at: number;
  /** What all weights of the rule have to be multiplied by. */
  factor: number;
}

/** @param backends the plan's, in percent: together 100. */
export function rulesWith(
  kept: Pick<KeptRoute, "rules" | "namespace" | "found">,
  backends: readonly Backend[],
): { rules: LiveRule[]; coarse: readonly CoarseRule[] } {
  const coarse: CoarseRule[] = [];
  const splits = new Map(splitsOf(kept).map((split) => [split.at, split]));
  const rules = kept.rules.map(({ rule, ours }, at) => {
    const split = splits.get(at);
    const refs = rule.backendRefs ?? [];
    const own = refs.filter((_, i) => ours.includes(i));
    const [first] = own;
    if (split === undefined || first === undefined || says(own, split, backends, kept.namespace)) return rule;
    const found = kept.found?.[String(at)] ?? [];
    const total = totalFor(split, found, backends);
    if (total === undefined) coarse.push({ at, factor: factorFor(split.total) });
    const given =
      split.total === 0
        ? serving(backends).map((backend) => ({ ...backend, weight: 0 }))
        : backends.map((backend) => ({
            ...backend,
            weight: Math.round(((total ?? split.total) * backend.weight) / 100),
          }));
    const written = given.map((backend) => refFor(backend, own, found, kept.namespace));
    const place = ours[0] ?? 0;
    return {
      ...rule,
      backendRefs: refs.flatMap((ref, i) => (i === place ? written : ours.includes(i) ? [] : [ref])),
    };
  });
  return { rules, coarse };
}

/** Whether a rule splits as the plan does, in whatever numbers, and names nobody who gets nothing. */
const says = (
  own: readonly LiveBackendRef[],
  { total, shares }: RuleSplit,
  backends: readonly Backend[],
  home: string,
): boolean =>
  total > 0 &&
  own.length === backends.length &&
  backends.every(({ pool, namespace }) => own.some((ref) => names(ref, pool, namespace, home))) &&
  sameShares(shares, sharesOf(backends));

const names = (ref: LiveBackendRef, pool: string, namespace: string, home: string): boolean =>
  ref.name === pool && (ref.namespace ?? home) === namespace;

/** A rule in which the pools have no weight keeps one name of a pool that stays. */
function serving(backends: readonly Backend[]): Backend[] {
  return [...backends].sort((a, b) => b.weight - a.weight).slice(0, 1);
}

/**
 * What the pools get together in a rule: beside others exactly what they have; alone the numbers that the owner had,
 * where they can express the split, so that a rollback restores what was found.
 */
function totalFor(
  { total, others }: RuleSplit,
  found: readonly LiveBackendRef[],
  backends: readonly Backend[],
): number | undefined {
  const isExact = (whole: number): boolean =>
    backends.every(({ weight }) => Number.isInteger(Number(((whole * weight) / 100).toFixed(9))));
  if (others.length > 0) return isExact(total) ? total : undefined;
  const before = found.reduce((sum, { weight }) => sum + (weight ?? 1), 0);
  return [before, 100].find((whole) => whole > 0 && isExact(whole)) ?? 100;
}

/** The least number by which a total becomes one of whole percents. */
export function factorFor(total: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  return 100 / divisor(100, total);
}

/** One of our backendRefs: as it is, else as it was found, else like the one that it stands beside or replaces. */
function refFor(
  { pool, namespace, weight }: Backend,
  own: readonly LiveBackendRef[],
  found: readonly LiveBackendRef[],
  home: string,
): LiveBackendRef {
  const named = (refs: readonly LiveBackendRef[]): LiveBackendRef | undefined =>
    refs.find((ref) => names(ref, pool, namespace, home));
  const live = named(own);
  if (live !== undefined) return { ...live, weight };
  const [donor] = own;
  const before = named(found);
  if (before !== undefined && donor !== undefined && extras(before) === extras(donor)) {
    return { ...before, weight };
  }
  const copy: LiveBackendRef = { ...donor, name: pool, namespace, weight };
  if (namespace === home) Reflect.deleteProperty(copy, "namespace");
  return copy;
}

/** What a backendRef has beside whom it names and its weight. */
function extras(ref: LiveBackendRef): string {
  const own = new Set(["name", "namespace", "weight"]);
  return JSON.stringify(
    Object.entries(ref)
      .filter(([field]) => !own.has(field))
      .sort(([a], [b]) => a.localeCompare(b)),
  );
}

/** Matches of the rules that name this service's pools. */
export const matchesOf = ({ rules }: Pick<KeptRoute, "rules">): LiveMatch[] =>
  rules.filter(({ ours }) => ours.length > 0).flatMap(({ rule }) => rule.matches ?? []);

/** The route as an update writes it. */
export function writtenShape(kept: KeptRoute, backends: readonly Backend[]): WrittenShape {
  const { labels, annotations, managedByAnother, attachment, digest } = kept;
  const { rules } = rulesWith(kept, backends);
  const isSame = JSON.stringify(rules) === JSON.stringify(kept.rules.map(({ rule }) => rule));
  return {
    labels,
    annotations,
    managedByAnother,
    attachment,
    matches: matchesOf(kept),
    digest,
    spec: { ...kept.spec, rules },
    // Only a write that changes the spec says anew what it was made from: so an update without a change has none.
    writtenFrom: isSame ? (kept.writtenFrom ?? String(kept.generation)) : String(kept.generation),
    found: kept.found ?? foundIn(kept.rules),
  };
}

const foundIn = (rules: readonly KeptRule[]): Record<string, LiveBackendRef[]> =>
  Object.fromEntries(
    rules.flatMap(({ rule, ours }, at) =>
      ours.length === 0 ? [] : [[String(at), (rule.backendRefs ?? []).filter((_, i) => ours.includes(i))]],
    ),
  );
