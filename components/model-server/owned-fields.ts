import type { ModelServerEngine } from "../engines/engine";
import { domain, labels, podSelector } from "../names";
import { isAccelerator } from "./copied/server";
import { ownVolumes, tokenVariable, type PodPatch } from "./pod-settings";

/*
 * What a rollout depends on in a model server's pod, and therefore nobody else sets: what an InferencePool selects, how
 * the server is started, asked and stopped, where it runs, and what the adapters' loader needs.
 */

export interface OwnedContext {
  readonly engine: ModelServerEngine;
  /** Port of the server's HTTP API. */
  readonly port: number;
  readonly family: "gpu" | "tpu";
  /** Nodes of one replica. */
  readonly hosts: number;
  /** Whether adapters are loaded. */
  readonly adapters: boolean;
  /** Whether the pods have a ServiceAccount of this program for their weights. */
  readonly readsBucket: boolean;
  /** Whether the stack has a token for gated models. */
  readonly token: boolean;
}

export interface OwnedField {
  readonly path: readonly (string | number)[];
  /** Why it is not the user's, and what to set instead where there is something. */
  readonly reason: string;
}

/** Why a variable of the server's container is not the user's; undefined: it is. */
export function ownedVariable(name: string, context: OwnedContext): string | undefined {
  const { engine, family, hosts, adapters, token } = context;
  const has = (list: readonly { name: string }[] = []): boolean => list.some((one) => one.name === name);
  if (/^SECRET_ARG_\d+$/.test(name)) return "the program passes secret arguments by it";
  if (/^LWS_/.test(name)) return "LeaderWorkerSet sets it";
  if (name === tokenVariable && token)
    return "the stack's huggingFaceToken sets it; unset that to give each pool its own";
  if (adapters && engine.adapters.supported && has(engine.adapters.environment))
    return "loading adapters depends on it";
  if (hosts > 1 && has(engine.overNodes?.environment(family)))
    return "a replica of several nodes depends on it";
  return undefined;
}

/** What a patch touches that is not the user's, by path. */
export function ownedFields(patch: PodPatch, context: OwnedContext): OwnedField[] {
  return [
    ...metadataFields(patch.metadata ?? {}),
    ...specFields(patch.spec ?? {}, context).map(({ path, reason }) => ({ path: ["spec", ...path], reason })),
  ];
}

/** Labels and annotations that this program reads. @param kind as messages have it. */
export function ownedKey(key: string, kind: "label" | "annotation"): string | undefined {
  if (key.startsWith(`${domain}/`)) return "this program sets it";
  if (kind === "annotation")
    return key === "leaderworkerset.sigs.k8s.io/size" ? "LeaderWorkerSet sets it" : undefined;
  if (key in podSelector("")) return "the InferencePool selects the pods by it";
  if (key === labels.managedBy) return "this program sets it";
  return /^leaderworkerset\.sigs\.k8s\.io\//.test(key) ? "LeaderWorkerSet sets it" : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Labels and annotations that are not the user's, and everything else of a pod's metadata. */
export function metadataFields(metadata: Fields): OwnedField[] {
  return Object.entries(metadata).flatMap(([name, value]): OwnedField[] => {
    const kind = ({ labels: "label", annotations: "annotation" } as const)[name];
    if (kind === undefined)
      return [{ path: ["metadata", name], reason: "only labels and annotations of pods can be set" }];
    if (!isObject(value))
      return [{ path: ["metadata", name], reason: `the rollout's own ${name} are among them` }];
    return Object.keys(value).flatMap((key) => {
      const reason = key === "$patch" ? `the rollout's own ${name} are among them` : ownedKey(key, kind);
      return reason === undefined ? [] : [{ path: ["metadata", name, key], reason }];
    });
  });
}

/** Fields of the pod itself, and why they are not the user's. */
const podFields: Readonly<Record<string, string>> = {
  $patch: "it would replace the whole pod",
  $retainKeys: "it would remove what the rollout needs",
  terminationGracePeriodSeconds: "streams are finished within it when a pod leaves; use server.drainSeconds",
  restartPolicy: "a model server is restarted when it fails",
  activeDeadlineSeconds: "it would end pods that serve",
  readinessGates: "the rollout waits for the readiness of the server alone",
  nodeSelector: "it ties the pods to the nodes of their pool; set the pool's hardware keys or nodeLabels",
  nodeName: "it ties the pods to the nodes of their pool",
  priorityClassName: "use server.priorityClassName",
  priority: "use server.priorityClassName",
  automountServiceAccountToken: "the server never talks to the API server",
};

function specFields(spec: Fields, context: OwnedContext): OwnedField[] {
  const { adapters, readsBucket } = context;
  return Object.entries(spec).flatMap(([name, value]): OwnedField[] => {
    const own = podFields[name];
    if (own !== undefined) return [{ path: [name], reason: own }];
    switch (name) {
      case "serviceAccountName":
      case "serviceAccount":
        if (!adapters && !readsBucket) return [];
        return [
          {
            path: [name],
            reason: `the pods need their own to ${adapters ? "report adapters" : "read the bucket of their weights"}`,
          },
        ];
      case "affinity":
        return isObject(value) && !("nodeAffinity" in value) && !("$patch" in value)
          ? []
          : [
              {
                path: isObject(value) && "nodeAffinity" in value ? [name, "nodeAffinity"] : [name],
                reason:
                  "it ties the pods to the nodes of their pool; podAffinity and podAntiAffinity can be set",
              },
            ];
      case "tolerations":
        return value === null
          ? [{ path: [name], reason: "without tolerations the pods do not run on accelerator nodes" }]
          : [];
      case "volumes":
        return elements(name, value, "name", (entry) =>
          loaderVolumes.has(String(entry["name"])) ? [{ path: [], reason: "the rollout mounts it" }] : [],
        );
      case "containers":
        return elements(name, value, "name", (entry) =>
          entry["name"] === context.engine.name
            ? serverFields(entry, context)
            : sidecarFields(entry, context),
        );
      case "initContainers":
        return elements(name, value, "name", (entry) =>
          entry["name"] === "adapter-loader"
            ? [{ path: [], reason: "it loads the adapters" }]
            : sidecarFields(entry, context),
        );
      default:
        return [];
    }
  });
}

/** What is in these comes from this program; the caches may be put elsewhere. */
const loaderVolumes: ReadonlySet<string> = new Set(
  ownVolumes.names.filter((name) => name !== "cache" && name !== "shm"),
);

/** The elements of a list that merges by key, each judged by itself; a list as a whole is not replaced. */
function elements(
  field: string,
  value: unknown,
  key: string,
  judge: (entry: Fields) => OwnedField[],
): OwnedField[] {
  const whole = { path: [field], reason: `the rollout's own ${field} are among them` };
  if (!Array.isArray(value)) return [whole];
  return (value as unknown[]).flatMap((entry, i): OwnedField[] => {
    if (!isObject(entry)) return [];
    if (entry["$patch"] === "replace" && entry[key] === undefined) return [{ ...whole, path: [field, i] }];
    return judge(entry).map(({ path, reason }) => ({ path: [field, i, ...path], reason }));
  });
}

/** Fields of the server's container, and why they are not the user's. */
const serverReasons: Readonly<Record<string, string>> = {
  $patch: "it is the model server",
  $retainKeys: "it is the model server",
  image: "use server.image or server.version",
  command: "the engine sets it",
  args: "use server.args",
  startupProbe: "the rollout waits for it",
  readinessProbe: "the rollout waits for it",
  livenessProbe: "the engine sets it",
  lifecycle: "streams are finished by it when a pod leaves",
  restartPolicy: "a model server is restarted when it fails",
};

function serverFields(entry: Fields, context: OwnedContext): OwnedField[] {
  const { port } = context;
  return Object.entries(entry).flatMap(([name, value]): OwnedField[] => {
    const own = serverReasons[name];
    if (own !== undefined) return [{ path: [name], reason: own }];
    switch (name) {
      case "env":
        return elements(name, value, "name", ({ name: variable }) => {
          const reason = ownedVariable(String(variable), context);
          return reason === undefined ? [] : [{ path: [], reason }];
        });
      case "ports":
        return elements(name, value, "containerPort", (entry) =>
          Number(entry["containerPort"]) === port || entry["name"] === "http"
            ? [{ path: [], reason: "the InferencePool and the probes ask the server there; use server.port" }]
            : [],
        );
      case "volumeMounts":
        return elements(name, value, "mountPath", ({ mountPath, $patch }) =>
          isOwnMount(mountPath) && ($patch !== undefined || !keepsCache(mountPath))
            ? [{ path: [], reason: "the rollout mounts it" }]
            : [],
        );
      case "resources":
        return resourceFields(value);
      default:
        return [];
    }
  });
}

const isOwnMount = (path: unknown): boolean => (ownVolumes.mounts as readonly unknown[]).includes(path);
const keepsCache = (path: unknown): boolean => path === "/cache" || path === "/dev/shm";

function sidecarFields(entry: Fields, { port }: OwnedContext): OwnedField[] {
  const { ports } = entry;
  const taken = Array.isArray(ports)
    ? (ports as unknown[]).flatMap((one, i) =>
        isObject(one) && Number(one["containerPort"]) === port
          ? [{ path: ["ports", i], reason: "the model server listens there" }]
          : [],
      )
    : [];
  return [...taken, ...resourceFields(entry["resources"])];
}

/** Accelerators are counted by the pool: what another container takes, the server lacks. */
export function resourceFields(value: unknown): OwnedField[] {
  if (value === undefined) return [];
  const reason = "the pool's hardware keys set the accelerators";
  if (!isObject(value) || "$patch" in value) return [{ path: ["resources"], reason }];
  return ["limits", "requests"].flatMap((list): OwnedField[] => {
    const quantities = value[list];
    if (quantities === undefined) return [];
    if (!isObject(quantities) || "$patch" in quantities) return [{ path: ["resources", list], reason }];
    return Object.keys(quantities)
      .filter(isAccelerator)
      .map((name) => ({ path: ["resources", list, name], reason }));
  });
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
