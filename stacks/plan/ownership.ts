import type { ServiceConfig, Observed, Draft, Refusal } from "./model";
import { closedPathsName, previewRouteName } from "../../components/names";

/*
 * Whose an object is. Three sources, in this order: what the stack's own state holds, what is written on the object,
 * and for objects of versions that wrote nothing there, what the last successful update recorded. The stack's name is
 * none of them: it changes with a rename, and two stacks of two backends can have the same one.
 */

/** Output that keeps the stack's id. It goes where the state goes: through renames, exports and imports. */
export const ownerOutput = "owner";

/** Who owns an object, as it stands on it. */
export interface Owner {
  /** Random, made in the stack's first update and kept in its outputs: it survives renames and moves. */
  id: string;
  /** organisation/project/stack when the mark was written; for people only. */
  stack: string;
}

/** A live object that this program made, for whichever stack. */
export interface OwnedObject {
  /** API group; "" for the core group. */
  group: string;
  kind: string;
  /** Absent for what belongs to no namespace. */
  namespace?: string;
  name: string;
  /** The service that its labels name. */
  service?: string;
  /** The pool that its labels name. */
  pool?: string;
  /** Project and stack that made it, as versions before the mark wrote them on namespaces. */
  stackLabel?: string;
  owner?: Owner;
  /** Field managers of server-side apply that are Pulumi's. */
  managers: readonly string[];
}

/** An object in the stack's own state. */
export interface StateObject {
  /** The field manager under which its resource writes; absent where the state does not say. */
  manager?: string;
}

/** What the stack's own state holds, by object key; undefined: not known. */
export type OwnState = ReadonlyMap<string, StateObject> | undefined;

/**
 * ours: this stack's, and in its state (or the state is not known). lost: this stack's, and its state lacks it.
 * theirs: another stack's.
 */
export type Whose = "ours" | "lost" | "theirs";

export interface Claim {
  object: OwnedObject;
  whose: Whose;
}

/** The stack that runs. */
export interface Self extends Owner {
  /** Its project and name as a label value. */
  label: string;
}

export const objectKey = ({
  group,
  kind,
  namespace,
  name,
}: Pick<OwnedObject, "group" | "kind" | "namespace" | "name">): string =>
  [group, kind, namespace ?? "", name].join("/");

/** What an object may be recognised by when nothing is written on it. */
export interface Recorded {
  /** The service that the config names. */
  service?: string;
  /** Where it is; absent: its name is looked for everywhere. */
  place?: Place;
  /** Namespace by pool, as the last successful update left them; undefined: there was none. */
  pools?: Readonly<Record<string, string>>;
  /**
   * A preview before the first successful update: there may be no state yet, and the update that follows will know.
   * Default: false.
   */
  preview?: boolean;
}

/** Where a service is: another namespace can have one of the same name, which is none of this stack's business. */
export interface Place {
  /** Namespace of the route, which begins the names of what belongs to no namespace. */
  home: string;
  /** Namespaces of the route and of the pools. */
  namespaces: readonly string[];
}

function isAt({ kind, namespace, name, service, pool }: OwnedObject, { home, namespaces }: Place): boolean {
  if (namespace !== undefined) return namespaces.includes(namespace);
  if (kind === "Namespace") return namespaces.includes(name);
  return pool === undefined
    ? name.startsWith(`${home}-${service ?? ""}-`)
    : namespaces.some((place) => name.startsWith(`${place}-${pool}-`));
}

export function whoseIs(object: OwnedObject, self: Self, state: OwnState, recorded: Recorded): Whose {
  const inState = state?.has(objectKey(object)) ?? false;
  const own = inState || state === undefined ? "ours" : "lost";
  if (object.owner !== undefined) return object.owner.id === self.id ? own : "theirs";
  if (inState) return "ours";
  if (object.stackLabel !== undefined && object.stackLabel === self.label) return own;
  if (state === undefined && recorded.pools === undefined && recorded.preview === true) return "ours";
  return isRecorded(object, recorded) ? own : "theirs";
}

/** Whether the record vouches for an object without a mark: for its pool, or for what the whole service has. */
function isRecorded(object: OwnedObject, recorded: Recorded): boolean {
  const { service, pool, namespace } = object;
  if (recorded.pools === undefined || service !== recorded.service) return false;
  if (recorded.place !== undefined && !isAt(object, recorded.place)) return false;
  if (pool === undefined) return service !== undefined;
  return pool in recorded.pools && (namespace === undefined || recorded.pools[pool] === namespace);
}

/**
 * The id by which this stack owns things: the one in its outputs; else the one on what its own state holds, or (where
 * the state is not known, as after a first update that failed) on what a stack of its full name made; else a new one.
 */
export function ownId(
  name: string,
  kept: string | undefined,
  objects: readonly OwnedObject[],
  state: OwnState,
  fresh: () => string,
): string {
  if (kept !== undefined) return kept;
  const found = objects.filter(
    (object) => object.owner?.stack === name && (state === undefined || state.has(objectKey(object))),
  );
  return found[0]?.owner?.id ?? fresh();
}

/** What another stack has and this update would write, or would have to share. */
export function inTheWay(config: ServiceConfig, claims: readonly Claim[], draft: Draft): OwnedObject[] {
  const pools = new Map(draft.pools.map(({ pool, namespace }) => [pool.name, namespace]));
  const place = { home: config.namespace, namespaces: [config.namespace, ...pools.values()] };
  return claims
    .filter(({ whose }) => whose === "theirs")
    .map(({ object }) => object)
    .filter(
      (object) =>
        (object.service === config.service && isAt(object, place)) ||
        (object.pool !== undefined &&
          object.namespace !== undefined &&
          pools.get(object.pool) === object.namespace) ||
        // Another service's route, which this one's config names.
        (object.kind === "HTTPRoute" &&
          object.namespace === config.namespace &&
          object.name === config.route),
    );
}

/** Another stack has what this one would write: named, before anything is made. */
export function anotherStacks(config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  const objects = inTheWay(config, observed.claims ?? [], draft);
  return [...grouped(objects, ({ owner }) => owner?.stack ?? "")].map(([stack, theirs]) =>
    belongsToAnother(stack, theirs),
  );
}

/** @param stack "" where nothing on the objects says whose they are. */
export function belongsToAnother(stack: string, objects: readonly OwnedObject[]): Refusal {
  const owner =
    stack === "" ? "a stack that wrote no name on them" : `stack ${stack} (${objects[0]?.owner?.id ?? ""})`;
  const leave =
    stack === ""
      ? "make the stack that made them do the update"
      : `make that stack do the update (pulumi up --stack ${stack})`;
  const forget = stack === "" ? "" : `; then make ${stack} forget them: pulumi stack rm ${stack} --force`;
  return {
    rule: "another-stacks",
    found: `this update would write what belongs to ${owner}: ${listed(objects)}`,
    fix: `${leave}; or give this stack's service and pools other names; or take them over on purpose: pulumi config set --path 'allow[0]' take-over-service && pulumi up${forget}`,
    waiver: "take-over-service",
  };
}

/** The objects that matter first, by name; the rest counted. */
function listed(objects: readonly OwnedObject[]): string {
  const rank = ({ kind }: OwnedObject): number => {
    const at = ["HTTPRoute", "InferencePool", "Namespace", "Gateway"].indexOf(kind);
    return at < 0 ? 9 : at;
  };
  const sorted = [...objects].sort((a, b) => rank(a) - rank(b) || objectKey(a).localeCompare(objectKey(b)));
  const named = sorted
    .slice(0, 5)
    .map(({ kind, namespace, name }) => `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`);
  const more = sorted.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** This stack's objects that its state lost and that no resource of this update is: nothing removes them. */
export function leftBehind(config: ServiceConfig, claims: readonly Claim[], draft: Draft): OwnedObject[] {
  const planned = new Set(draft.pools.map(({ pool, namespace }) => `${namespace}/${pool.name}`));
  return claims
    .filter(({ whose, object }) => whose === "lost" && object.service === config.service)
    .map(({ object }) => object)
    .filter(({ pool, namespace, kind, name }) => {
      if (pool !== undefined)
        return namespace === undefined
          ? !draft.pools.some((one) => one.pool.name === pool)
          : !planned.has(`${namespace}/${pool}`);
      if (kind !== "HTTPRoute") return false;
      if (name === previewRouteName(config.service)) return draft.candidate === undefined;
      return name === closedPathsName(config.service) && !draft.pools.some((one) => one.pool.adapters);
    });
}

/** What the stack's state had lost, for people. */
export function ownershipNotes(config: ServiceConfig, observed: Observed, draft: Draft): string[] {
  const claims = observed.claims ?? [];
  const left = leftBehind(config, claims, draft);
  const adopted = claims
    .filter(({ whose }) => whose === "lost")
    .map(({ object }) => object)
    .filter((object) => !left.includes(object));
  return [
    ...(adopted.length === 0
      ? []
      : [`Pulumi's state had lost what this stack made, and gets it back: ${listed(adopted)}`]),
    ...[...grouped(left, ({ namespace }) => namespace ?? "")].map(
      ([namespace, objects]) =>
        `Pulumi's state has lost ${listed(objects)}, and this config does not have them: nothing removes them until you do: ${removal(namespace, objects)}`,
    ),
  ];
}

function removal(namespace: string, objects: readonly OwnedObject[]): string {
  const names = objects.map(
    ({ group, kind, name }) => `${kind.toLowerCase()}${group === "" ? "" : `.${group}`}/${name}`,
  );
  return `kubectl delete ${namespace === "" ? "" : `-n ${namespace} `}${names.join(" ")}`;
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}
