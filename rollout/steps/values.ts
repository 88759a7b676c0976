import { defaults } from "../../stacks/config/defaults";
import { keyText } from "../../stacks/messages/edits";
import type { ConfigEdit, ConfigPath, ConfigValue } from "../../stacks/plan/config-edits";
import { hiddenText } from "../../stacks/plan/secret-args";
import { isObject, withoutSecure } from "../../stacks/config/config-file";
import { isDeepStrictEqual } from "node:util";

/**
 * One value of a stack's config. A secret's value is never known here: not to show it is to not have it. Of an object
 * with secrets inside, `around` is the rest.
 */
export type Value = { secret: true; around?: Around } | { secret: false; value: unknown };

/** An object without its secrets: something else stands in their places. */
export interface Around {
  value: unknown;
  /** Where the secrets are, as `pools.llm.server.args[1]`. */
  secrets: readonly string[];
}

/** A stack's config by full key (`inference-rollout:weight`, `gcp:project`), as the CLI prints it. */
export type StackValues = Readonly<Record<string, Value>>;

/** One key, as `pulumi config --json` prints it. */
export interface Printed {
  value?: string;
  objectValue?: unknown;
  secret: boolean;
}

/** What `pulumi config --json` prints, and what `pulumi stack history --json` says of an update. */
export function parseValues(printed: unknown): StackValues {
  const entries = Object.entries((printed ?? {}) as Record<string, Printed>);
  return Object.fromEntries(
    entries.map(([key, { value, objectValue, secret }]) => [
      key,
      secret ? { secret } : { secret, value: objectValue ?? value ?? "" },
    ]),
  );
}

/**
 * The same config with what its file tells beyond what the CLI prints: what is around the secrets of an object.
 * @param written keys without the project's prefix: see stacks/config/config-file.ts.
 */
export function asWritten(values: StackValues, written: Readonly<Record<string, unknown>>): StackValues {
  return Object.fromEntries(
    Object.entries(values).map(([key, entry]): [string, Value] => {
      const inFile = key === short(key) ? undefined : written[short(key)];
      if (inFile === undefined || !entry.secret) return [key, entry];
      const around = withoutSecure(short(key), inFile, hiddenText);
      const isWhole = around.secrets.length === 0 || around.secrets.includes(short(key));
      return [key, isWhole ? entry : { secret: true, around }];
    }),
  );
}

export const project = "inference-rollout";

/** Full key of one of the program's own. */
export const own = (key: string): string => `${project}:${key}`;

/** The key as people write it on the command line. */
export const short = (key: string): string =>
  key.startsWith(`${project}:`) ? key.slice(project.length + 1) : key;

/** The value of one of the program's own keys; undefined where it is absent, empty or secret. */
export function valueOf(values: StackValues, key: string): unknown {
  const entry = values[own(key)];
  return entry === undefined || entry.secret || entry.value === "" ? undefined : entry.value;
}

/**
 * The same config after edits, as the CLI would make them.
 * @throws Error where an edit goes into a secret, or needs a person: that is nobody's to write here.
 */
export function withEdits(values: StackValues, edits: readonly ConfigEdit[]): StackValues {
  return edits.reduce(withEdit, values);
}

function withEdit(values: StackValues, edit: ConfigEdit): StackValues {
  const [first, ...rest] = edit.path;
  const key = own(String(first));
  const result: Record<string, Value> = { ...values };
  if (edit.op !== "set" && edit.op !== "remove") throw new Error(`${keyText(edit.path)} is typed`);
  if (rest.length === 0 && edit.op === "remove") {
    Reflect.deleteProperty(result, key);
    return result;
  }
  if (rest.length > 0 && values[key]?.secret === true)
    throw new Error(`${String(first)} is a secret, and this command would change it`);
  const before = valueOf(values, String(first));
  const value = edit.op === "set" ? placed(before, rest, edit.value) : without(before, rest);
  if (value !== undefined) result[key] = { secret: false, value };
  return result;
}

/** A value with another one at a path inside it; what is missing on the way is made. */
function placed(inside: unknown, [name, ...rest]: ConfigPath, value: ConfigValue): unknown {
  if (name === undefined) return value;
  if (typeof name === "number") {
    const list: unknown[] = Array.isArray(inside) ? [...(inside as unknown[])] : [];
    list[name] = placed(list[name], rest, value);
    return list;
  }
  const object = isObject(inside) ? inside : {};
  return { ...object, [name]: placed(object[name], rest, value) };
}

/** A value without what is at a path inside it. */
function without(inside: unknown, [name, ...rest]: ConfigPath): unknown {
  if (name === undefined || typeof inside !== "object" || inside === null) return inside;
  if (Array.isArray(inside)) {
    const list = inside as readonly unknown[];
    return rest.length === 0
      ? list.filter((_, i) => i !== name)
      : list.map((entry, i) => (i === name ? without(entry, rest) : entry));
  }
  const object = inside as Readonly<Record<string, unknown>>;
  const entries = Object.entries(object).flatMap(([key, entry]): [string, unknown][] => {
    if (key !== String(name)) return [[key, entry]];
    return rest.length === 0 ? [] : [[key, without(entry, rest)]];
  });
  return Object.fromEntries(entries);
}

/** Whether two values are the same to the program: at the top level, Pulumi keeps numbers as text. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.secret || b.secret) return a.secret && b.secret;
  return isDeepStrictEqual(plain(a.value), plain(b.value));
}

const plain = (value: unknown): unknown =>
  typeof value === "number" || typeof value === "boolean" ? String(value) : value;

/** The keys of the config that say where a rollout stands. */
export function rolesOf(values: StackValues): { stable?: string; candidate?: string; weight: number } {
  const [stable, candidate] = [valueOf(values, "stable"), valueOf(values, "candidate")];
  const weight = Number(valueOf(values, "weight") ?? 0);
  return {
    ...(typeof stable === "string" ? { stable } : {}),
    ...(typeof candidate === "string" ? { candidate } : {}),
    weight: Number.isFinite(weight) ? weight : 0,
  };
}

export function ladderOf(values: StackValues): number[] {
  const ladder = valueOf(values, "ladder");
  const steps = Array.isArray(ladder) && ladder.length > 0 ? ladder.map(Number) : [...defaults.ladder];
  return steps.filter((step) => Number.isInteger(step));
}

/** The words of `allow`; the CLI leaves null where a place is skipped. */
export function waiversIn(values: StackValues): string[] {
  const present = valueOf(values, "allow");
  return (Array.isArray(present) ? present : [])
    .filter((word: unknown) => word !== null && word !== "")
    .map(String);
}
