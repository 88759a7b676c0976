import { createHash, randomBytes } from "node:crypto";
import type { CheckRequest } from "../protocol/provider";
import type { Properties } from "../protocol/values";
import type { Kind } from "./kinds";

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
