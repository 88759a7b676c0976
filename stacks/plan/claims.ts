import { annotations } from "../../components/names";

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
  /** organisation/project/stack when the mark was written: for people, and for a rollback before the CLI has answered. */
  stack: string;
}

/** What cannot be read is nobody's mark: the object is then judged as one without. */
export function parseOwner(text: string | undefined): Owner | undefined {
  try {
    const { id, stack } = JSON.parse(text ?? "{}") as Partial<Owner>;
    return typeof id === "string" && typeof stack === "string" ? { id, stack } : undefined;
  } catch {
    return undefined;
  }
}

/** The mark on a live object. */
export const ownerOn = (metadata: { annotations?: Readonly<Record<string, string>> }): Owner | undefined =>
  parseOwner(metadata.annotations?.[annotations.owner]);

/** Whether people mean this owner's stack. @param name STACK, ORGANISATION/STACK or ORGANISATION/PROJECT/STACK. */
export function isCalled({ stack }: Owner, name: string): boolean {
  const [its, given] = [stack.split("/"), name.split("/")];
  return its.at(-1) === given.at(-1) && given.slice(0, -1).every((part, i) => part === its[i]);
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
 * own: this stack's, and in its state (or the state is not known). lost: this stack's, and its state lacks it.
 * theirs: another stack's.
 */
export type Whose = "own" | "lost" | "theirs";

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
  /** Where it is; absent: its name counts everywhere. */
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

export function isAt(
  { kind, namespace, name, service, pool }: OwnedObject,
  { home, namespaces }: Place,
): boolean {
  if (namespace !== undefined) return namespaces.includes(namespace);
  if (kind === "Namespace") return namespaces.includes(name);
  return pool === undefined
    ? name.startsWith(`${home}-${service ?? ""}-`)
    : namespaces.some((place) => name.startsWith(`${place}-${pool}-`));
}

export function whoseIs(object: OwnedObject, self: Self, state: OwnState, recorded: Recorded): Whose {
  const inState = state?.has(objectKey(object)) ?? false;
  const own = inState || state === undefined ? "own" : "lost";
  if (object.owner !== undefined) return object.owner.id === self.id ? own : "theirs";
  if (inState) return "own";
  if (object.stackLabel !== undefined && object.stackLabel === self.label) return own;
  if (state === undefined && recorded.pools === undefined && recorded.preview === true) return "own";
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
