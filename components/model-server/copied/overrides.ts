import { metadataFields, resourceFields, type OwnedField } from "../owned-fields";
import type { PodPatch } from "../pod-settings";
import type { PodTemplate } from "../pod-template";
import { mergedTemplate, patchProblems } from "../strategic-merge";
import { podOf, type PodSpec, type Toleration, type Unusable } from "./pod";
import { portFlagOf } from "./server";

/*
 * What a user changes of copied pods: strategic merge patches of the template that was read, each over the one before.
 * What they say of containers and volumes counts before the pods are adapted, so that all checks see it; what they say
 * of scheduling afterwards, because adapting removes what chose the old nodes.
 */

type Fields = Readonly<Record<string, unknown>>;

/** Fields of the spec that choose nodes and neighbours, of which adapting leaves little. */
const scheduling = ["tolerations", "topologySpreadConstraints", "affinity"] as const;

/** The copied template with every override, as far as it says what runs. */
export const overridden = (template: PodTemplate, overrides: readonly PodPatch[] = []): PodTemplate =>
  overrides.reduce((base, patch) => mergedTemplate(base, beforeAdapting(patch)), template);

/** An affinity may remove what cannot be met on new nodes: that counts before, too. */
function beforeAdapting({ metadata, spec = {} }: PodPatch): PodPatch {
  const kept = Object.entries(spec).filter(
    ([name]) => name !== "tolerations" && name !== "topologySpreadConstraints",
  );
  return { ...(metadata === undefined ? {} : { metadata }), spec: Object.fromEntries(kept) };
}

/** @param own tolerations that the pods need on their nodes, whatever the overrides say. */
export function withScheduling(
  spec: PodSpec,
  overrides: readonly PodPatch[] = [],
  own: readonly Toleration[] = [],
): PodSpec {
  return overrides.reduce((pod, { spec: patch = {} }) => {
    const part = Object.fromEntries(
      scheduling.flatMap((name) => (name in patch ? [[name, patch[name]]] : [])),
    );
    if (Object.keys(part).length === 0) return pod;
    const merged = mergedTemplate({ spec: pod }, { spec: part }).spec;
    if (!("tolerations" in part)) return merged;
    return { ...merged, tolerations: [...(merged.tolerations ?? []), ...own] };
  }, spec);
}

/** Why overrides do not fit the pods that they change. */
export function misfits(
  { template, selector = {} }: { template: PodTemplate; selector?: Readonly<Record<string, string>> },
  overrides: readonly PodPatch[] = [],
): Unusable[] {
  const found = podOf(template);
  const names = found.containers.map(({ name }) => name);
  const merged = podOf(overridden(template, overrides));
  const [port, moved] = [portFlagOf(found), portFlagOf(merged)];
  const labels = overrides.flatMap(({ metadata }) =>
    Object.keys((metadata?.["labels"] as Fields | undefined) ?? {}),
  );
  return [
    ...merged.containers
      .filter(({ name, image }) => !names.includes(name) && image === undefined)
      .map(({ name }) => ({
        what: `its overrides change a container ${name}, and the copied pods have ${names.join(", ")}`,
      })),
    ...(port === moved || moved === undefined
      ? []
      : [
          {
            what: `its overrides move the server from ${port === undefined ? "its default port" : `port ${port}`} to ${moved}`,
          },
        ]),
    ...[...new Set(labels)]
      .filter((key) => key in selector)
      .map((key) => ({
        what: `its overrides set label ${key}, by which the copied pool selects its pods`,
      })),
  ];
}

/** What overrides change, by field, for people: none of the values. */
export function changedFields(overrides: readonly PodPatch[] = []): string[] {
  const fields = overrides.flatMap(({ metadata = {}, spec = {} }) => [
    ...Object.keys(metadata).map((name) => `metadata.${name}`),
    ...Object.keys(spec).map((name) => `spec.${name}`),
  ]);
  return [...new Set(fields)].map((field) => `with the overrides of ${field}`);
}

/** Whether overrides make another server of the pods, and not only other pods of the same server. */
export const changesServer = (overrides: readonly PodPatch[] = []): boolean =>
  overrides.some(({ spec = {} }) =>
    listOf(spec["containers"]).some((container) => words.some((field) => field in container)),
  );

const words = ["image", "command", "args", "env", "envFrom"] as const;

/** What is wrong with overrides, whichever pods they change. */
export function overrideProblems(patch: PodPatch): { path: OwnedField["path"]; expected: string }[] {
  return [
    ...patchProblems({ ...patch }),
    ...[
      ...metadataFields(patch.metadata ?? {}),
      ...specFields(patch.spec ?? {}).map(({ path, reason }) => ({ path: ["spec", ...path], reason })),
    ].map(({ path, reason }) => ({ path, expected: `nothing here: ${reason}` })),
  ];
}

const nodesAreThePools =
  "it ties the pods to the nodes of their pool; set the pool's hardware keys or nodeLabels";

const podFields: Readonly<Record<string, string>> = {
  $patch: "it would replace the whole pod",
  $retainKeys: "it would remove what is copied",
  nodeSelector: nodesAreThePools,
  nodeName: nodesAreThePools,
  restartPolicy: "a model server is restarted when it fails",
  activeDeadlineSeconds: "it would end pods that serve",
  readinessGates: "the rollout waits for the readiness of the server alone",
};

function specFields(spec: Fields): OwnedField[] {
  return Object.entries(spec).flatMap(([name, value]): OwnedField[] => {
    const own = podFields[name];
    if (own !== undefined) return [{ path: [name], reason: own }];
    if (name === "affinity") return affinityFields(value);
    if (name === "containers") return containerFields(value);
    if (name === "initContainers")
      return listOf(value).flatMap((entry, i) =>
        resourceFields(entry["resources"]).map(({ path, reason }) => ({ path: [name, i, ...path], reason })),
      );
    return [];
  });
}

function affinityFields(value: unknown): OwnedField[] {
  if (!isObject(value) || !("nodeAffinity" in value)) return [];
  return [{ path: ["affinity", "nodeAffinity"], reason: nodesAreThePools }];
}

/** What must not be taken from a server, and why. */
const needed: Readonly<Record<string, string>> = {
  readinessProbe: "without it, a pod gets requests before its model is loaded",
  lifecycle: "without it, streams are cut when a pod leaves",
};

function containerFields(value: unknown): OwnedField[] {
  const whole = { path: ["containers"], reason: "the copied containers are among them" };
  if (!Array.isArray(value)) return [whole];
  return listOf(value).flatMap((entry, i): OwnedField[] => {
    if (entry["$patch"] === "replace") return [{ ...whole, path: ["containers", i] }];
    const gone = Object.entries(needed).flatMap(([field, reason]) => {
      const inner = entry[field];
      const isGone =
        inner === null || (isObject(inner) && (inner["$patch"] === "delete" || inner["preStop"] === null));
      return isGone ? [{ path: ["containers", i, field], reason }] : [];
    });
    const counted = resourceFields(entry["resources"]);
    return [...gone, ...counted.map(({ path, reason }) => ({ path: ["containers", i, ...path], reason }))];
  });
}

const listOf = (value: unknown): Fields[] =>
  Array.isArray(value) ? (value as unknown[]).filter(isObject) : [];

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
