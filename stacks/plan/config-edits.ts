/*
 * What a person can do about a refusal or a mistake of the config, as data: edits of the stack's config, other commands, and the words between
 * them. messages/ renders them as text and commands; the rollout command applies the same edits itself.
 */

/** Where a value is: names of keys, and places in lists. */
export type ConfigPath = readonly (string | number)[];

/** A key as it stands in messages, or a path where a name may have a dot or a bracket in it. */
export type ConfigKeyOrPath = string | ConfigPath;

export type ConfigValue = string | number | boolean;

/** One edit of the stack's config. */
export type ConfigEdit =
  | { op: "set"; path: ConfigPath; value: ConfigValue }
  /** A secret: the value is not part of the edit, the CLI asks for it. */
  | { op: "set-secret"; path: ConfigPath }
  /** What was marked as a secret and is none: the user types the value, which nothing repeats. */
  | { op: "set-plain"; path: ConfigPath }
  /** The time at which the edit is made. */
  | { op: "set-time"; path: ConfigPath }
  | { op: "remove"; path: ConfigPath };

/** An edit, or another command as it is typed. */
export type Command = ConfigEdit | { op: "run"; command: string };

export type FixPart = { kind: "text"; text: string } | { kind: "commands"; commands: readonly Command[] };

/** Words, and commands that are typed one after the other. */
export interface Fix {
  readonly parts: readonly FixPart[];
}

/** @param value a string is stored as a string, a number or boolean as that. */
export const set = (key: ConfigKeyOrPath, value: ConfigValue): ConfigEdit => ({
  op: "set",
  path: pathOf(key),
  value,
});

export const setSecret = (key: ConfigKeyOrPath): ConfigEdit => ({ op: "set-secret", path: pathOf(key) });

export const setPlain = (key: ConfigKeyOrPath): ConfigEdit => ({ op: "set-plain", path: pathOf(key) });

export const setTime = (key: ConfigKeyOrPath): ConfigEdit => ({ op: "set-time", path: pathOf(key) });

export const remove = (key: ConfigKeyOrPath): ConfigEdit => ({ op: "remove", path: pathOf(key) });

/** Edits that set a list anew, whatever was there. */
export function setList(key: ConfigKeyOrPath, values: readonly ConfigValue[]): ConfigEdit[] {
  const path = pathOf(key);
  return [remove(path), ...values.map((value, i) => set([...path, i], value))];
}

/** The edit that waives a rule. @param place in the list; 0 is right where the list is empty. */
export const allow = (waiver: string, place = 0): ConfigEdit => set(["allow", place], waiver);

export const run = (command: string): Command => ({ op: "run", command });

export const pulumiUp = run("pulumi up");

type FixValue = string | number | Command | readonly Command[] | Fix;

/** A fix as it is read: fix`take its weight away: ${[set("weight", 0), pulumiUp]}`. */
export function fix(texts: TemplateStringsArray, ...values: readonly FixValue[]): Fix {
  const parts = texts.flatMap((text, i) => {
    const value = values[i];
    return [...textParts(text), ...(value === undefined ? [] : partsOf(value))];
  });
  return { parts };
}

/** A fix that is commands alone, typed one after the other. */
export const edits = (...commands: readonly Command[]): Fix => ({ parts: partsOf(commands) });

/** Several fixes in one, with a separator between them. */
export function joinFixes(fixes: readonly Fix[], separator: string): Fix {
  return { parts: fixes.flatMap(({ parts }, i) => (i === 0 ? parts : [...textParts(separator), ...parts])) };
}

/** Every edit of the config that a fix proposes, in the order in which it names them. */
export function editsIn({ parts }: Fix): ConfigEdit[] {
  return parts.flatMap((part) => (part.kind === "text" ? [] : part.commands.filter(isEdit)));
}

const isEdit = (command: Command): command is ConfigEdit => command.op !== "run";

/** The same fix with each of its parts changed: its words, and its commands one by one. */
export const mapFix = (
  { parts }: Fix,
  { text, command }: { text: (text: string) => string; command: (command: Command) => Command },
): Fix => ({
  parts: parts.map((part) =>
    part.kind === "text"
      ? { ...part, text: text(part.text) }
      : { ...part, commands: part.commands.map(command) },
  ),
});

function partsOf(value: FixValue): readonly FixPart[] {
  if (typeof value === "string" || typeof value === "number") return textParts(String(value));
  if ("parts" in value) return value.parts;
  return [{ kind: "commands", commands: "op" in value ? [value] : value }];
}

const textParts = (text: string): FixPart[] => (text === "" ? [] : [{ kind: "text", text }]);

/** Splits a key as the CLI does: `pools.llm.server.args[1]`, `pools["llama-3.1-8b"]`. */
export function pathOf(key: ConfigKeyOrPath): ConfigPath {
  if (typeof key !== "string") return key;
  const parts = key.matchAll(/\["((?:\\"|[^"])*)"\]|\[(\d+)\]|\.?([^.[]+)/g);
  return [...parts].map(([, quoted, index, name]) =>
    quoted !== undefined ? quoted.replaceAll('\\"', '"') : index !== undefined ? Number(index) : (name ?? ""),
  );
}
