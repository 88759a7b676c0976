import { isObject } from "../../stacks/config/config-file";
import { sameValue, short, type StackValues, type Value } from "./values";

/** One difference between two configs. */
export interface Change {
  /** Full key of the config. */
  key: string;
  /** What is inside the key; empty: all of it. */
  path: readonly string[];
  /** undefined: it is not there. */
  before: unknown;
  after: unknown;
}

/**
 * What differs between two configs, as far inside as objects go on both sides: so that an edit touches no line of the
 * user's file that it need not. Secrets are never among them.
 * @throws Error where a secret differs: that is nobody's to write here.
 */
export function changesBetween(before: StackValues, after: StackValues): Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => {
    const [a, b] = [before[key], after[key]];
    if (sameValue(a, b)) return [];
    if (a?.secret === true || b?.secret === true)
      throw new Error(`${key} is a secret, and this command would change it`);
    return inside(key, [], contentOf(a), contentOf(b));
  });
}

const contentOf = (value: Value | undefined): unknown =>
  value === undefined || value.secret ? undefined : value.value;

function inside(key: string, path: readonly string[], before: unknown, after: unknown): Change[] {
  if (!isObject(before) || !isObject(after)) {
    const same = sameValue({ secret: false, value: before }, { secret: false, value: after });
    return same ? [] : [{ key, path, before, after }];
  }
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => inside(key, [...path, name], before[name], after[name]));
}

/** A change as one line: what it was, what it will be. */
export function describeChange({ key, path, before, after }: Change): string {
  const name = [short(key), ...path].join(".");
  if (before === undefined) return `+ ${name}: ${text(after)}`;
  if (after === undefined) return `- ${name}: ${text(before)}`;
  return `~ ${name}: ${text(before)} -> ${text(after)}`;
}

function text(value: unknown): string {
  if (value === "") return '""';
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * The `pulumi config` commands that carry changes out; at the most three, and none of them takes comments away from
 * lines that stay. Values that `--path` would read as another type (it takes "8000" for a number) are written by
 * their whole key, with their types.
 * @param after the config to deploy: whole keys are taken from it.
 */
export function configCommands(changes: readonly Change[], after: StackValues): string[][] {
  const whole = new Set(changes.filter((change) => !fitsPath(change)).map(({ key }) => key));
  const byPath = changes.filter(({ key }) => !whole.has(key));
  const sets = byPath.filter((change) => change.after !== undefined).flatMap(leaves);
  const removals = byPath.filter((change) => change.after === undefined);
  const commands: string[][] = [];
  if (sets.length > 0) {
    const flags = sets.flatMap(({ key, path, value }) => ["--plaintext", `${pathOf(key, path)}=${value}`]);
    commands.push(["config", "set-all", "--path", ...flags]);
  }
  if (whole.size > 0) {
    const entries = [...whole].map((key) => [key, printed(after[key])] as const);
    commands.push(["config", "set-all", "--json", JSON.stringify(Object.fromEntries(entries))]);
  }
  if (removals.length > 0) {
    commands.push(["config", "rm-all", "--path", ...removals.map(({ key, path }) => pathOf(key, path))]);
  }
  return commands;
}

interface Leaf {
  key: string;
  path: readonly string[];
  value: string;
}

/** An object that is new is set by its leaves. */
function leaves({ key, path, after }: Pick<Change, "key" | "path" | "after">): Leaf[] {
  if (!isObject(after)) return [{ key, path, value: String(after) }];
  return Object.entries(after).flatMap(([name, value]) =>
    leaves({ key, path: [...path, name], after: value }),
  );
}

function fitsPath({ key, path, before, after }: Change): boolean {
  if (after === undefined) return true;
  // What is no object does not become one by setting something inside it.
  if (before !== undefined && [before, after].some((value) => typeof value === "object")) return false;
  const all = leavesOf(path, after);
  return (
    all.length > 0 &&
    all.every(
      ({ path: at, value }) => [key, ...at].every((name) => !name.includes("=")) && keepsType(at, value),
    )
  );
}

function leavesOf(path: readonly string[], value: unknown): { path: readonly string[]; value: unknown }[] {
  if (!isObject(value)) return [{ path, value }];
  const entries = Object.entries(value);
  // An empty object has no leaf that could be set.
  if (entries.length === 0) return [{ path, value }];
  return entries.flatMap(([name, inner]) => leavesOf([...path, name], inner));
}

/** With --path, integers become numbers and true and false booleans, all else text; top-level values stay text. */
function keepsType(path: readonly string[], value: unknown): boolean {
  if (typeof value === "number") return path.length === 0 || Number.isSafeInteger(value);
  if (typeof value === "boolean") return true;
  if (typeof value !== "string") return false;
  return path.length === 0 || !/^([+-]?\d+|true|false)$/.test(value);
}

function pathOf(key: string, path: readonly string[]): string {
  return path.reduce(
    (text, name) => (/^[A-Za-z_][\w-]*$/.test(name) ? `${text}.${name}` : `${text}[${JSON.stringify(name)}]`),
    key,
  );
}

function printed(value: Value | undefined): object {
  if (value === undefined || value.secret)
    throw new Error("this command writes only values that are not secret");
  const content = value.value;
  return typeof content === "object" && content !== null
    ? { value: JSON.stringify(content), objectValue: content, secret: false }
    : { value: String(content), secret: false };
}
