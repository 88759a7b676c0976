import type { DiffRequest, DiffResult } from "../protocol/provider";
import { equalValues, hasUnknowns, plainProperties, type Properties, type Value } from "../protocol/values";
import { activeCluster, parseKubeconfig } from "./api/kubeconfig";
import { kubeconfigOverrides } from "./configuration";

const clusterKeys = ["kubeconfig", "context", "cluster"] as const;

/**
 * Whether other arguments mean another cluster, so that everything in it must be made anew: only when the active
 * cluster itself differs, or cannot be known yet. A `clusterIdentifier` decides instead where it is set.
 */
export function diffConfig({ olds, inputs }: DiffRequest): DiffResult {
  const old = plainProperties(olds);
  const wanted = plainProperties(inputs);
  const diffs = [...new Set([...Object.keys(old), ...Object.keys(wanted)])].filter(
    (key) => !equalValues(old[key], wanted[key]),
  );
  if (diffs.length === 0) return { changes: false };
  const [oldId, newId] = [old["clusterIdentifier"], wanted["clusterIdentifier"]];
  const pinned = newId !== undefined && equalValues(oldId, newId);
  const replaces = oldId !== undefined && newId !== undefined && !pinned ? ["clusterIdentifier"] : [];
  for (const key of clusterKeys) {
    if (!hasUnknowns(wanted[key] ?? null)) continue;
    return { changes: true, diffs: [key], replaces: pinned ? [] : [...replaces, key] };
  }
  if (diffs.includes("renderYamlToDirectory")) replaces.push("renderYamlToDirectory");
  const [before, after] = [clusterOf(old), clusterOf(wanted)];
  if (before !== undefined && after !== undefined && before !== after)
    replaces.push(...clusterKeys.filter((key) => diffs.includes(key)));
  return { changes: true, diffs, replaces: pinned ? [] : replaces };
}

/** The active cluster as text, to compare. @throws Error where the kubeconfig is none. */
function clusterOf(inputs: Properties): string | undefined {
  const kubeconfig = textOf(inputs["kubeconfig"]);
  if (kubeconfig === "") return undefined;
  const overrides = kubeconfigOverrides({
    context: textOf(inputs["context"]) || undefined,
    cluster: textOf(inputs["cluster"]) || undefined,
    namespace: undefined,
  });
  const cluster = activeCluster(parseKubeconfig(kubeconfig), overrides);
  return cluster === undefined ? undefined : JSON.stringify(cluster);
}

function textOf(value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
