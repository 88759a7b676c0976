import { z } from "zod";
import { nearest, removeCommand, setCommand, shown, type Mistake } from "./mistakes";
import { adapterSchema, type AdapterInput } from "./adapter-schema";
import { configSchema, objectiveSchema, poolSchema, type ConfigKey, type PoolInput } from "./schema";

/** Values by key as they stand in the stack's config: scalars as strings or numbers, objects and lists parsed. */
export type RawConfig = Readonly<Record<string, unknown>>;

export type Parsed = { [K in ConfigKey]?: z.infer<(typeof configSchema)[K]> };

export interface ShapeResult {
  /** The keys whose values have the right shape. */
  values: Parsed;
  pools: Readonly<Record<string, PoolInput>>;
  objectives: readonly z.infer<typeof objectiveSchema>[];
  /** With their place in the list, which the commands that mend them name. */
  adapters: readonly { input: AdapterInput; index: number }[];
  mistakes: Mistake[];
}

/**
 * Checks the shape of every key by itself, so that one mistake does not hide the others. What only several keys
 * together can tell is checked by resolve.ts.
 */
export function checkShape(raw: RawConfig): ShapeResult {
  const mistakes: Mistake[] = [];
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(raw)) {
    if (!(key in configSchema)) mistakes.push(unknownKey(key, raw[key], "", Object.keys(configSchema)));
  }
  for (const key of Object.keys(configSchema) as ConfigKey[]) {
    const value = raw[key];
    // An object or list that is declared with an empty default, or emptied by hand, is an absent one.
    if (value === undefined || (value === "" && emptyIsAbsent.has(key))) continue;
    values[key] = parse(configSchema[key] as z.ZodType, value, key, mistakes);
  }
  const pools: Record<string, PoolInput> = {};
  for (const [name, value] of Object.entries((values["pools"] ?? {}) as Record<string, unknown>)) {
    const wrong =
      parse(poolName, name, `pools.${name}`, mistakes, removeCommand(`pools.${name}`)) === undefined;
    const pool = parse(poolSchema, value, `pools.${name}`, mistakes);
    if (!wrong && pool !== undefined) pools[name] = pool as PoolInput;
  }
  const objectives = ((values["objectives"] ?? []) as unknown[]).flatMap((value, i) => {
    const objective = parse(objectiveSchema, value, `objectives[${i}]`, mistakes);
    return objective === undefined ? [] : [objective as z.infer<typeof objectiveSchema>];
  });
  const adapters = ((values["adapters"] ?? []) as unknown[]).flatMap((value, index) => {
    const input = parse(adapterSchema, value, `adapters[${index}]`, mistakes);
    return input === undefined ? [] : [{ input: input as AdapterInput, index }];
  });
  return { values, pools, objectives, adapters, mistakes };
}

const emptyIsAbsent: ReadonlySet<string> = new Set<ConfigKey>([
  "role",
  "platform",
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

function parse(schema: z.ZodType, value: unknown, key: string, mistakes: Mistake[], mend?: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const seen = new Set<string>();
  for (const issue of result.error.issues) {
    for (const mistake of fromIssue(issue, value, key, schema)) {
      // A value can break several rules of one field; the first message already says all that is allowed.
      if (seen.has(mistake.key)) continue;
      seen.add(mistake.key);
      mistakes.push(mend === undefined ? mistake : { ...mistake, mend });
    }
  }
  return undefined;
}

function fromIssue(issue: z.core.$ZodIssue, value: unknown, key: string, schema: z.ZodType): Mistake[] {
  const at = issue.path.reduce<string>(
    (path, part) => (typeof part === "number" ? `${path}[${part}]` : `${path}.${String(part)}`),
    key,
  );
  const found = issue.path.reduce<unknown>(
    (inner, part) => (inner as Record<PropertyKey, unknown>)[part],
    value,
  );
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(schema, issue.path);
    return issue.keys.map((name) =>
      unknownKey(name, (found as Record<string, unknown>)[name], `${at}.`, known),
    );
  }
  return [{ key: at, found: shown(found), allowed: issue.message, mend: setCommand(at, exampleFor(at)) }];
}

function unknownKey(name: string, value: unknown, prefix: string, known: readonly string[]): Mistake {
  const meant = nearest(name, known);
  const remove = removeCommand(`${prefix}${name}`);
  const simple = typeof value === "string" || typeof value === "number";
  return {
    key: `${prefix}${name}`,
    found: shown(value),
    allowed:
      meant === undefined ? `no such key; there are ${known.join(", ")}` : `no such key; ${meant} is meant?`,
    mend:
      meant !== undefined && simple
        ? `${remove} && ${setCommand(`${prefix}${meant}`, String(value))}`
        : remove,
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

/** A value that would be right, for the command that mends a mistake. */
function exampleFor(key: string): string {
  const last = key.split(/[.[]/).at(-1) ?? key;
  return examples[last] ?? "VALUE";
}

const examples: Readonly<Record<string, string>> = {
  weight: "10",
  role: "all",
  service: "llm",
  namespace: "default",
  model: "Qwen/Qwen3-8B",
  stable: "llm",
  candidate: "llm-new",
  accelerator: "nvidia-l4",
  acceleratorsPerReplica: "1",
  replicas: "2",
  port: "8000",
  loadingMinutes: "20",
  version: "v0.21.0",
  priority: "0",
  existing: "true",
  like: "llm",
  via: "gateway",
  endpoint: "embeddings",
  names: "declared",
  timeoutSeconds: "600",
  exposure: "internal",
  mode: "full",
  headroom: "1.2",
  rollbackReserve: "0.5",
  time: "2026-11-27T18:00:00Z",
  from: "2026-11-27T00:00:00Z",
  to: "2026-11-30T00:00:00Z",
  reason: "WHY",
  name: "food-review",
  source: "acme/food-review",
  adapters: "true",
};
