import type { Safety } from "../plan/model";
import { holds, isLater } from "../plan/latch";
import { broken, removeCommand, type Mistake } from "../messages/mistakes";
import type { Parsed } from "./validate";

export function resolveSafety(values: Parsed, mistakes: Mistake[]): Safety {
  const { capacity, freeze, rolledBack, resumed } = values;
  mistakes.push(...freezeMistakes(freeze ?? []), ...latchMistakes(values, mistakes));
  return {
    capacity: {
      mode: capacity?.mode ?? "full",
      headroom: capacity?.headroom ?? 1,
      rollbackReserve: capacity?.rollbackReserve ?? 1,
    },
    // Rebuilt: fields that are absent stay absent.
    freeze: (freeze ?? []).map(({ from, to, reason }) => ({
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      reason,
    })),
    ...(rolledBack === undefined ? {} : { rolledBack }),
    ...(resumed === undefined ? {} : { resumed }),
  };
}

function freezeMistakes(windows: NonNullable<Parsed["freeze"]>): Mistake[] {
  return windows.flatMap(({ from, to }, i) =>
    from === undefined || to === undefined || isLater(to, from)
      ? []
      : [
          {
            key: `freeze[${i}].to`,
            found: `${to}, and it begins at ${from}`,
            allowed: "a time after the beginning",
            fix: removeCommand(`freeze[${i}].to`),
          },
        ],
  );
}

/** What a rolled-back candidate may still have is the plan's to say (plan/latch.ts): it knows what is live. */
function latchMistakes({ rolledBack, resumed, stable }: Parsed, told: readonly Mistake[]): Mistake[] {
  if (rolledBack === undefined || broken(told, "rolledBack") || broken(told, "resumed")) return [];
  const isResumed = resumed?.candidate === rolledBack.candidate;
  const latch = { ...rolledBack, from: 0, ...(isResumed ? { resumed } : {}) };
  if (!holds(latch)) return [];
  if (rolledBack.candidate !== stable) return [];
  return [
    {
      key: "rolledBack.candidate",
      found: `${stable}, which is the stable pool`,
      allowed: "a candidate",
      fix: removeCommand("rolledBack"),
    },
  ];
}
