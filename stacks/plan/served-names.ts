import type { Engine } from "../../components/engines/engine";

/*
 * The names that a model server answers to, by its command line, read as Python's argparse reads it. vLLM:
 * `--served-model-name` takes one name or more (nargs "+"), and its parser takes underscores for dashes; the first name
 * is the one in its metrics. SGLang takes one name. Both: an abbreviation that only this flag has, `--flag=value` for a
 * single value, and of a flag that is repeated the last one counts.
 */

const flag = "--served-model-name";
/** Shorter ones could begin another flag. */
const shortest = "--served".length;

/** @returns at least one name: without the flag, that of the model as it was given. Empty: neither is known. */
export function servedNames(engine: Engine, args: readonly string[], model: string | undefined): string[] {
  const given = valuesGiven(args).filter((name) => name !== "");
  const names = engine === "sglang" ? given.slice(0, 1) : given;
  if (names.length > 0) return [...new Set(names)];
  return model === undefined || model === "" ? [] : [model];
}

function valuesGiven(args: readonly string[]): string[] {
  let values: string[] = [];
  let open = false;
  for (const word of args) {
    const [name = "", ...rest] = word.split("=");
    if (isFlag(name)) {
      // "--flag=value" takes this one value and no more.
      open = rest.length === 0;
      values = open ? [] : [rest.join("=")];
    } else if (isOption(word)) open = false;
    else if (open) values.push(word);
  }
  return values;
}

function isFlag(word: string): boolean {
  const name = word.replaceAll("_", "-");
  return word.startsWith("--") && name.length >= shortest && flag.startsWith(name);
}

/** argparse takes a lone dash, a negative number and what has a space in it for a value. */
function isOption(word: string): boolean {
  return word.startsWith("-") && word !== "-" && !/^-\d*\.?\d+$/.test(word) && !word.includes(" ");
}
