import { createHash } from "node:crypto";
import { annotations, domain, labels, managedBy } from "../../components/names";
import {
  backendOf,
  isPoolRef,
  markedRules,
  type KeptRoute,
  type LiveBackendRef,
  type LiveRule,
} from "../plan/kept-route";
import type { Backend } from "../plan/routes";
import type { LiveObject } from "./cluster-reader";
import { isOfObject } from "./taken-over";

/*
 * A live route that keeps the shape its owner gave it: what of it is this service's, and what a write has to repeat.
 */

/** Names of this service's pools, with the namespaces where each can be; none: wherever it is. */
export type PoolPlaces = Readonly<Record<string, readonly string[]>>;

/** Whether a backend is one of a service's pools. @param written names that the program itself wrote on the route. */
export const ourBackends =
  (places: PoolPlaces, written: readonly string[]) =>
  ({ pool, namespace }: Backend): boolean => {
    const known = Object.hasOwn(places, pool) ? places[pool] : undefined;
    if (known !== undefined && known.length > 0) return known.includes(namespace);
    return known !== undefined || written.includes(pool);
  };

type Fields = Readonly<Record<string, unknown>>;

export function keptShape(route: LiveObject, isOurs: (backend: Backend) => boolean): KeptRoute {
  const { metadata } = route;
  const { namespace = "default", annotations: notes = {}, labels: marks = {} } = metadata;
  const { rules = [], ...spec } = (route["spec"] ?? {}) as { rules?: LiveRule[] } & Record<string, unknown>;
  const marked = markedRules(rules, namespace, isOurs);
  const found = parseFound(notes[annotations.found]);
  const before = notes[annotations.shape];
  const from = notes[annotations.writtenFrom];
  const manager = marks[labels.managedBy];
  return {
    namespace,
    generation: metadata.generation ?? 0,
    labels: repeated(metadata, "labels", (key, value) =>
      key === labels.managedBy ? value !== managedBy : !key.startsWith(`${domain}/`),
    ),
    annotations: repeated(
      metadata,
      "annotations",
      (key) => !key.startsWith(`${domain}/`) && !key.startsWith("pulumi.com/"),
    ),
    managedByAnother: manager !== undefined && manager !== managedBy,
    spec: Object.fromEntries(
      Object.entries(spec).filter(([field]) => !isOnlyAppliedByOthers(metadata, "f:spec", `f:${field}`)),
    ),
    attachment: {
      parentRefs: spec["parentRefs"],
      ...(spec["hostnames"] === undefined ? {} : { hostnames: spec["hostnames"] }),
    },
    rules: marked,
    digest: digestOf({ ...spec, rules: marked.map(({ rule, ours }) => withoutOurs(rule, ours)) }),
    ...(before === undefined ? {} : { digestBefore: before }),
    ...(from === undefined ? {} : { writtenFrom: from }),
    ...(found === undefined ? {} : { found }),
  };
}

/** A rule with one mark in place of the backends that this program writes. */
function withoutOurs(rule: LiveRule, ours: readonly number[]): Fields {
  if (ours.length === 0) return rule;
  return {
    ...rule,
    backendRefs: (rule.backendRefs ?? []).flatMap((ref, i): unknown[] =>
      i === ours[0] ? ["pools"] : ours.includes(i) ? [] : [ref],
    ),
  };
}

const digestOf = (value: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex")
    .slice(0, 16);

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function repeated(
  metadata: LiveObject["metadata"],
  field: "labels" | "annotations",
  isTheirs: (key: string, value: string) => boolean,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata[field] ?? {}).filter(
      ([key, value]) =>
        isTheirs(key, value) && !isOnlyAppliedByOthers(metadata, "f:metadata", `f:${field}`, `f:${key}`),
    ),
  );
}

/**
 * Whether only others own a field, all of them by server-side apply: then it stays without us, and to repeat it would
 * make the next change of its owner a conflict. What kubectl wrote is not left to it: Pulumi's Kubernetes provider
 * takes over everything of managers whose names begin with kubectl, and removes what the program does not repeat.
 */
function isOnlyAppliedByOthers({ managedFields = [] }: LiveObject["metadata"], ...path: string[]): boolean {
  const owners = managedFields.filter(isOfObject).filter(({ fieldsV1 }) => {
    let inner: unknown = fieldsV1;
    for (const key of path) {
      if (typeof inner !== "object" || inner === null || !(key in inner)) return false;
      inner = (inner as Record<string, unknown>)[key];
    }
    return true;
  });
  return (
    owners.length > 0 &&
    owners.every(
      ({ manager = "", operation }) =>
        operation === "Apply" && !/^(kubectl|pulumi|gke-inference-rollout)/.test(manager),
    )
  );
}

/** Pools that filters of a route send copies of requests to. */
export function mirrorsOf(route: LiveObject): Backend[] {
  const own = route.metadata.namespace ?? "default";
  interface Filter {
    requestMirror?: { backendRef?: LiveBackendRef };
  }
  interface Filtered {
    filters?: Filter[];
  }
  const { rules = [] } = (route["spec"] ?? {}) as { rules?: (Filtered & { backendRefs?: Filtered[] })[] };
  return rules
    .flatMap(({ filters = [], backendRefs = [] }) => [
      ...filters,
      ...backendRefs.flatMap((ref) => ref.filters ?? []),
    ])
    .flatMap(({ requestMirror }) =>
      requestMirror?.backendRef === undefined || !isPoolRef(requestMirror.backendRef)
        ? []
        : [backendOf(requestMirror.backendRef, own)],
    );
}

/** What cannot be read was written by somebody else: then the route's present weights are all that is known. */
function parseFound(text: string | undefined): KeptRoute["found"] {
  try {
    const parsed: unknown = JSON.parse(text ?? "null");
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    const lists = Object.values(parsed as Record<string, unknown>);
    const isRef = (ref: unknown): boolean =>
      typeof ref === "object" && ref !== null && typeof (ref as { name?: unknown }).name === "string";
    return lists.every((list) => Array.isArray(list) && list.every(isRef))
      ? (parsed as Record<string, LiveBackendRef[]>)
      : undefined;
  } catch {
    return undefined;
  }
}
