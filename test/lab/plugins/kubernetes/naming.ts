import { createHash, randomBytes } from "node:crypto";
import type { Autonaming } from "../protocol/provider";
import { isProperties, Unknown, type Properties } from "../protocol/values";
import { annotation, at, nameOf, textAt, withValue, type KubeObject } from "./api/objects";

export const autonamed = "pulumi.com/autonamed";

/** `prefix` and eight hexadecimal digits; the same for the same seed. */
export function uniqueName(prefix: string, seed: Uint8Array): string {
  const digits =
    seed.length === 0 ? randomBytes(4) : createHash("sha256").update(seed).digest().subarray(0, 4);
  return prefix + digits.toString("hex");
}

/** Whether the program gives a name, even one that is not known yet. */
export function isNamed(object: KubeObject): boolean {
  return at(object, "metadata", "name") instanceof Unknown || nameOf(object) !== "";
}

export function isGenerateName(object: KubeObject): boolean {
  const given = at(object, "metadata", "generateName");
  return !isNamed(object) && (given instanceof Unknown || (given !== undefined && given !== ""));
}

export function isAutonamed(object: KubeObject): boolean {
  return annotation(object, autonamed) === "true";
}

/** A new object without a name gets the resource's and eight digits. */
export function assignName(
  object: KubeObject,
  name: string,
  seed: Uint8Array,
  options: Autonaming | undefined,
): KubeObject {
  if (isNamed(object) || isGenerateName(object)) return object;
  if (options?.mode === "disable")
    throw new Error("autonaming is disabled, resource requires the .metadata.name field to be set");
  return withAutoname(object, options?.proposedName ?? uniqueName(`${name}-`, seed));
}

/** An existing one keeps the name that it got. */
export function adoptName(object: KubeObject, old: KubeObject): KubeObject {
  if (isNamed(object) || !isAutonamed(old)) return object;
  return withAutoname(object, nameOf(old));
}

function withAutoname(object: KubeObject, name: string): KubeObject {
  // Where the metadata or its annotations are not known yet, nothing can be put into them.
  const metadata = at(object, "metadata");
  if (metadata instanceof Unknown) return object;
  const named = withValue(object, ["metadata", "name"], name);
  const annotations = at(named, "metadata", "annotations");
  if (annotations instanceof Unknown) return named;
  const marked: Properties = { ...(isProperties(annotations) ? annotations : {}), [autonamed]: "true" };
  return withValue(named, ["metadata", "annotations"], marked);
}

/** The field manager of a resource: from its annotation, else the one it has, else a new one. */
export function fieldManager(inputs: KubeObject, state: Properties): string {
  const chosen = annotation(inputs, "pulumi.com/patchFieldManager");
  if (chosen !== "") return chosen;
  const known = textAt(state, "__fieldManager");
  return known === "" ? uniqueName("pulumi-kubernetes-", new Uint8Array()) : known;
}
