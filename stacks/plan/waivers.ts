import { mapFix, set, type Command, type ConfigEdit } from "./config-edits";
import type { Refusal } from "./model";
import type { Observed } from "./observed";
import type { Allowance, ServiceConfig } from "./service-config";

/*
 * A waiver is valid for one update: the record keeps the words of `allow` that are used up for as long as the config has
 * them. To use one again, the user gives it a number: frozen, frozen@2. Nobody has to undo anything for that, because a
 * waiver can be what an emergency needs.
 */

/** Words of `allow` that waive no rule: `destroy` lets the service be taken down, `release` prepares the stack to leave. */
export const leaving: readonly Allowance[] = ["destroy", "release"];

/** `allow` as the config has it, and the words that the record of the last update has as used up. */
export interface WaiverWords {
  named: readonly string[];
  used: readonly string[];
}

export const waiverWords = (
  { waivers }: Pick<ServiceConfig, "waivers">,
  { record }: Observed,
): WaiverWords => ({
  named: waivers,
  used: record?.waived ?? [],
});

/** The rule that a word of `allow` waives. */
export const waivedBy = (word: string): Allowance => word.replace(/@\d+$/, "");

/** What `allow` makes of an update's refusals. */
export interface Waived {
  /** Those that stay. */
  refusals: Refusal[];
  /** Waivers that let the others pass. */
  waived: Allowance[];
  /** Words that are used up from now on. */
  spent: string[];
}

export function waive(found: readonly Refusal[], { named, used }: WaiverWords): Waived {
  const fresh = named.filter((word) => word !== "" && !used.includes(word)).map(waivedBy);
  const waived = [...new Set(fresh)].filter((name) => found.some(({ waiver }) => waiver === name));
  const spent = named.filter((word) => used.includes(word) || waived.includes(waivedBy(word)));
  const refusals = found
    .filter(({ waiver }) => waiver === undefined || !waived.includes(waiver))
    .map((refusal) =>
      named.some((word) => waivedBy(word) === refusal.waiver)
        ? {
            ...refusal,
            found: `${refusal.found}; an earlier update used allow: ${refusal.waiver ?? ""}, which is valid for one update`,
          }
        : refusal,
    );
  return { refusals, waived, spent };
}

/** The edit that waives a rule in the next update, whatever `allow` has and had. */
export function waiverEdit(rule: Allowance, { named, used }: WaiverWords): ConfigEdit {
  const place = [rule, ""]
    .map((one) => named.findIndex((word) => waivedBy(word) === one))
    .find((at) => at >= 0);
  return set(["allow", place ?? named.length], freshWord(rule, [...named, ...used]));
}

function freshWord(rule: Allowance, taken: readonly string[]): string {
  if (!taken.includes(rule)) return rule;
  for (let number = 2; ; number++) if (!taken.includes(`${rule}@${number}`)) return `${rule}@${number}`;
}

/** A refusal with the edit that waives its rule. */
export type WaivableRefusal = Refusal & { or?: ConfigEdit };

/**
 * The same refusals, with the edits that waive them. Those of different refusals have different places in `allow`: they
 * can be typed one after the other.
 */
export function withWaivers(refusals: readonly Refusal[], words: WaiverWords): WaivableRefusal[] {
  const named = [...words.named];
  return refusals.map((refusal) => {
    const alternatives = { ...words, named: [...named] };
    const command = (one: Command): Command =>
      one.op === "set" && one.path[0] === "allow" && typeof one.value === "string"
        ? waiverEdit(waivedBy(one.value), alternatives)
        : one;
    const fix = mapFix(refusal.fix, { text: (text) => text, command });
    if (refusal.waiver === undefined) return { ...refusal, fix };
    const or = waiverEdit(refusal.waiver, alternatives);
    if (or.op === "set") named[Number(or.path[1])] = String(or.value);
    return { ...refusal, fix, or };
  });
}
