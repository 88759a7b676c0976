import { isProperties, type Properties, type Value } from "../protocol/values";
import { at, listAt, textAt, withoutValue, withValue, type Json, type KubeObject } from "./api/objects";

/** Who owns which fields of an object: metadata.managedFields. */

/** Field manager of creates, which are no server-side apply: the first apply takes its fields over. */
export const creationManager = "pulumi-kubernetes";

interface ManagerName {
  manager: string;
  operation: "Apply" | "Update";
}

const takenOver: readonly ManagerName[] = [
  { manager: "kubectl", operation: "Apply" },
  { manager: "kubectl", operation: "Update" },
  { manager: "before-first-apply", operation: "Update" },
  { manager: creationManager, operation: "Update" },
  { manager: "pulumi-kubernetes.exe", operation: "Update" },
  { manager: "pulumi-resource-kubernetes", operation: "Update" },
];

/**
 * The JSON patch that makes `manager` the applier of what clients of old own, so that applying does not conflict
 * with ourselves; undefined where nothing is to be taken over.
 */
export function takeOverPatch(live: KubeObject, manager: string): Json | undefined {
  const entries = listAt(live, "metadata", "managedFields");
  const isOld = (entry: Value): boolean =>
    textAt(entry, "subresource") === "" &&
    takenOver.some(
      (one) => one.manager === textAt(entry, "manager") && one.operation === textAt(entry, "operation"),
    );
  const old = entries.filter(isOld);
  if (old.length === 0) return undefined;
  const isOurs = (entry: Value): boolean =>
    textAt(entry, "manager") === manager && textAt(entry, "operation") === "Apply";
  const base = entries.find(isOurs) ?? old[0];
  const fields = [...entries.filter(isOurs), ...old].map((entry) => at(entry, "fieldsV1") ?? {});
  const ours = {
    ...(isProperties(base) ? base : {}),
    manager,
    operation: "Apply",
    fieldsV1: fields.reduce<Value>(merged, {}),
  };
  const kept = entries.filter((entry) => !isOld(entry) && !isOurs(entry));
  return [
    { op: "replace", path: "/metadata/managedFields", value: [...kept, ours] as Json },
    { op: "replace", path: "/metadata/resourceVersion", value: textAt(live, "metadata", "resourceVersion") },
  ];
}

function merged(a: Value, b: Value): Value {
  if (!isProperties(a) || !isProperties(b)) return b;
  const result: Properties = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const mine = result[key];
    result[key] = mine === undefined ? value : merged(mine, value);
  }
  return result;
}

/** Whether a manager other than `manager` has a create of this provider among its fields. */
export function hasClientSideManager(live: KubeObject): boolean {
  return listAt(live, "metadata", "managedFields").some(
    (entry) =>
      textAt(entry, "operation") === "Update" &&
      ["pulumi-resource-kubernetes", creationManager, "pulumi-kubernetes.exe"].includes(
        textAt(entry, "manager"),
      ),
  );
}

/**
 * Inputs with the ignored fields as they are in the cluster: left out where only others own them, so that applying
 * neither takes nor fights over them, and as they are where they are ours. Paths into lists are not understood,
 * as in the real provider.
 */
export function withIgnored(
  inputs: KubeObject,
  live: KubeObject,
  manager: string,
  ignored: readonly string[],
): KubeObject {
  const entries = listAt(live, "metadata", "managedFields");
  const owns = (path: readonly string[], ours: boolean): boolean =>
    entries.some(
      (entry) =>
        (textAt(entry, "manager") === manager) === ours &&
        at(entry, "fieldsV1", ...path.map((step) => `f:${step}`)) !== undefined,
    );
  let result = inputs;
  for (const text of ignored) {
    const path = text.split(".");
    if (owns(path, false) && !owns(path, true)) {
      result = withoutValue(result, path);
      continue;
    }
    const value = at(live, ...path);
    if (value !== undefined) result = withValue(result, path, value);
  }
  return result;
}
