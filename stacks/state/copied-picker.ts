import {
  pickerFeatureGates,
  pickerFlags,
  pickerPlugins,
  reservedFlags,
  type PickerSettings,
} from "../../components/pool/picker-settings";
import { inOrder } from "../plan/identity";
import type { CopiedPicker } from "../plan/observed";
import { permitted, type ClusterReader, type LiveObject } from "./cluster-reader";
import { deploymentsPath } from "./model-servers";
import { selectsPodsOf, type Labels } from "./selectors";

/*
 * The picker of a pool created outside this stack, in the settings of a picker of this stack: tuned request
 * spreading applies to the copy too. What this program's picker cannot take is named.
 */

interface Container {
  image?: string;
  args?: string[];
  command?: string[];
  resources?: { requests?: Record<string, string | number> };
  volumeMounts?: { name: string; mountPath: string }[];
}

interface Pod {
  containers: Container[];
  volumes?: { name: string; configMap?: { name?: string } }[];
}

/** @param pool the InferencePool. @returns undefined where no picker is found, or it may not be read. */
export async function copiedPicker(
  reader: ClusterReader,
  pool: LiveObject,
  namespace: string,
): Promise<CopiedPicker | undefined> {
  return permitted(async () => {
    const found = await pickerBehind(reader, pool, namespace);
    return found === undefined ? undefined : settingsOf(reader, found, namespace);
  }, undefined);
}

/** The Deployment behind the Service that the pool names. */
async function pickerBehind(
  reader: ClusterReader,
  pool: LiveObject,
  namespace: string,
): Promise<LiveObject | undefined> {
  const { endpointPickerRef } = pool["spec"] as { endpointPickerRef?: { name?: string } };
  if (endpointPickerRef?.name === undefined) return undefined;
  const service = await reader.get(`/api/v1/namespaces/${namespace}/services/${endpointPickerRef.name}`);
  const { selector = {} } = (service?.["spec"] ?? {}) as { selector?: Labels };
  const behind = (await reader.list(deploymentsPath(namespace))).filter((one) =>
    selectsPodsOf(selector, one),
  );
  return behind.length === 1 ? behind[0] : undefined;
}

async function settingsOf(
  reader: ClusterReader,
  deployment: LiveObject,
  namespace: string,
): Promise<CopiedPicker | undefined> {
  const { replicas, template } = deployment["spec"] as { replicas?: number; template: { spec: Pod } };
  const container = template.spec.containers.find(({ args = [], command = [] }) =>
    [...command, ...args].some((word) => /^--?pool-name\b/.test(word)),
  );
  if (container === undefined) return undefined;
  const flags = flagsIn([...(container.command ?? []).slice(1), ...(container.args ?? [])]);
  const left: string[] = [];
  const isElected = flags.get("ha-enable-leader-election") === "true";
  const settings: PickerSettings = {
    ...imageOf(container, left),
    ...((replicas ?? 1) > 1 && isElected ? { replicas: 2 } : {}),
    ...resourcesOf(container),
    ...(await configOf(reader, { pod: template.spec, container, flags, namespace }, left)),
    ...ownFlags(flags, left),
  };
  return {
    from: `Deployment ${deployment.metadata.name}`,
    settings,
    taken: Object.entries(settings).map(([key, value]) => `picker ${key} ${takenText(value)}`),
    left,
  };
}

const takenText = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return String(value);
  return "by" in value ? "(its EndpointPickerConfig)" : inOrder(value);
};

/** From v1.6 on pickers are another program, with other flags and rights. */
function imageOf({ image = "" }: Container, left: string[]): Pick<PickerSettings, "image"> {
  if (/\/epp:v1\.5\.\d+(-[\w.]+)?$/.test(image)) return { image };
  left.push(`picker image ${image} (this program deploys v1.5 of the inference extension's picker)`);
  return {};
}

function resourcesOf({ resources }: Container): Pick<PickerSettings, "resources"> {
  const { cpu, memory } = resources?.requests ?? {};
  const found = {
    ...(/^(\d+(\.\d+)?|\d+m)$/.test(String(cpu)) ? { cpu: String(cpu) } : {}),
    ...(/^[1-9]\d*[MG]i$/.test(String(memory)) ? { memory: String(memory) } : {}),
  };
  return Object.keys(found).length === 0 ? {} : { resources: found };
}

/** `--name value`, `--name=value` and `--name` for true; with one dash too. */
function flagsIn(words: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  words.forEach((word, i) => {
    const [, name, value] = /^--?([a-z][\w-]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) return;
    const next = words[i + 1];
    flags.set(name, value ?? (next === undefined || /^--?[a-z]/.test(next) ? "true" : next));
  });
  return flags;
}

/** What this program sets itself says nothing of how the picker was tuned. */
const setHere: ReadonlySet<string> = new Set([
  ...["pool-name", "pool-namespace", "pool-group", "config-file", "config-text", "zap-encoder", "tracing"],
  ...["grpc-port", "grpc-health-port", "metrics-port", "secure-serving", "health-checking"],
  ...["metrics-endpoint-auth", "ha-enable-leader-election"],
]);

function ownFlags(flags: ReadonlyMap<string, string>, left: string[]): Pick<PickerSettings, "flags"> {
  const taken: Record<string, string> = {};
  for (const [name, value] of flags) {
    if (setHere.has(name)) continue;
    const known = pickerFlags[name];
    if (known?.pattern.test(value) === true) taken[name] = value;
    else
      left.push(
        `picker flag --${name}=${value}${name in reservedFlags ? ` (${reservedFlags[name] ?? ""})` : ""}`,
      );
  }
  return Object.keys(taken).length === 0 ? {} : { flags: taken };
}

interface ConfigSource {
  pod: Pod;
  container: Container;
  flags: ReadonlyMap<string, string>;
  namespace: string;
}

async function configOf(
  reader: ClusterReader,
  source: ConfigSource,
  left: string[],
): Promise<Pick<PickerSettings, "config">> {
  const text = source.flags.get("config-text") ?? (await fileOf(reader, source));
  if (text === undefined) return {};
  // Loaded only here: the library takes a third of a second.
  const { loadYaml } = await import("@kubernetes/client-node");
  let document: unknown;
  try {
    document = loadYaml(text);
  } catch {
    document = undefined;
  }
  const problem = problemOf(document);
  if (problem !== undefined) {
    left.push(`picker config (${problem})`);
    return {};
  }
  // In the order in which the pool's identity has it: a later update renders the same text.
  const ordered = JSON.parse(inOrder(document as object)) as Record<string, unknown>;
  return { config: { by: "document", document: ordered } };
}

/** A file that is mounted from a ConfigMap. */
async function fileOf(
  reader: ClusterReader,
  { pod, container, flags, namespace }: ConfigSource,
): Promise<string | undefined> {
  const file = flags.get("config-file");
  if (file === undefined) return undefined;
  const mount = (container.volumeMounts ?? []).find(({ mountPath }) => file.startsWith(`${mountPath}/`));
  const volume = (pod.volumes ?? []).find(({ name }) => name === mount?.name);
  if (mount === undefined || volume?.configMap?.name === undefined) return undefined;
  const live = await reader.get(`/api/v1/namespaces/${namespace}/configmaps/${volume.configMap.name}`);
  const { [file.slice(mount.mountPath.length + 1)]: text } = (live?.["data"] ?? {}) as Record<string, string>;
  return text;
}

/** Why this program's picker does not take a config; undefined: it does. */
function problemOf(document: unknown): string | undefined {
  if (typeof document !== "object" || document === null || Array.isArray(document))
    return "it is not a YAML object";
  const {
    kind,
    plugins = [],
    featureGates = [],
  } = document as {
    kind?: string;
    plugins?: { type?: string }[];
    featureGates?: string[];
  };
  if (kind !== "EndpointPickerConfig") return kind === undefined ? "it has no kind" : `its kind is ${kind}`;
  const strangers = plugins.map(({ type = "" }) => type).filter((type) => !pickerPlugins.includes(type));
  if (strangers.length > 0) return `this program's picker cannot use ${strangers.join(", ")}`;
  const gates = featureGates.filter((gate) => !pickerFeatureGates.includes(gate));
  return gates.length > 0 ? `this program's picker has no feature gate ${gates.join(", ")}` : undefined;
}
