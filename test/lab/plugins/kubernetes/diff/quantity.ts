import type { Value } from "../../protocol/values";

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a Kubernetes quantity stands for; undefined where it is none. */
export function quantity(value: Value | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const found = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)$/.exec(
    value,
  );
  if (found === null) return undefined;
  const [, digits = "", exponent = "", suffix = ""] = found;
  return Number(digits + exponent) * (suffixes[suffix] ?? 1);
}

/** Maps and fields of built-in kinds whose values are quantities. */
const quantityMaps = new Set([
  "requests",
  "limits",
  "hard",
  "capacity",
  "allocatable",
  "overhead",
  "default",
  "defaultRequest",
  "max",
  "min",
  "maxLimitRequestRatio",
]);
const quantityFields = new Set(["sizeLimit", "averageValue", "divisor"]);

/**
 * Whether two values at a path are one quantity written in two ways. The API server stores quantities in a normal
 * form, "1" for 1000m; the program's own spelling is no difference.
 */
export function sameQuantity(
  path: readonly (string | number)[],
  a: Value | undefined,
  b: Value | undefined,
): boolean {
  const [map, field] = path.slice(-2);
  const known = quantityMaps.has(String(map)) || quantityFields.has(String(field));
  if (!known) return false;
  const [x, y] = [quantity(a), quantity(b)];
  return x !== undefined && y !== undefined && Math.abs(x - y) <= Math.abs(x) * 1e-12;
}
