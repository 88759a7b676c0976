import type { ServiceConfig, Observed } from "./model";
import { hiddenText } from "../config/secrets";
import { removeCommand, setCommand } from "../messages/edits";
import { adaptersLoaded, type PoolIdentity } from "./identity";

/**
 * Commands that put a pool back into a config that has it no more, as it is deployed; "" where the config has it.
 * Without them, a command that names the pool as stable or candidate would lead to the next mistake.
 * @returns undefined where what is deployed does not say what it was made as.
 */
export function redeclare(name: string, config: ServiceConfig, observed: Observed): string | undefined {
  if (config.pools[name] !== undefined) return "";
  const live = observed.pools.find((pool) => pool.name === name);
  if (live === undefined || name.includes("/")) return undefined;
  const at = ["pools", name] as const;
  if (!live.owned) {
    const namespace =
      live.namespace === config.namespace ? [] : [setCommand([...at, "namespace"], live.namespace)];
    return `${[setCommand([...at, "existing"], true), ...namespace].join(" && ")} && `;
  }
  if (live.identity === undefined) return undefined;
  const fields = identityCommands(at, live.identity);
  if (fields === undefined) return undefined;
  const replicas = observed.record?.sizes?.[name] ?? live.replicas ?? 1;
  return `${[...fields, setCommand([...at, "replicas"], replicas)].join(" && ")} && `;
}

/** Commands that put one field of a pool back to what is deployed; undefined where nobody but the user can. */
export function putBack(pool: string, field: string, deployed: string): string | undefined {
  const at = ["pools", pool];
  if (deployed === "nothing") return removeCommand([...at, ...field.split(".")]);
  const commands = identityCommands(at, { [field]: deployed });
  const list = field === "server.args" || field === "zones" || field === "nodeLabels" || field === "weights";
  const before = list ? [removeCommand([...at, ...field.split(".")])] : [];
  return commands === undefined ? undefined : [...before, ...commands].join(" && ");
}

/** The fields of an identity are config keys; lists and objects are written out. */
function identityCommands(at: readonly string[], identity: PoolIdentity): string[] | undefined {
  const commands: string[] = [];
  for (const [field, text] of Object.entries(identity)) {
    const key = [...at, ...field.split(".")];
    if (field === "server.args") {
      const args = parsed(text);
      // A hash stands for what is secret: that only the user knows.
      if (!Array.isArray(args) || !args.every((arg) => typeof arg === "string" && arg !== hiddenText))
        return undefined;
      commands.push(...args.map((arg: string, i) => setCommand([...key, i], arg)));
    } else if (field === "zones" || field === "nodeLabels") {
      commands.push(...text.split(",").map((value, i) => setCommand([...key, i], value)));
    } else if (field === "weights") {
      const weights = parsed(text);
      if (typeof weights !== "object" || weights === null) return undefined;
      for (const [name, value] of Object.entries(weights))
        commands.push(setCommand([...key, name], String(value)));
    } else if (field === "adapters") {
      commands.push(setCommand(key, text === adaptersLoaded));
    } else if (field === "like") {
      return undefined;
    } else {
      commands.push(setCommand(key, numbers.has(field) ? Number(text) : text));
    }
  }
  return commands;
}

const numbers: ReadonlySet<string> = new Set(["acceleratorsPerReplica", "server.port", "diskGb"]);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
