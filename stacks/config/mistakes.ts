/** One thing that is wrong with the config, and how to put it right. */
export interface Mistake {
  /** Config key, with dots for what is inside it. */
  key: string;
  /** What was found there, as the user wrote it. */
  found: string;
  /** What would be right. */
  allowed: string;
  /** A command that mends it. */
  mend: string;
}

/** The user's config cannot be carried out. The message holds every mistake; a stack trace would help nobody. */
export class ConfigMistakes extends Error {
  constructor(readonly mistakes: readonly Mistake[]) {
    super(describeMistakes(mistakes));
  }
}

export function describeMistakes(mistakes: readonly Mistake[]): string {
  const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`;
  const blocks = mistakes.map(({ key, found, allowed, mend }) =>
    [`  ${key}`, `    found:    ${found}`, `    expected: ${allowed}`, `    mend:     ${mend}`].join("\n"),
  );
  return [`The stack's config has ${count}; nothing was changed.`, ...blocks].join("\n");
}

/** A value as it is shown in a message; long ones are cut. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === "") return "an empty value";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** The command that sets a key. Values that look like flags need the double dash. */
export function setCommand(key: string, value: string): string {
  const quoted = /^[\w./:@-]+$/.test(value) ? value : `'${value}'`;
  const nested = key.includes(".") || key.includes("[");
  return nested ? `pulumi config set --path '${key}' ${quoted}` : `pulumi config set ${key} ${quoted}`;
}

/** The command that sets a secret: it asks for the value (or reads it from a pipe), so that no shell keeps it. */
export function secretCommand(key: string): string {
  return `pulumi config set --secret --path '${key}'`;
}

export function removeCommand(key: string): string {
  const nested = key.includes(".") || key.includes("[");
  return nested ? `pulumi config rm --path '${key}'` : `pulumi config rm ${key}`;
}

/** The known name nearest to a misspelt one, where one is near enough to be meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, Math.floor(name.length / 3))
    ? best.candidate
    : undefined;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** A key that has to be there and is not. */
export function missing(key: string, allowed: string, example: string): Mistake {
  return { key, found: "nothing", allowed, mend: setCommand(key, example) };
}

/** Whether a mistake of this key (or of what is inside it) was told already. */
export function broken(mistakes: readonly Mistake[], key: string): boolean {
  return mistakes.some((mistake) => mistake.key === key || mistake.key.startsWith(`${key}.`));
}
