import type { DiffKind, PropertyDiff } from "../protocol/provider";
import { equalValues, isProperties, Unknown, type Properties, type Value } from "../protocol/values";

/** Inputs that differ, by path, with what that means. Names that start with `__` are the provider's own. */
export function compareInputs(
  old: Properties,
  wanted: Properties,
  replaces: (path: string) => boolean,
): Map<string, PropertyDiff> {
  const result = new Map<string, PropertyDiff>();
  compare("", old, wanted);
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
