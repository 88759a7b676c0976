import { isProperties, Unknown, type Properties, type Value } from "../../protocol/values";

export type Json = null | boolean | number | string | Json[] | JsonObject;

export interface JsonObject {
  [key: string]: Json | undefined;
}

/** A Kubernetes object; inputs in a preview may hold values that are not known yet. */
export type KubeObject = Properties;

/** The value at a path, or undefined where a part of the path is missing. */
export function at(object: Value | undefined, ...path: readonly (string | number)[]): Value | undefined {
  let value = object;
  for (const key of path) {
    if (typeof key === "number") value = Array.isArray(value) ? value[key] : undefined;
    else value = isProperties(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

export function textAt(object: Value | undefined, ...path: readonly (string | number)[]): string {
  const value = at(object, ...path);
  return typeof value === "string" ? value : "";
}

export function numberAt(
  object: Value | undefined,
  ...path: readonly (string | number)[]
): number | undefined {
  const value = at(object, ...path);
  return typeof value === "number" ? value : undefined;
}

export function listAt(object: Value | undefined, ...path: readonly (string | number)[]): Value[] {
  const value = at(object, ...path);
  return Array.isArray(value) ? value : [];
}

/** A copy with the value at the path set; what is missing on the way is made, what is not known stays so. */
export function withValue(object: Properties, path: readonly string[], value: Value): Properties {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  const inner = object[key];
  if (rest.length > 0 && inner instanceof Unknown) return object;
  const next = rest.length === 0 ? value : withValue(isProperties(inner) ? inner : {}, rest, value);
  return { ...object, [key]: next };
}

/** A copy without the value at the path. */
export function withoutValue(object: Properties, path: readonly string[]): Properties {
  const [key, ...rest] = path;
  if (key === undefined || !Object.hasOwn(object, key)) return object;
  const inner = object[key];
  if (rest.length > 0) return isProperties(inner) ? { ...object, [key]: withoutValue(inner, rest) } : object;
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

export const nameOf = (object: Value | undefined): string => textAt(object, "metadata", "name");
export const namespaceOf = (object: Value | undefined): string => textAt(object, "metadata", "namespace");
export const kindOf = (object: Value | undefined): string => textAt(object, "kind");
export const apiVersionOf = (object: Value | undefined): string => textAt(object, "apiVersion");
export const uidOf = (object: Value | undefined): string => textAt(object, "metadata", "uid");

export function annotation(object: Value | undefined, key: string): string {
  return textAt(object, "metadata", "annotations", key);
}

/** `namespace/name`, or the name alone where there is no namespace: the id of every resource. */
export function qualifiedName(object: Value | undefined): string {
  const namespace = namespaceOf(object);
  return namespace === "" ? nameOf(object) : `${namespace}/${nameOf(object)}`;
}

/** The two halves of an id. */
export function splitName(id: string): { namespace: string; name: string } {
  const slash = id.indexOf("/");
  return slash < 0
    ? { namespace: "", name: id }
    : { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** Go's %q, near enough. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

export function isOwnedBy(object: Value | undefined, owner: Value | undefined): boolean {
  const uid = uidOf(owner);
  return (
    uid !== "" && listAt(object, "metadata", "ownerReferences").some((one) => textAt(one, "uid") === uid)
  );
}
