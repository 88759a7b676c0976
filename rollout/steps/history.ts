import { parseValues, type StackValues } from "./values";

/** An earlier update of the stack. */
export interface PastUpdate {
  /** Pulumi Cloud's version; of a file backend, which counts none, the position from the oldest. */
  number: number;
  /** update, refresh, destroy, import, ... */
  kind: string;
  succeeded: boolean;
  /** ISO 8601; when it began. */
  time: string;
  message: string;
  values: StackValues;
  /** Only some resources were updated: what its config says is not what was deployed. */
  partial: boolean;
}

interface Printed {
  version?: number;
  kind?: string;
  result?: string;
  startTime?: string;
  message?: string;
  config?: unknown;
  environment?: Record<string, string>;
}

/**
 * The stack's history, newest first, from `pulumi stack history --json` (which is newest first too).
 * Secrets are not in it: without --show-secrets the CLI leaves them out.
 */
export function pastUpdates(printed: readonly Printed[]): PastUpdate[] {
  // A file backend writes version 0 into every entry.
  const counted = printed.some(({ version }) => (version ?? 0) > 0);
  return printed.map((entry, i) => ({
    number: counted ? (entry.version ?? 0) : printed.length - i,
    kind: entry.kind ?? "unknown",
    succeeded: entry.result === "succeeded",
    time: entry.startTime ?? "",
    message: (entry.message ?? "").split("\n")[0] ?? "",
    values: parseValues(entry.config),
    partial: partialFlags.some((flag) => `pulumi.flag.${flag}` in (entry.environment ?? {})),
  }));
}

const partialFlags = ["target", "target-dependents", "exclude", "exclude-dependents", "target-replace"];
