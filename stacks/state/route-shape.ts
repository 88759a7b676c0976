import type { Backend } from "../plan/model";
import type { ObservedRoute } from "../plan/observed";
import { apis, annotations, labels, managedBy } from "../../components/names";
import { parseLatches } from "../plan/latch";
import type { LiveObject } from "./cluster-reader";
import { originalText, wasTakenOver } from "./taken-over";

/*
 * What a live HTTPRoute says besides its weights: whose it is, and in what it differs from the one route that this
 * program writes (one rule that matches everything, with backendRefs and nothing else).
 */

/** Where the program attaches its route. */
export interface Attachment {
  name: string;
  namespace: string;
  hostname?: string;
}

export interface LiveRule {
  matches?: LiveMatch[];
  backendRefs?: Record<string, unknown>[];
  [field: string]: unknown;
}

interface LiveMatch {
  path?: { type?: string; value?: string };
  [field: string]: unknown;
}

interface LiveParent {
  name: string;
  namespace?: string;
  sectionName?: string;
  port?: number;
}

/** @param wanted where the route will be attached; absent: not compared. */
export function routeShape(route: LiveObject, wanted?: Attachment): Omit<ObservedRoute, "backends"> {
  const notes = route.metadata.annotations ?? {};
  const written = parseNumbers(notes[annotations.weights]);
  const carried = parseNumbers(notes[annotations.carried]);
  const foreign = route.metadata.labels?.[labels.managedBy] !== managedBy && written === undefined;
  const moves = Number(notes[annotations.moves]);
  const latches = parseLatches(notes[annotations.latched]);
  const rules = (route["spec"] as { rules?: LiveRule[] }).rules ?? [];
  const coOwners = ownersOfRules(route);
  const original = notes[annotations.takenOver] ?? (foreign ? originalText(route) : undefined);
  return {
    ...(foreign ? { foreign } : {}),
    ...(!foreign && wasTakenOver(route) ? { takenOver: true } : {}),
    ...(original === undefined ? {} : { original }),
    ...(written === undefined ? {} : { written }),
    ...(Number.isInteger(moves) ? { moves } : {}),
    ...(latches.length === 0 ? {} : { latches }),
    ...(carried === undefined ? {} : { carried }),
    differences: {
      rules: ruleDifferences(rules),
      attachment: wanted === undefined ? [] : attachmentDifferences(route, wanted),
    },
    ...(coOwners.length === 0 ? {} : { coOwners }),
  };
}

/** Fields of rules that this program does not write. */
export function ruleDifferences(rules: readonly LiveRule[]): string[] {
  return [
    ...(rules.length === 1 ? [] : [`${rules.length} rules instead of 1`]),
    ...rules.flatMap((rule, i) => [
      ...Object.keys(rule)
        .filter((field) => field !== "matches" && field !== "backendRefs")
        .map((field) => `rules[${i}].${field}`),
      ...(matchesAll(rule.matches ?? []) ? [] : [`rules[${i}].matches`]),
      ...(rule.backendRefs ?? []).flatMap((ref, j) =>
        "filters" in ref ? [`rules[${i}].backendRefs[${j}].filters`] : [],
      ),
    ]),
  ];
}

/** No match, or the one that the API server fills in. */
function matchesAll(matches: readonly LiveMatch[]): boolean {
  return matches.every(
    ({ path, ...rest }) =>
      Object.keys(rest).length === 0 &&
      (path?.type ?? "PathPrefix") === "PathPrefix" &&
      (path?.value ?? "/") === "/",
  );
}

function attachmentDifferences(route: LiveObject, wanted: Attachment): string[] {
  const spec = route["spec"] as { parentRefs?: LiveParent[]; hostnames?: string[] };
  const own = route.metadata.namespace ?? "default";
  const parents = (spec.parentRefs ?? []).map(
    ({ name, namespace, sectionName, port }) =>
      `${namespace ?? own}/${name}${sectionName === undefined ? "" : `/${sectionName}`}${port === undefined ? "" : `:${port}`}`,
  );
  const parent = `${wanted.namespace}/${wanted.name}`;
  const hostnames = wanted.hostname === undefined ? [] : [wanted.hostname];
  const live = spec.hostnames ?? [];
  return [
    ...(parents.length === 1 && parents[0] === parent
      ? []
      : [`the gateway from ${parents.join(", ") || "none"} to ${parent}`]),
    ...([...live].sort().join() === hostnames.join()
      ? []
      : [`the hostnames from ${live.join(", ") || "any"} to ${hostnames.join(", ") || "any"}`]),
  ];
}

/** Field managers besides Pulumi's that own the rules (server-side apply: the list is owned as a whole). */
function ownersOfRules({ metadata }: LiveObject): string[] {
  const owners = (metadata.managedFields ?? [])
    .filter(({ subresource, fieldsV1 }) => {
      const spec = fieldsV1?.["f:spec"] as Record<string, unknown> | undefined;
      return (subresource ?? "") === "" && spec !== undefined && "f:rules" in spec;
    })
    .map(({ manager }) => manager ?? "")
    .filter((manager) => !manager.startsWith("pulumi"));
  return [...new Set(owners)];
}

/** An annotation that holds numbers by pool; undefined where there is none, or somebody edited it. */
function parseNumbers(text: string | undefined): Record<string, number> | undefined {
  try {
    const parsed = JSON.parse(text ?? "null") as unknown;
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    const entries = Object.entries(parsed as Record<string, unknown>);
    return entries.every(([, share]) => typeof share === "number")
      ? (parsed as Record<string, number>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a backend's name is that of an InferencePool: those of other kinds have their kind before it. */
export const isPoolName = (pool: string): boolean => !pool.includes("/");

/** Whether a backendRef is an InferencePool; absent fields mean a Service of the core group (Gateway API). */
export function isPoolRef({ group, kind }: { group?: string; kind?: string }): boolean {
  return group === apis.pool && kind === "InferencePool";
}

export interface LiveBackendRef {
  group?: string;
  kind?: string;
  name: string;
  namespace?: string;
  weight?: number;
}

/** A weight that is absent is 1 (Gateway API). */
export function backendOf(ref: LiveBackendRef, own: string): Backend {
  const { name, namespace, weight } = ref;
  const pool = isPoolRef(ref) ? name : `${ref.kind ?? "Service"}/${name}`;
  return { pool, namespace: namespace ?? own, weight: weight ?? 1 };
}
