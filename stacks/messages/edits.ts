/*
 * Every change of a stack's config that a message proposes, as a command that does it when it is typed as printed.
 * What the CLI makes of a command was tried with pulumi 3.250.0, and is held by test/stacks/messages:
 *
 * - With --path a key is split at dots; a name with a dot in it has to stand in ["..."], or another key is meant, and
 *   `rm` of a key that is not there ends with 0.
 * - With --path, true, false and whole numbers are stored as such unless --type string says otherwise; without --path
 *   everything is text, and a list cannot be said at all.
 * - What begins with - is taken for a flag unless it comes after --.
 * - A key whose name has password, secret or token in it is refused in clear text unless --plaintext says that it is
 *   meant.
 * - A secret is not an argument, where every process of the machine can read it: without a value, the CLI asks for it.
 */

/** Where a value is: names of keys, and places in lists. */
export type ConfigPath = readonly (string | number)[];

/** A key as it stands in messages, or a path where a name may have a dot or a bracket in it. */
export type ConfigKeyOrPath = string | ConfigPath;

/** Splits a key as the CLI does: `pools.llm.server.args[1]`, `pools["llama-3.1-8b"]`. */
export function pathOf(key: ConfigKeyOrPath): ConfigPath {
  if (typeof key !== "string") return key;
  const parts = key.matchAll(/\["((?:\\"|[^"])*)"\]|\[(\d+)\]|\.?([^.[]+)/g);
  return [...parts].map(([, quoted, index, name]) =>
    quoted !== undefined ? quoted.replaceAll('\\"', '"') : index !== undefined ? Number(index) : (name ?? ""),
  );
}

/** A path as the CLI reads it, and as messages show it. */
export function keyText(key: ConfigKeyOrPath): string {
  return pathOf(key).reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (text === "") return part;
    return plainName.test(part) ? `${text}.${part}` : `${text}["${part.replaceAll('"', '\\"')}"]`;
  }, "");
}

/** What needs no brackets: the parser of the CLI takes any character but a dot and a bracket. */
const plainName = /^[A-Za-z0-9_/-]+$/;

/**
 * The command that sets a key.
 * @param value a string is stored as a string, a number or boolean as that.
 */
export function setCommand(key: ConfigKeyOrPath, value: string | number | boolean): string {
  const text = String(value);
  const [path, name] = pathAndName(key);
  const flags = [...path, ...typeFlag(path.length > 0 && typeof value === "string" ? text : "", key)];
  const value_ = text.startsWith("-") ? `-- ${quoted(text)}` : quoted(text);
  return ["pulumi config set", ...flags, name, value_].join(" ");
}

/** The command that sets a secret: the CLI asks for the value. */
export function secretCommand(key: ConfigKeyOrPath): string {
  const [path, name] = pathAndName(key);
  return ["pulumi config set", "--secret", ...path, name].join(" ");
}

/** The same commands for values that are secret: none of them has a value in it. */
export function secretly(commands: string): string {
  return commands.replaceAll(
    /pulumi config set(?: --path)?(?: --type string| --plaintext)? ('(?:[^']|'\\'')*'|\S+) (?:-- )?(?:'(?:[^']|'\\'')*'|[^\s;,)]+)/g,
    (_, key: string) => secretCommand(unquoted(key)),
  );
}

const unquoted = (word: string): string =>
  word.startsWith("'") ? word.slice(1, -1).replaceAll(`'\\''`, "'") : word;

/** The command that takes a key out. */
export function removeCommand(key: ConfigKeyOrPath): string {
  const [path, name] = pathAndName(key);
  return ["pulumi config rm", ...path, name].join(" ");
}

/** Commands that set a list anew, whatever was there. */
export function listCommands(key: ConfigKeyOrPath, values: readonly (string | number | boolean)[]): string {
  const path = pathOf(key);
  return [removeCommand(path), ...values.map((value, i) => setCommand([...path, i], value))].join(" && ");
}

/** A key of the top level is named as it is, whatever is in its name; what is inside one needs a path. */
function pathAndName(key: ConfigKeyOrPath): [flags: string[], name: string] {
  const path = pathOf(key);
  const first = path[0];
  if (path.length === 1 && typeof first === "string") return [[], quoted(first)];
  return [["--path"], `'${keyText(path).replaceAll("'", `'\\''`)}'`];
}

/** --type and --plaintext exclude each other; what looks like a number is no secret to the CLI. */
function typeFlag(text: string, key: ConfigKeyOrPath): string[] {
  if (/^([+-]?\d+|true|false)$/.test(text)) return ["--type string"];
  return /pass|pwd|secret|token/i.test(keyText(key)) ? ["--plaintext"] : [];
}

/** A word for a shell. */
export function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
