import { isObject } from "./config-file";
import { z } from "zod";
import { keyText } from "../messages/edits";
import { nearest, shown, type Mistake } from "../messages/mistakes";
import { edits, remove, set, type ConfigPath, type Fix } from "../plan/config-edits";
import { infoOf, longFormOf, unwrapped, type Entry } from "./fields";
import type { PoolInput } from "./pool-keys";
import { repair } from "./repair";
import { configSchema, typeAt, type ConfigKey } from "./schema";
import { podSettings } from "../../components/model-server/pod-settings";
import { settingsOf } from "./pod-settings-keys";
import { isSomewhere, secretArgs, secretsInClear, secretVariable } from "./secrets";
import type { RawServer, ServerInput } from "./server-keys";

/** Values by key as the user wrote them: scalars as strings or numbers, objects and lists parsed. */
export type RawConfig = Readonly<Record<string, unknown>>;

type Schema = typeof configSchema;
type ListKey = "objectives" | "adapters" | "freeze" | "guardedServices";
type Input<K extends ListKey> = NonNullable<z.infer<Schema[K]>>[number];

/** Values of the keys, with their constant defaults. A value that has the wrong shape counts as absent. */
export type Values = { [K in Exclude<ConfigKey, ListKey | "pools" | "server">]: z.infer<Schema[K]> } & {
  server?: ServerInput;
};

export interface ParsedConfig {
  values: Values;
  pools: Readonly<Record<string, PoolInput>>;
  objectives: readonly Entry<Input<"objectives">>[];
  adapters: readonly Entry<Input<"adapters">>[];
  freeze: readonly Entry<Input<"freeze">>[];
  guardedServices: readonly Entry<Input<"guardedServices">>[];
  /** What the config declares, with what has the wrong shape: names of pools, number of adapters. */
  declared: { pools: readonly string[]; adapters: number };
  mistakes: Mistake[];
}

/**
 * Checks the shape of every key by itself, and of every pool and entry of a list, so that one mistake does not hide
 * others. The files of the groups check what depends on several keys.
 * @param secrets keys whose values are secret (secrets.ts).
 */
export function parseConfig(raw: RawConfig, secrets: ReadonlySet<string> = new Set()): ParsedConfig {
  const mistakes: Mistake[] = [];
  const known = Object.keys(configSchema);
  for (const key of Object.keys(raw)) {
    if (!known.includes(key)) mistakes.push(unknownKey([], key, raw[key], known));
  }
  const values: Record<string, unknown> = {};
  const entries: Record<string, readonly Entry<unknown>[]> = {};
  let pools: Record<string, unknown> = {};
  let declaredPools: string[] = [];
  for (const [key, schema] of Object.entries<z.ZodType>(configSchema)) {
    const given = key === "allow" ? withoutNulls(raw[key]) : raw[key];
    const value = isAbsent(schema, given) ? undefined : given;
    const { inner } = unwrapped(schema);
    if (inner instanceof z.ZodRecord && isObject(value)) {
      declaredPools = Object.keys(value);
      pools = parseNamed(key, inner, value, mistakes);
    } else if (holdsObjects(inner) && Array.isArray(value)) {
      entries[key] = value.flatMap((input: unknown, index) => {
        const entry = check(inner.element as z.ZodType, input, [key, index], mistakes);
        return entry === undefined ? [] : [{ input: entry, index }];
      });
    } else {
      const given = value === undefined ? undefined : check(schema, value, [key], mistakes);
      values[key] = given ?? schema.safeParse(undefined).data;
    }
  }
  const inPools = Object.entries(pools as Record<string, PoolInput>).map(
    ([name, pool]): [string, PoolInput] => [
      name,
      pool.server === undefined
        ? pool
        : { ...pool, server: asServer(`pools.${name}.server`, pool.server as RawServer, secrets) },
    ],
  );
  if (values["server"] !== undefined)
    values["server"] = asServer("server", values["server"] as RawServer, secrets);
  const reported = new Set(mistakes.map(({ key }) => key));
  mistakes.push(...secretsInClear(raw, secrets, new Set(known)).filter(({ key }) => !reported.has(key)));
  const list = <K extends ListKey>(key: K): readonly Entry<Input<K>>[] =>
    (entries[key] ?? []) as readonly Entry<Input<K>>[];
  const adapters = raw["adapters"];
  return {
    values: values as Values,
    pools: Object.fromEntries(inPools),
    objectives: list("objectives"),
    adapters: list("adapters"),
    freeze: list("freeze"),
    guardedServices: list("guardedServices"),
    declared: { pools: declaredPools, adapters: Array.isArray(adapters) ? adapters.length : 0 },
    mistakes,
  };
}

/** An object or list that is declared with an empty default, or emptied by hand, is absent. */
function isAbsent(schema: z.ZodType, value: unknown): boolean {
  if (value !== "") return value === undefined;
  const { inner } = unwrapped(schema);
  return (
    infoOf(schema)?.emptyIsAbsent === true ||
    [z.ZodObject, z.ZodArray, z.ZodRecord].some((container) => inner instanceof container)
  );
}

const holdsObjects = (inner: z.ZodType): inner is z.ZodArray =>
  inner instanceof z.ZodArray && inner.element instanceof z.ZodObject;

/** Values by names that the user chooses: those whose name and value both have the right shape. */
function parseNamed(
  key: string,
  { keyType, valueType }: z.ZodRecord,
  value: Readonly<Record<string, unknown>>,
  mistakes: Mistake[],
): Record<string, unknown> {
  const parsed = Object.entries(value).map(([name, input]): [string, unknown] => {
    const at = [key, name];
    const hasName = check(keyType as z.ZodType, name, at, mistakes, edits(remove(at))) !== undefined;
    const found = check(valueType as z.ZodType, input, at, mistakes);
    return [name, hasName ? found : undefined];
  });
  return Object.fromEntries(parsed.filter(([, found]) => found !== undefined));
}

/** A server as the plan has it, with what is secret of it. */
function asServer(key: string, raw: RawServer, secrets: ReadonlySet<string>): ServerInput {
  const own = Object.entries(raw).filter(([name]) => !(podSettings as readonly string[]).includes(name));
  const server = Object.fromEntries(own) as ServerInput;
  const guessed = isSomewhere(key, secrets);
  const settings = settingsOf(raw, (variable) => secretVariable(key, variable, secrets), guessed);
  const withSettings = Object.keys(settings).length === 0 ? server : { ...server, settings };
  const places = secretArgs(key, server.args, secrets);
  if (places === undefined) return withSettings;
  return { ...withSettings, secretArgs: places, ...(guessed ? { secretArgsGuessed: true } : {}) };
}

/** @returns undefined if the value has the wrong shape. */
function check(schema: z.ZodType, value: unknown, key: ConfigPath, mistakes: Mistake[], fix?: Fix): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const seen = new Set<string>();
  for (const issue of result.error.issues) {
    for (const mistake of fromIssue(issue, value, key, schema)) {
      // A value can break several rules of one field; the first message already says all that is expected.
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
    const place = typeAt(schema, path)?.inner;
    const inner = place === undefined ? undefined : longFormOf(place);
    const known = inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
    return issue.keys.map((name) => unknownKey(at, name, (found as Record<string, unknown>)[name], known));
  }
  return [
    {
      key: keyText(at),
      found: shown(found),
      allowed: issue.message,
      fix: edits(...repair(schema, path, at, found)),
    },
  ];
}

function unknownKey(at: ConfigPath, name: string, value: unknown, known: readonly string[]): Mistake {
  const meant = nearest(name, known);
  const away = remove([...at, name]);
  const simple = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return {
    key: keyText([...at, name]),
    found: shown(value),
    allowed:
      meant === undefined
        ? `unknown key; known keys: ${known.join(", ")}`
        : `unknown key; did you mean ${meant}?`,
    fix: meant !== undefined && simple ? edits(away, set([...at, meant], value)) : edits(away),
  };
}

/** `config set --path 'allow[1]'` leaves null at a place before it that has nothing; the others keep theirs. */
const withoutNulls = (list: unknown): unknown =>
  Array.isArray(list) ? list.map((one: unknown) => one ?? "") : list;
