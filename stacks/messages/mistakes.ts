import { edits, editsIn, set, type Fix } from "../plan/config-edits";
import { fixText, keyText } from "./edits";

/** One thing that is wrong with the config, and how to put it right. */
export interface Mistake {
  /** Config key, with dots for what is inside it. */
  key: string;
  /** What was found there, as the user wrote it. */
  found: string;
  /** What would be right. */
  allowed: string;
  /** Edits that fix it. */
  fix: Fix;
}

/** The user's config cannot be carried out. The message holds every mistake; a stack trace would help nobody. */
export class ConfigMistakes extends Error {
  constructor(readonly mistakes: readonly Mistake[]) {
    super(describeMistakes(mistakes));
  }
}

export function describeMistakes(mistakes: readonly Mistake[]): string {
  const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`;
  const blocks = mistakes.map(({ key, found, allowed, fix }) =>
    [`  ${key}`, `    found:    ${found}`, `    expected: ${allowed}`, `    fix:      ${fixText(fix)}`].join("\n"),
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

/**
 * Entries that leave a list, the last one first: each one that goes moves those behind it, and the commands are typed
 * in the order in which they are printed.
 */
export function lastFirst(mistakes: readonly Mistake[]): Mistake[] {
  const leaves = ({ fix }: Mistake): readonly [string, number] | undefined => {
    const [edit, ...more] = editsIn(fix);
    if (edit?.op !== "remove" || more.length > 0) return undefined;
    const index = edit.path.at(-1);
    return typeof index === "number" ? [keyText(edit.path.slice(0, -1)), index] : undefined;
  };
  const order = new Map(mistakes.map((mistake, i) => [mistake, i]));
  const groups = new Map<string, Mistake[]>();
  for (const mistake of mistakes) {
    const [list] = leaves(mistake) ?? [];
    if (list !== undefined) groups.set(list, [...(groups.get(list) ?? []), mistake]);
  }
  const sorted = [...mistakes];
  for (const group of groups.values()) {
    const places = group.map((mistake) => order.get(mistake) ?? 0);
    const descending = [...group].sort((a, b) => (leaves(b)?.[1] ?? 0) - (leaves(a)?.[1] ?? 0));
    for (const [i, place] of places.entries()) sorted[place] = descending[i] as Mistake;
  }
  return sorted;
}

/** A key that has to be there and is not. */
export function missing(key: string, allowed: string, example: string | number): Mistake {
  return { key, found: "nothing", allowed, fix: edits(set(key, example)) };
}

/** Whether a mistake at this key, or inside it, is reported already. */
export function isReported(mistakes: readonly Mistake[], key: string): boolean {
  return mistakes.some((mistake) => mistake.key === key || mistake.key.startsWith(`${key}.`));
}
