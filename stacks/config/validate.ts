import { z } from "zod";
import { keyText, type ConfigPath } from "../messages/edits";
import { nearest, removeCommand, setCommand, shown, type Mistake } from "../messages/mistakes";
import { repair } from "./repair";
import { adapterSchema, type AdapterInput } from "./adapter-schema";
import {
  configSchema,
  objectiveSchema,
  poolSchema,
  type ConfigKey,
  type PoolInput,
  type ServerInput,
} from "./schema";
import { isSomewhere, secretArgs, secretsInClear } from "./secrets";

/** Values by key as they stand in the stack's config: scalars as strings or numbers, objects and lists parsed. */
export type RawConfig = Readonly<Record<string, unknown>>;

export type Parsed = { [K in Exclude<ConfigKey, "server">]?: z.infer<(typeof configSchema)[K]> } & {
  server?: ServerInput;
};

export interface ShapeResult {
  /** The keys whose values have the right shape. */
  values: Parsed;
  pools: Readonly<Record<string, PoolInput>>;
  objectives: readonly z.infer<typeof objectiveSchema>[];
  /** With their place in the list, which the commands that fix them name. */
  adapters: readonly { input: AdapterInput; index: number }[];
  mistakes: Mistake[];
}

/**
 * Checks the shape of every key by itself, so that one mistake does not hide the others. What only several keys
 * together can tell is checked by resolve.ts.
 */
export function checkShape(raw: RawConfig, secrets: ReadonlySet<string> = new Set()): ShapeResult {
  const mistakes: Mistake[] = [];
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(raw)) {
    if (!(key in configSchema)) mistakes.push(unknownKey([], key, raw[key], Object.keys(configSchema)));
  }
  for (const key of Object.keys(configSchema) as ConfigKey[]) {
    const value = raw[key];
    // An object or list that is declared with an empty default, or emptied by hand, is an absent one.
    if (value === undefined || (value === "" && emptyIsAbsent.has(key))) continue;
    values[key] = parse(configSchema[key] as z.ZodType, value, [key], mistakes);
  }
  const pools: Record<string, PoolInput> = {};
  for (const [name, value] of Object.entries((values["pools"] ?? {}) as Record<string, unknown>)) {
    const wrong =
      parse(poolName, name, ["pools", name], mistakes, removeCommand(["pools", name])) === undefined;
    const pool = parse(poolSchema, value, ["pools", name], mistakes);
    if (wrong || pool === undefined) continue;
    const { server, ...rest } = pool as PoolInput;
    pools[name] =
      server === undefined ? rest : { ...rest, server: withSecrets(`pools.${name}.server`, server, secrets) };
  }
  const parsed: Parsed = values;
  if (parsed.server !== undefined) values["server"] = withSecrets("server", parsed.server, secrets);
  const objectives = ((values["objectives"] ?? []) as unknown[]).flatMap((value, i) => {
    const objective = parse(objectiveSchema, value, ["objectives", i], mistakes);
    return objective === undefined ? [] : [objective as z.infer<typeof objectiveSchema>];
  });
  const adapters = ((values["adapters"] ?? []) as unknown[]).flatMap((value, index) => {
    const input = parse(adapterSchema, value, ["adapters", index], mistakes);
    return input === undefined ? [] : [{ input: input as AdapterInput, index }];
  });
  const told = new Set(mistakes.map(({ key }) => key));
  const known = new Set(Object.keys(configSchema));
  mistakes.push(...secretsInClear(raw, secrets, known).filter(({ key }) => !told.has(key)));
  return { values, pools, objectives, adapters, mistakes };
}

function withSecrets(key: string, server: ServerInput, secrets: ReadonlySet<string>): ServerInput {
  const places = secretArgs(key, server.args, secrets);
  if (places === undefined) return server;
  const guessed = isSomewhere(key, secrets);
  return { ...server, secretArgs: places, ...(guessed ? { secretArgsGuessed: true } : {}) };
}

const emptyIsAbsent: ReadonlySet<string> = new Set<ConfigKey>([
  "role",
  "platform",
  "route",
  "server",
  "pools",
  "objectives",
  "aliases",
  "adapters",
  "cluster",
  "gateway",
  "gate",
  "ladder",
  "capacity",
  "freeze",
  "rolledBack",
  "resumed",
  "allow",
  "rollout",
  "huggingFaceToken",
]);

/** The key of a pool is its name; its schema is that of `stable`. */
const poolName = configSchema.stable.unwrap();

function parse(
  schema: z.ZodType,
  value: unknown,
  key: ConfigPath,
  mistakes: Mistake[],
  fix?: string,
): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const seen = new Set<string>();
  for (const issue of result.error.issues) {
    for (const mistake of fromIssue(issue, value, key, schema)) {
      // A value can break several rules of one field; the first message already says all that is allowed.
      if (seen.has(mistake.key)) continue;
      seen.add(mistake.key);
      mistakes.push(fix === undefined ? mistake : { ...mistake, fix });
    }
  }
  return undefined;
}

function fromIssue(issue: z.core.$ZodIssue, value: unknown, key: ConfigPath, schema: z.ZodType): Mistake[] {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  const at = [...key, ...path];
  const found = path.reduce<unknown>((inner, part) => (inner as Record<PropertyKey, unknown>)[part], value);
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(schema, issue.path);
    return issue.keys.map((name) => unknownKey(at, name, (found as Record<string, unknown>)[name], known));
  }
  return [
    {
      key: keyText(at),
      found: shown(found),
      allowed: issue.message,
      fix: repair(schema, path, at, found, issue.message),
    },
  ];
}

function unknownKey(at: ConfigPath, name: string, value: unknown, known: readonly string[]): Mistake {
  const meant = nearest(name, known);
  const remove = removeCommand([...at, name]);
  const simple = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return {
    key: keyText([...at, name]),
    found: shown(value),
    allowed:
      meant === undefined ? `no such key; there are ${known.join(", ")}` : `no such key; ${meant} is meant?`,
    fix: meant !== undefined && simple ? `${remove} && ${setCommand([...at, meant], value)}` : remove,
  };
}

function keysOf(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let inner: unknown = schema;
  for (const part of ["", ...path]) {
    if (part !== "" && inner instanceof z.ZodObject)
      inner = (inner.shape as Record<PropertyKey, unknown>)[part];
    while (inner instanceof z.ZodOptional) inner = inner.unwrap();
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}
