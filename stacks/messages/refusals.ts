import type { Refusal } from "../plan/model";
import { setCommand } from "./edits";

/** Every reason why an update is not carried out, in one message. */
export function describeRefusals(refusals: readonly Refusal[]): string {
  const count = refusals.length === 1 ? "a reason" : `${refusals.length} reasons`;
  const blocks = refusals.map(({ rule, found, fix, waiver }) =>
    [
      `  ${rule}`,
      `    found: ${found}`,
      `    fix:  ${fix}`,
      ...(waiver === undefined
        ? []
        : [`    or:    ${setCommand("allow[0]", waiver)} lets it pass for one update`]),
    ].join("\n"),
  );
  return [`This update is not carried out, for ${count}; nothing was changed.`, ...blocks].join("\n");
}
