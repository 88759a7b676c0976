import { engineNamed } from "../../components/engines/catalogue";
import type { EngineFlags } from "../../components/engines/engine";

/*
 * The names that a model server answers to, by its command line, read as Python's argparse reads it: an abbreviation
 * that only this flag has, underscores for dashes, `--flag=value` for a single value, and of a flag that is repeated the
 * last one counts. Which flag it is and how many names it takes is the engine's (`flags.servedName`).
 */

type Flag = EngineFlags["servedName"];

/** @returns at least one name: without the flag, that of the model as it was given. Empty: neither is known. */
export function servedNames(engine: string, args: readonly string[], model: string | undefined): string[] {
  const { servedName } = engineNamed(engine).flags;
  const given = valuesGiven(servedName, args).filter((name) => name !== "");
  const names = servedName.takes === "one" ? given.slice(0, 1) : given;
  if (names.length > 0) return [...new Set(names)];
  return model === undefined || model === "" ? [] : [model];
}

function valuesGiven(flag: Flag, args: readonly string[]): string[] {
  let values: string[] = [];
  let open = false;
  for (const word of args) {
    const [name = "", ...rest] = word.split("=");
    if (isFlag(flag, name)) {
      // "--flag=value" takes this one value and no more.
      open = rest.length === 0;
      values = open ? [] : [rest.join("=")];
    } else if (isOption(word)) open = false;
    else if (open) values.push(word);
  }
  return values;
}

function isFlag({ flag, shortest }: Flag, word: string): boolean {
  const name = word.replaceAll("_", "-");
  return word.startsWith("--") && name.startsWith(shortest) && flag.startsWith(name);
}

/** argparse takes a lone dash, a negative number and what has a space in it for a value. */
function isOption(word: string): boolean {
  return word.startsWith("-") && word !== "-" && !/^-\d*\.?\d+$/.test(word) && !word.includes(" ");
}
