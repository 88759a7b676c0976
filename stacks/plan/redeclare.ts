import { hiddenText } from "./secret-args";
import type { PoolIdentity, Observed, ObservedPool } from "./observed";
import type { ServiceConfig } from "./service-config";
import { fix, pulumiUp, remove, set, type ConfigEdit, type ConfigPath, type Fix } from "./config-edits";
import { adaptersLoaded, overridesField, pickerReplicas, renderingField } from "./identity";
import { jsonFields, plainVariables } from "./server-settings";

/**
 * Edits that put a pool back into a config that has it no more, as it is deployed; none where the config has it.
 * Without them, an edit that names the pool as stable or candidate would lead to the next mistake.
 * @returns undefined where what is deployed does not say what it was made as.
 */
export function redeclare(name: string, config: ServiceConfig, observed: Observed): ConfigEdit[] | undefined {
  if (config.pools[name] !== undefined) return [];
  const live = observed.pools.find((pool) => pool.name === name);
  if (live === undefined || name.includes("/")) return undefined;
  const at = ["pools", name] as const;
  if (!live.owned) {
    const namespace = live.namespace === config.namespace ? [] : [set([...at, "namespace"], live.namespace)];
    return [set([...at, "existing"], true), ...namespace];
  }
  return asDeployed(live, observed);
}

/** Edits that declare a pool of this stack as it is deployed. @returns undefined where nothing says what it was made as. */
export function asDeployed({ name, ...live }: ObservedPool, observed: Observed): ConfigEdit[] | undefined {
  const at = ["pools", name] as const;
  if (live.identity === undefined) return undefined;
  const fields = identityEdits(at, live.identity);
  if (fields === undefined) return undefined;
  const replicas = observed.record?.sizes?.[name] ?? live.replicas ?? 1;
  return [...fields, set([...at, "replicas"], replicas)];
}

/** How an update that goes back keeps a pool that cannot be removed yet (see leaving-pools.ts): by declaring it. */
export function keptFirst(name: string, config: ServiceConfig, observed: Observed): Fix {
  if (config.pools[name] !== undefined) return fix``;
  const back = redeclare(name, config, observed);
  return back === undefined
    ? fix`to go back at once, put pools.${name} back into the config as it was, then ${pulumiUp}; to remove the pool, `
    : fix`to go back at once, declare the pool again: ${[...back, pulumiUp]}; to remove the pool, `;
}

/** Edits that put one field of a pool back to what is deployed; undefined where nobody but the user can. */
export function putBack(pool: string, field: string, deployed: string): ConfigEdit[] | undefined {
  const at = ["pools", pool];
  const gone = [remove([...at, ...field.split(".")])];
  // The other way to name an image would still be there.
  const version = field === "picker.image" ? [remove([...at, "picker", "version"])] : [];
  if (deployed === "nothing") return [...gone, ...version];
  const edits = identityEdits(at, { [field]: deployed });
  // Where the config has only the pool's name there, no command can put a key below it.
  if (field === overridesField) return undefined;
  const isWhole =
    field === "server.env" || jsonFields.has(field) || wholeFields.has(field) || objectFields.has(field);
  const before = isWhole ? gone : version;
  return edits === undefined ? undefined : [...before, ...edits];
}

/** The fields of an identity are config keys; lists and objects are written out. */
function identityEdits(at: readonly string[], identity: PoolIdentity): ConfigEdit[] | undefined {
  const edits: ConfigEdit[] = [];
  for (const [field, text] of Object.entries(identity)) {
    const key = [...at, ...field.split(".")];
    if (field === "server.args") {
      const args = parsed(text);
      // A hash stands for what is secret: that only the user knows.
      if (!Array.isArray(args) || !args.every((arg) => typeof arg === "string" && arg !== hiddenText))
        return undefined;
      edits.push(...args.map((arg: string, i) => set([...key, i], arg)));
    } else if (field === "server.env") {
      const variables = plainVariables(text);
      if (variables === undefined) return undefined;
      const leaves = leafEdits(key, variables);
      if (leaves === undefined) return undefined;
      edits.push(...leaves);
    } else if (field === "server.podPatch.secrets") {
      // Only the user knows what it stands for.
      return undefined;
    } else if (jsonFields.has(field) || field === overridesField) {
      const leaves = leafEdits(key, parsed(text));
      if (leaves === undefined) return undefined;
      edits.push(...leaves);
    } else if (field === "zones" || field === "nodeLabels") {
      edits.push(...text.split(",").map((value, i) => set([...key, i], value)));
    } else if (objectFields.has(field)) {
      const inside = leafEdits(key, parsed(text));
      if (inside === undefined) return undefined;
      edits.push(...inside);
    } else if (field === pickerReplicas) {
      edits.push(set(key, 2));
    } else if (field === "adapters") {
      edits.push(set(key, text === adaptersLoaded));
    } else if (field === renderingField || (field === "server.port" && identity["like"] !== undefined)) {
      // A copied pod listens where it does: no key says so.
      continue;
    } else if (field === "like") {
      // The pool keeps its copy: the original need not be there, nor be declared.
      const overrides = identity[overridesField];
      edits.push(set(overrides === undefined ? key : [...key, "pool"], text.slice(text.indexOf("/") + 1)));
    } else {
      edits.push(set(key, numbers.has(field) ? Number(text) : text));
    }
  }
  return edits;
}

const numbers: ReadonlySet<string> = new Set([
  ...["acceleratorsPerReplica", "server.port", "server.shmGb", "server.drainSeconds", "diskGb"],
]);

/** Fields that are lists. */
const wholeFields: ReadonlySet<string> = new Set(["server.args", "zones", "nodeLabels"]);

/** Fields that are written down as JSON. */
const objectFields: ReadonlySet<string> = new Set([
  ...["weights", "picker.resources", "picker.config", "picker.flags", "picker.featureGates"],
]);

/** Edits that write a value anew; undefined where no command can: null, and objects and lists without anything in them. */
function leafEdits(key: ConfigPath, value: unknown): ConfigEdit[] | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return [set(key, value)];
  if (typeof value !== "object" || value === null) return undefined;
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.map((inner: unknown, i) => [i, inner])
    : Object.entries(value);
  const edits = entries.map(([name, inner]) => leafEdits([...key, name], inner));
  if (edits.length === 0 || edits.some((one) => one === undefined)) return undefined;
  return edits.flatMap((one) => one ?? []);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
