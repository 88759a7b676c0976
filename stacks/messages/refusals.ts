import type { Refusal } from "../plan/model";
import { withWaivers, type WaiverWords } from "../plan/waivers";
import { commandText, fixText } from "./edits";

const none: WaiverWords = { named: [], used: [] };

/** Every reason why an update is refused, in one message. @param words what `allow` has. */
export function describeRefusals(refusals: readonly Refusal[], words: WaiverWords = none): string {
  const count = new Set(refusals.map(({ rule }) => rule)).size;
  const blocks = withWaivers(refusals, words).map(({ rule, found, fix, or }) =>
    [
      `  ${rule}`,
      `    found: ${found}`,
      `    fix:   ${fixText(fix)}`,
      ...(or === undefined ? [] : [`    or:    ${commandText(or)} waives the rule for one update`]),
    ].join("\n"),
  );
  return [
    `Update refused (${count} ${count === 1 ? "rule" : "rules"}). Nothing was changed.`,
    ...blocks,
  ].join("\n");
}
