import { type Properties, type Value, isProperties, Unknown, equalValues } from "../protocol/values";
import type { PropertyDiff, DiffKind, CheckRequest } from "../protocol/provider";
import type { Kind } from "./kinds";
import { randomBytes, createHash } from "node:crypto";

/** Inputs that differ, by path, with what that means. Names that start with `__` are the provider's own. */
export function compareInputs(
  old: Properties,
  desired: Properties,
  replaces: (path: string) => boolean,
): Map<string, PropertyDiff> {
  const result = new Map<string, PropertyDiff>();
  compare("", old, desired);
  return result;

  function compare(path: string, a: Value | undefined, b: Value | undefined): void {
    if (isProperties(a) && isProperties(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        if (!key.startsWith("__")) compare(path === "" ? key : `${path}.${key}`, a[key], b[key]);
    } else if (Array.isArray(a) && Array.isArray(b)) {
      if (isSet(a) && isSet(b) && sameSet(a, b)) return;
      for (let i = 0; i < Math.max(a.length, b.length); i++) compare(`${path}[${i}]`, a[i], b[i]);
    } else if (b instanceof Unknown || !equalValues(a, b)) {
      const kind = a === undefined ? "add" : b === undefined ? "delete" : "update";
      const full: DiffKind = replaces(path) ? `${kind}-replace` : kind;
      result.set(path, { kind: full, inputDiff: true });
    }
  }
}

/** Lists of plain texts are sets in the APIs: their order says nothing. */
function isSet(list: readonly Value[]): boolean {
  return list.every((one) => typeof one === "string");
}

function sameSet(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

/** The name, made up where the program gives none: `__defaults` remembers that, as in the real provider. */
export function withAutoname(kind: Kind, request: CheckRequest): Properties {
  const { inputs, oldInputs, name, randomSeed, autonaming } = request;
  const rule = kind.autoname;
  if (rule === undefined || inputs[rule.property] !== undefined) return { ...inputs, __defaults: [] };
  const old = oldInputs[rule.property];
  if (old !== undefined && isAutonamed(kind, oldInputs))
    return { ...inputs, [rule.property]: old, __defaults: [rule.property] };
  if (autonaming?.mode === "disable")
    throw new Error(`autonaming is disabled, resource requires ${rule.property} to be set`);
  const seed = randomSeed.length === 0 ? randomBytes(8) : randomSeed;
  const suffix = createHash("sha256").update(seed).digest("hex").slice(0, 7);
  const made = autonaming?.proposedName ?? `${name.toLowerCase().slice(0, rule.max - 8)}-${suffix}`;
  return { ...inputs, [rule.property]: made, __defaults: [rule.property] };
}

export function isAutonamed(kind: Kind, inputs: Properties): boolean {
  const defaults = inputs["__defaults"];
  return kind.autoname !== undefined && Array.isArray(defaults) && defaults.includes(kind.autoname.property);
}
