import {
  pathOf,
  remove,
  set,
  setSecret,
  type Command,
  type ConfigKeyOrPath,
  type ConfigPath,
  type ConfigValue,
  type Fix,
} from "../plan/config-edits";

export { pathOf, type ConfigKeyOrPath, type ConfigPath } from "../plan/config-edits";

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

/** A fix as people read it, with its commands as they are typed. */
export function fixText({ parts }: Fix): string {
  return parts.map((part) => (part.kind === "text" ? part.text : commandsText(part.commands))).join("");
}

/** Commands that are typed one after the other. */
export const commandsText = (commands: readonly Command[]): string => commands.map(commandText).join(" && ");

/** One command as it is typed. */
export function commandText(command: Command): string {
  switch (command.op) {
    case "run":
      return command.command;
    case "set":
      return setText(command.path, command.value);
    case "set-secret":
      return ["pulumi config set", "--secret", ...pathAndName(command.path).flat()].join(" ");
    case "set-plain":
      return ["pulumi config set", "--plaintext", ...pathAndName(command.path).flat(), "VALUE"].join(" ");
    case "set-time":
      return [
        "pulumi config set",
        ...pathAndName(command.path).flat(),
        "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
      ].join(" ");
    case "remove":
      return ["pulumi config rm", ...pathAndName(command.path).flat()].join(" ");
  }
}

function setText(key: ConfigPath, value: ConfigValue): string {
  const text = String(value);
  const [path, name] = pathAndName(key);
  const flags = [...path, ...typeFlag(path.length > 0 && typeof value === "string" ? text : "", key)];
  const word = text.startsWith("-") ? `-- ${quoted(text)}` : quoted(text);
  return ["pulumi config set", ...flags, name, word].join(" ");
}

/** The command that sets a key. @param value a string is stored as a string, a number or boolean as that. */
export const setCommand = (key: ConfigKeyOrPath, value: ConfigValue): string => commandText(set(key, value));

/** The command that sets a secret: the CLI asks for the value. */
export const secretCommand = (key: ConfigKeyOrPath): string => commandText(setSecret(key));

/** The command that takes a key out. */
export const removeCommand = (key: ConfigKeyOrPath): string => commandText(remove(key));

/** A key of the top level is named as it is, whatever is in its name; what is inside one needs a path. */
function pathAndName(path: ConfigPath): [flags: string[], name: string] {
  const first = path[0];
  if (path.length === 1 && typeof first === "string") return [[], quoted(first)];
  return [["--path"], `'${keyText(path).replaceAll("'", `'\\''`)}'`];
}

/** --type and --plaintext exclude each other; what looks like a number is no secret to the CLI. */
function typeFlag(text: string, key: ConfigPath): string[] {
  if (/^([+-]?\d+|true|false)$/.test(text)) return ["--type string"];
  return /pass|pwd|secret|token/i.test(keyText(key)) ? ["--plaintext"] : [];
}

/** A word for a shell. */
export function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
