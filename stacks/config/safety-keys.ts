import { z } from "zod";
import { isReported, type Mistake } from "../messages/mistakes";
import { edits, remove } from "../plan/config-edits";
import { holds, isLater } from "../plan/latch";
import type { Safety } from "../plan/service-config";
import { type Entry, list, number, object, oneOf, optional, required, section, withDefault } from "./fields";

/*
 * The keys that keep a rollout from harming clients: how capacity follows weight, what was rolled back, and when
 * nothing may change. Rules about them are in stacks/plan.
 */

const aTime = 'a time with a time zone, in quotes, for example "2026-11-27T18:00:00Z"';

/**
 * A moment, always with a time zone: the person who writes it and the machine that reads it can be in different ones.
 * A time without quotes in the YAML arrives in Go's format, 2026-11-27 18:00:00 +0000 UTC, and every `pulumi config
 * set` of any key writes it back like that (tested). YAML reads a time without a zone as UTC, so a UTC time in this
 * format may have had no zone: it is refused, as it is in quotes. With any other zone, the zone was written.
 */
const time = (): z.ZodType<string> =>
  z.preprocess(
    (value) => {
      const found = typeof value === "string" ? goTime.exec(value) : null;
      if (found === null) return value;
      const [, day, hour, hours, minutes] = found;
      return hours === "+00" && minutes === "00" ? value : `${day}T${hour}${hours}:${minutes}`;
    },
    z.iso.datetime({ offset: true, error: aTime }),
  );

const goTime = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d\d)(\d\d) \S+$/;

const aReason = "the reason, in a few words (at most 300 characters)";
const reason = (): z.ZodString => z.string({ error: aReason }).min(1, aReason).max(300, aReason);

const aPool = "the name of a pool";
const pool = (): z.ZodString => z.string({ error: aPool }).min(1, aPool);

const anyTime = "2026-11-27T18:00:00Z";

const capacitySchema = object({
  mode: withDefault(oneOf(["full", "follow-weight"]), "full", {
    description:
      "`full`: both pools run all of their replicas. `follow-weight`: each pool runs what its share of the traffic needs.",
    example: "full",
  }),
  headroom: withDefault(number(1, 3, "a factor"), 1, {
    description: "Factor for the replicas that a share of the traffic needs.",
    example: 1.2,
  }),
  rollbackReserve: withDefault(number(0, 1, "a part of the stable pool"), 1, {
    description:
      "With `follow-weight`: the part of the stable pool's replicas that stays for a rollback at any weight. With 0 there is nothing to roll back to at weight 100.",
    example: 0.5,
  }),
});

const freezeWindowSchema = object({
  from: optional(time(), {
    description: "When the freeze starts: ISO 8601 with a time zone.",
    default: "the freeze has already started",
    example: "2026-11-27T00:00:00Z",
  }),
  to: optional(time(), {
    description: "When the freeze ends: ISO 8601 with a time zone.",
    default: "when the window is removed from the config",
    example: "2026-11-30T00:00:00Z",
  }),
  reason: required(reason(), {
    description: "Why changes are frozen. Shown with every refusal.",
    example: "WHY",
  }),
});

const rolledBackSchema = object({
  candidate: required(pool(), { description: "The pool that was rolled back.", example: "llm-new" }),
  reason: required(reason(), { description: "Why it was rolled back.", example: "WHY" }),
  time: required(time(), {
    description: "When it was rolled back: ISO 8601 with a time zone.",
    example: anyTime,
  }),
});

const resumedSchema = object({
  candidate: required(pool(), { description: "The pool that may get traffic again.", example: "llm-new" }),
  reason: required(reason(), { description: "Why it may get traffic again.", example: "WHY" }),
  time: required(time(), {
    description:
      "When it was resumed: ISO 8601 with a time zone. Counts only if it is later than the rollback.",
    example: anyTime,
  }),
});

export const safetyKeys = {
  capacity: section(capacitySchema, {
    description: "How many replicas and nodes the pools have during a rollout.",
    default: "both pools keep all of their replicas",
    example: { mode: "follow-weight", headroom: 1.2 },
  }),
  freeze: optional(list(freezeWindowSchema, "{from, to, reason}"), {
    description:
      "Windows in which an update must not affect clients, except to move traffic back from a candidate.",
    default: "none",
    example: [{ from: "2026-11-27T00:00:00Z", to: "2026-11-30T00:00:00Z", reason: "Black Friday" }],
    keptOnRollback: true,
  }),
  rolledBack: optional(rolledBackSchema, {
    description:
      "Written by `npm run rollout -- rollback`: this candidate gets no traffic until it is resumed.",
    default: "none",
    example: { candidate: "llm-new", reason: "WHY", time: anyTime },
    keptOnRollback: true,
  }),
  resumed: optional(resumedSchema, {
    description:
      "Written by `npm run rollout -- resume`: a candidate that was rolled back may get traffic again.",
    default: "none",
    example: { candidate: "llm-new", reason: "WHY", time: anyTime },
    keptOnRollback: true,
  }),
};

type FreezeInput = readonly Entry<z.infer<typeof freezeWindowSchema>>[];

export interface SafetyInput {
  capacity: z.infer<typeof capacitySchema>;
  freeze: FreezeInput;
  rolledBack?: z.infer<typeof rolledBackSchema> | undefined;
  resumed?: z.infer<typeof resumedSchema> | undefined;
  stable?: string | undefined;
}

export function resolveSafety(input: SafetyInput, mistakes: Mistake[]): Safety {
  const { capacity, freeze, rolledBack, resumed } = input;
  mistakes.push(...freezeMistakes(freeze), ...latchMistakes(input, mistakes));
  return {
    capacity,
    // Rebuilt: fields that are absent stay absent.
    freeze: freeze.map(({ input: { from, to, reason: why } }) => ({
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      reason: why,
    })),
    ...(rolledBack === undefined ? {} : { rolledBack }),
    ...(resumed === undefined ? {} : { resumed }),
  };
}

function freezeMistakes(windows: FreezeInput): Mistake[] {
  return windows.flatMap(({ input: { from, to }, index }) =>
    from === undefined || to === undefined || isLater(to, from)
      ? []
      : [
          {
            key: `freeze[${index}].to`,
            found: `${to}, which is not after from (${from})`,
            allowed: "a time after from",
            fix: edits(remove(`freeze[${index}].to`)),
          },
        ],
  );
}

/** The plan decides what share a rolled-back candidate may keep (plan/latch.ts): it knows what is deployed. */
function latchMistakes(
  { rolledBack, resumed, stable }: SafetyInput,
  reported: readonly Mistake[],
): Mistake[] {
  if (rolledBack === undefined || isReported(reported, "rolledBack") || isReported(reported, "resumed"))
    return [];
  const isResumed = resumed?.candidate === rolledBack.candidate;
  const latch = { ...rolledBack, from: 0, ...(isResumed ? { resumed } : {}) };
  if (!holds(latch)) return [];
  if (rolledBack.candidate !== stable) return [];
  return [
    {
      key: "rolledBack.candidate",
      found: `${stable}, which is the stable pool`,
      allowed: "the name of a candidate",
      fix: edits(remove("rolledBack")),
    },
  ];
}
