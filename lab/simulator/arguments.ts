/** Reads command lines as Python's argparse does, for the flags that somebody asks for. */

export class Flags {
  private readonly given = new Map<string, string[][]>();
  readonly positional: readonly string[];

  /** @param known names of all flags that will be asked for: an abbreviation must fit exactly one of them. */
  constructor(
    words: readonly string[],
    private readonly known: readonly string[],
  ) {
    const positional: string[] = [];
    let values: string[] | undefined;
    for (const word of words) {
      const flag = /^--?([A-Za-z][\w.-]*)(?:=([^]*))?$/.exec(word);
      if (flag === null) {
        (values ?? positional).push(word);
        continue;
      }
      values = flag[2] === undefined ? [] : [flag[2]];
      const name = this.fullName((flag[1] ?? "").replaceAll("_", "-"));
      this.given.set(name, [...(this.given.get(name) ?? []), values]);
      // "--flag=value" takes nothing more.
      if (flag[2] !== undefined) values = undefined;
    }
    this.positional = positional;
  }

  has(name: string): boolean {
    return this.given.has(name);
  }

  /** The value given last, as argparse has it. */
  text(name: string): string | undefined {
    return this.given.get(name)?.at(-1)?.[0];
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isFinite(value)) throw new Error(`argument --${name}: invalid int value: '${text}'`);
    return value;
  }

  /** The values of a flag that takes several (nargs "+"); of one that is repeated the last counts, as argparse has it. */
  list(name: string): string[] {
    return this.given.get(name)?.at(-1) ?? [];
  }

  private fullName(name: string): string {
    if (this.known.includes(name)) return name;
    const fits = this.known.filter((candidate) => candidate.startsWith(name));
    return fits.length === 1 && fits[0] !== undefined ? fits[0] : name;
  }
}

/** The words of a container's command and args; a shell's script (`sh -c "vllm serve …"`) is taken apart. */
export function commandWords(command: readonly string[], args: readonly string[]): string[] {
  const all = [...command, ...args];
  const shell = /(^|\/)(ba|da|a)?sh$/.test(all[0] ?? "");
  const script = all.findIndex((word) => /^-[a-z]*c$/.test(word));
  if (!shell || script < 0) return all;
  return shellWords(all[script + 1] ?? "");
}

/** Splits a shell script into words. Knows quotes, escapes and line continuations; expands nothing. */
export function shellWords(script: string): string[] {
  const words: string[] = [];
  const pattern = /\\\n|\s+|((?:\\[^\n]|'[^']*'|"(?:\\[^]|[^"\\])*"|[^\s'"\\])+)/g;
  for (const [, word] of script.matchAll(pattern)) {
    if (word !== undefined) words.push(unquote(word));
  }
  return words;
}

function unquote(word: string): string {
  return word.replace(
    /\\([^])|'([^']*)'|"((?:\\[^]|[^"\\])*)"/g,
    (_, escaped?: string, single?: string, double?: string) =>
      escaped ?? single ?? (double ?? "").replace(/\\(["\\$`\n])/g, "$1"),
  );
}
