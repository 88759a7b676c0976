import { isBuiltinVersion } from "../api/builtin";
import { apiVersionOf, at, kindOf, withoutValue, withValue, type KubeObject } from "../api/objects";
import { hasUnknowns, isProperties, type Properties, type Value } from "../../protocol/values";

const readOnly = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];

/**
 * Inputs in the form in which the API server keeps them: a Secret's stringData becomes data, what only the server
 * may set goes. (The real provider also sends built-in kinds through their Go types; what that changes is dealt
 * with when values are compared, in detailed.ts.)
 */
export function normalize(object: KubeObject): KubeObject {
  let result = object;
  if (!hasUnknowns(object) && isBuiltinVersion(apiVersionOf(object))) {
    if (isSecret(object)) result = normalSecret(object);
    if (isDefinition(object)) {
      if (at(object, "spec", "preserveUnknownFields") === false)
        result = withoutValue(result, ["spec", "preserveUnknownFields"]);
      result = withoutValue(result, ["status"]);
    }
  }
  for (const field of readOnly) result = withoutValue(result, ["metadata", field]);
  return result;
}

export function isSecret(object: KubeObject): boolean {
  return apiVersionOf(object) === "v1" && kindOf(object) === "Secret";
}

export function isConfigMap(object: KubeObject): boolean {
  return apiVersionOf(object) === "v1" && kindOf(object) === "ConfigMap";
}

export function isDefinition(object: KubeObject): boolean {
  return (
    apiVersionOf(object).startsWith("apiextensions.k8s.io/") && kindOf(object) === "CustomResourceDefinition"
  );
}

/** Without nulls, which say the same as nothing. */
export function withoutNulls(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isProperties(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]));
}

function normalSecret(secret: KubeObject): KubeObject {
  const plain = at(secret, "stringData");
  const data = at(secret, "data");
  const encoded: Properties = isProperties(data) ? { ...data } : {};
  for (const [key, value] of Object.entries(encoded)) {
    // The server decodes and encodes again, and so loses white space.
    if (typeof value === "string") encoded[key] = Buffer.from(value, "base64").toString("base64");
  }
  if (isProperties(plain) && Object.keys(plain).length > 0) {
    for (const [key, value] of Object.entries(plain))
      if (typeof value === "string") encoded[key] = Buffer.from(value).toString("base64");
    return withValue(withoutValue(secret, ["stringData"]), ["data"], encoded);
  }
  return isProperties(data) ? withValue(secret, ["data"], encoded) : secret;
}
