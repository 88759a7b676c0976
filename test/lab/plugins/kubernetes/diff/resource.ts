import type { DiffResult } from "../../protocol/provider";
import { Unknown } from "../../protocol/values";
import { isBuiltinVersion } from "../api/builtin";
import {
  apiVersionOf,
  at,
  nameOf,
  namespaceOf,
  withoutValue,
  withValue,
  type KubeObject,
} from "../api/objects";
import { isAutonamed } from "../naming";
import { detailedDiff, isInside, parsePath } from "./detailed";
import { forceNewPaths, type Mutability } from "./force-new";
import { prune } from "./prune";

export interface ResourceChange {
  /** The object as it was last read. */
  live: KubeObject;
  /** The inputs that it was made of. */
  sent: KubeObject;
  /** What the program wants now. */
  inputs: KubeObject;
  namespaced: boolean;
  isPatch: boolean;
  mutable: Mutability;
  ignoreChanges: readonly string[];
}

/**
 * What an update would do. The program's inputs are compared with the live object of the last update or refresh, as
 * far as the last inputs cover it: so a change that others made shows after a refresh, and only then.
 */
export function diffResource(change: ResourceChange): DiffResult {
  const { live, sent, namespaced } = change;
  const inputs = withNamespace(change.inputs, namespaced);
  let old = withNamespace(withoutValue(prune(live, sent), ["metadata", "resourceVersion"]), namespaced);
  // A name that the program gives only now may be the one that the object has already.
  if (nameOf(inputs) !== "") old = withValue(old, ["metadata", "name"], nameOf(live));
  const all = detailedDiff({
    old,
    inputs,
    sent,
    builtin: isBuiltinVersion(apiVersionOf(inputs)),
    forceNew: forceNewPaths(inputs, change.isPatch, change.mutable),
  });
  const ignored = change.ignoreChanges.map(parsePath);
  const detailed = new Map(
    [...all].filter(([path]) => !ignored.some((one) => isInside(parsePath(path), one))),
  );
  const replaces = [...detailed]
    .filter(([path, { kind }]) => kind.endsWith("-replace") || (kind === "delete" && path === "metadata"))
    .map(([path]) => path);
  return {
    changes: detailed.size > 0,
    replaces,
    // With the same name, old and new cannot exist side by side.
    deleteBeforeReplace:
      replaces.length > 0 &&
      !isAutonamed(inputs) &&
      !(at(inputs, "metadata", "name") instanceof Unknown) &&
      nameOf(inputs) === nameOf(live) &&
      namespaceOf(inputs) === namespaceOf(live),
    detailedDiff: detailed,
  };
}

function withNamespace(object: KubeObject, namespaced: boolean): KubeObject {
  if (!namespaced) return withoutValue(object, ["metadata", "namespace"]);
  const given = at(object, "metadata", "namespace");
  return given === undefined || given === ""
    ? withValue(object, ["metadata", "namespace"], "default")
    : object;
}
