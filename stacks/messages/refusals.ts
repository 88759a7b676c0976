import type { Refusal } from "../plan/model";
import { allow } from "../plan/config-edits";
import { commandText, fixText } from "./edits";

/** Every reason why an update is refused, in one message. */
export function describeRefusals(refusals: readonly Refusal[]): string {
  const count = new Set(refusals.map(({ rule }) => rule)).size;
  const blocks = refusals.map(({ rule, found, fix, waiver }) =>
    [
      `  ${rule}`,
      `    found: ${found}`,
      `    fix:   ${fixText(fix)}`,
      ...(waiver === undefined
        ? []
        : [`    or:    ${commandText(allow(waiver))} waives the rule for one update`]),
    ].join("\n"),
  );
  return [
    `Update refused (${count} ${count === 1 ? "rule" : "rules"}). Nothing was changed.`,
    ...blocks,
  ].join("\n");
}
