import { annotations, managedBy } from "../../components/names";
import { sameShares, sharesOf } from "../../stacks/plan/shares";
import type { LiveObject, ManagedFields } from "../../stacks/state/cluster-reader";
import { backendOf, type LiveBackendRef } from "../../stacks/plan/kept-route";
import { isMark, isOfObject, parseOriginal, type OriginalRoute } from "../../stacks/state/taken-over";
import { isDeepStrictEqual } from "node:util";

/*
 * What a live object looks like once this program has let go of it. Pure: the object in, the patches out. What its
 * owners changed meanwhile stays; what this program wrote goes, and what it replaced comes back.
 */

/** The field manager of the patches themselves; nothing of it stays. */
export const handBackManager = managedBy;

export interface HandBack {
  /** Merge patches, in this order: after the first one an interrupted command goes on where it stopped. */
  patches: readonly object[];
  /** What changes, in words. */
  changes: readonly string[];
}

/** A pool that goes with the stack: no route may name it afterwards. */
export type IsLeaving = (pool: { name: string; namespace: string }) => boolean;

/** @returns undefined where nothing of this program is on the object. */
export function handBack(object: LiveObject, isLeaving: IsLeaving = () => false): HandBack | undefined {
  const { metadata } = object;
  const original = parseOriginal(metadata.annotations?.[annotations.takenOver]);
  const labelChanges = changesOf(metadata.labels, original?.labels);
  const allNotes = changesOf(metadata.annotations, original?.annotations);
  if (isEmpty(labelChanges) && isEmpty(allNotes)) return undefined;
  // These two go last: by them, who was interrupted knows the object again, and what it was.
  const last = pick(allNotes, (key) => lastMarks.includes(key));
  const noteChanges = pick(allNotes, (key) => !lastMarks.includes(key));
  const rules = restoredRules(object, original, isLeaving);
  const managers = restoredManagers(metadata.managedFields ?? [], original);
  const contents = {
    ...(isEmpty(labelChanges) && isEmpty(noteChanges)
      ? {}
      : { metadata: { labels: labelChanges, annotations: noteChanges } }),
    ...(rules === undefined ? {} : { spec: { rules } }),
  };
  const ending = {
    metadata: {
      annotations: last,
      // An entry without fields is how the API server is told that nobody owns any.
      managedFields: managers.length === 0 ? [{}] : managers,
    },
  };
  return {
    patches: [...(isEmpty(contents) ? [] : [contents]), ending],
    changes: [
      ...described("label", labelChanges),
      ...described("annotation", allNotes),
      ...(rules === undefined ? [] : ["backendRefs as they were, with the live weights"]),
      "field owners as they were",
    ],
  };
}

const lastMarks: readonly string[] = [annotations.takenOver, annotations.owner];

type Changes = Readonly<Record<string, string | null>>;

/** Marks go (null), what they replaced comes back, and everything else stays as its owners have it. */
function changesOf(
  live: Readonly<Record<string, string>> = {},
  before: Readonly<Record<string, string>> = {},
): Changes {
  const marks = Object.entries(live).filter(([key, value]) => isMark(key, value) && before[key] !== value);
  const lost = Object.entries(before).filter(([key]) => {
    const value = live[key];
    return value === undefined || (isMark(key, value) && value !== before[key]);
  });
  return { ...Object.fromEntries(marks.map(([key]) => [key, null])), ...Object.fromEntries(lost) };
}

const pick = (changes: Changes, isMeant: (key: string) => boolean): Changes =>
  Object.fromEntries(Object.entries(changes).filter(([key]) => isMeant(key)));

const described = (what: string, changes: Changes): string[] =>
  Object.entries(changes).map(([key, value]) => `${what} ${key} ${value === null ? "removed" : "restored"}`);

interface LiveRule {
  backendRefs?: LiveBackendRef[];
  [field: string]: unknown;
}

const rulesOf = (spec: unknown): LiveRule[] => (spec as { rules?: LiveRule[] } | undefined)?.rules ?? [];

/** @returns undefined where the rules stay as they are. */
function restoredRules(
  route: LiveObject,
  original: OriginalRoute | undefined,
  isLeaving: IsLeaving,
): LiveRule[] | undefined {
  if (route.kind !== undefined && route.kind !== "HTTPRoute") return undefined;
  const live = rulesOf(route["spec"]);
  const before = rulesOf(original?.spec);
  const own = route.metadata.namespace ?? "default";
  const restored = live.map((rule, i) =>
    rule.backendRefs === undefined
      ? rule
      : {
          ...rule,
          backendRefs: restoredRefs(rule.backendRefs, before[i]?.backendRefs ?? [], own, isLeaving),
        },
  );
  return isDeepStrictEqual(restored, live) ? undefined : restored;
}

/**
 * The live weights in the form that they had: where the shares are those of before, the numbers are too; a backend of
 * weight 0 that this program left out is there again.
 */
function restoredRefs(
  live: readonly LiveBackendRef[],
  before: readonly LiveBackendRef[],
  own: string,
  isLeaving: IsLeaving,
): LiveBackendRef[] {
  const staying = live.filter((ref) => {
    const { pool, namespace, weight } = backendOf(ref, own);
    return weight > 0 || !isLeaving({ name: pool, namespace });
  });
  const same = sameShares(sharesIn(staying, own), sharesIn(before, own));
  const known = before.flatMap((ref) => {
    const now = staying.find((one) => isSame(one, ref, own));
    if (now !== undefined) return [same ? withWeightOf(ref, now) : now];
    return (ref.weight ?? 1) === 0 ? [ref] : [];
  });
  return [...known, ...staying.filter((ref) => !before.some((one) => isSame(one, ref, own)))];
}

function withWeightOf({ weight }: LiveBackendRef, now: LiveBackendRef): LiveBackendRef {
  const ref = { ...now };
  if (weight === undefined) Reflect.deleteProperty(ref, "weight");
  return weight === undefined ? ref : { ...ref, weight };
}

const sharesIn = (refs: readonly LiveBackendRef[], own: string): Readonly<Record<string, number>> =>
  sharesOf(
    refs.map((ref) => {
      const { pool, namespace, weight } = backendOf(ref, own);
      return { pool: `${namespace}/${pool}`, namespace, weight };
    }),
  );

function isSame(a: LiveBackendRef, b: LiveBackendRef, own: string): boolean {
  const [one, other] = [backendOf(a, own), backendOf(b, own)];
  return one.pool === other.pool && one.namespace === other.namespace;
}

/**
 * Who owns which fields: those of before, and who came since. This program's own managers go, so that nobody has to
 * force what they write next.
 */
function restoredManagers(
  live: readonly ManagedFields[],
  original: OriginalRoute | undefined,
): ManagedFields[] {
  const before = original?.managers ?? [];
  const isOurs = ({ manager = "", operation }: ManagedFields): boolean =>
    (manager.startsWith("pulumi") || manager === handBackManager) &&
    !before.some((one) => one.manager === manager && one.operation === operation);
  const others = live.filter((entry) => isOfObject(entry) && !isOurs(entry));
  const status = live.filter((entry) => !isOfObject(entry));
  const kept = before.map((entry) => {
    const now = others.find((one) => isSameManager(one, entry));
    return now === undefined ? entry : { ...entry, fieldsV1: union(entry.fieldsV1, now.fieldsV1) };
  });
  const since = others.filter((entry) => !before.some((one) => isSameManager(one, entry)));
  return [...kept, ...since, ...status];
}

const isSameManager = (a: ManagedFields, b: ManagedFields): boolean =>
  a.manager === b.manager && a.operation === b.operation && a.apiVersion === b.apiVersion;

/** Sets of fields, as the API server writes them: objects in objects. */
function union(a: unknown, b: unknown): Record<string, unknown> {
  const [one, other] = [a ?? {}, b ?? {}] as [Record<string, unknown>, Record<string, unknown>];
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(names.map((name) => [name, union(one[name], other[name])]));
}

const isEmpty = (object: object): boolean => Object.keys(object).length === 0;
