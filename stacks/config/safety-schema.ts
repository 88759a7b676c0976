import { z } from "zod";
import { endpointNames } from "../answers/endpoints";
import { integer, oneOf, text } from "./fields";

/*
 * Shapes of the keys that keep a rollout from harming customers: what the gate asks, how capacity follows weight,
 * what was rolled back, and when nothing may change. Rules about them are in stacks/plan.
 */

/** A number, also as the string that `pulumi config set` stores. */
function number(min: number, max: number, what: string): z.ZodType<number> {
  const allowed = `a number from ${min} to ${max}${what}`;
  return z.preprocess(
    (value) => (typeof value === "string" && /^[+-]?\d+(\.\d+)?$/.test(value) ? Number(value) : value),
    z.number({ error: allowed }).min(min, allowed).max(max, allowed),
  );
}

const aTime = 'a time with its zone, in quotes, as "2026-11-27T18:00:00Z"';

/**
 * A moment; always with a zone, because who writes it and who runs it sit in different ones. A time that stands in the
 * YAML without quotes arrives in the words of Pulumi's own language, 2026-11-27 18:00:00 +0000 UTC, and every `pulumi
 * config set` of any key writes it back so (tried). One without a zone is read as UTC: of such a time nobody can tell
 * any more whether it had one, so it is refused, as it is in quotes. Another zone than UTC was surely written.
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

const aReason = "why, in a few words (at most 300 characters)";
const reason = (): z.ZodString => z.string({ error: aReason }).min(1, aReason).max(300, aReason);

const aPool = "the name of a pool";
const pool = (): z.ZodString => z.string({ error: aPool }).min(1, aPool);

export const gateSchema = z.strictObject(
  {
    via: oneOf(["gateway", "api-server", "off"])
      .optional()
      .describe(
        "How the candidate is asked before its share rises: through the gateway, by what the API server says of its pods, or not at all. Default: gateway.",
      ),
    endpoint: oneOf(endpointNames)
      .optional()
      .describe(
        "The API that the models serve and that clients use: what the gate asks the candidate, and `rollout verify` the service. Default: completions.",
      ),
    names: oneOf(["listed", "declared"])
      .optional()
      .describe(
        "The model names that the candidate has to answer for. listed: those that the config declares, and those that the stable pool lists in /v1/models. declared: the config's alone, for servers without such a list. Default: listed.",
      ),
    apiKey: text("an API key")
      .regex(/^[\x20-\x7e]+$/, "an API key, in printable ASCII")
      .optional()
      .describe(
        "The key that the model servers want (`Authorization: Bearer`). A secret: `pulumi config set --secret --path gate.apiKey` asks for it. Default: none is sent.",
      ),
    address: text("host:port")
      .regex(/^[^\s/:]+:\d+$/, "host:port")
      .optional()
      .describe(
        "Where the gate reaches the gateway instead of the gateway's own address: a tunnel or a proxy.",
      ),
    timeoutSeconds: integer(1, 86_400, "")
      .optional()
      .describe("How long the gate waits for the candidate. Default: 600."),
  },
  { error: "an object with via, endpoint, names, apiKey, address, timeoutSeconds" },
);

export const capacitySchema = z
  .strictObject(
    {
      mode: z
        .enum(["full", "follow-weight"], { error: "one of full, follow-weight" })
        .optional()
        .describe(
          "full: both pools have all of their replicas. follow-weight: each has what its share of the traffic needs. Default: full.",
        ),
      headroom: number(1, 3, ": replicas beyond the share, as a factor")
        .optional()
        .describe("What a share of the traffic needs, times this. Default: 1."),
      rollbackReserve: number(0, 1, ": the part of the stable pool that stays whatever the weight is")
        .optional()
        .describe(
          "follow-weight: the stable pool's replicas that stay for going back. 0 has no capacity to go back to at weight 100. Default: 1.",
        ),
    },
    { error: "an object with mode, headroom, rollbackReserve" },
  )
  .describe("How many replicas and machines the pools have in the course of a rollout.");

const latchFields = { candidate: pool(), reason: reason(), time: time() };

export const rolledBackSchema = z
  .strictObject(
    {
      candidate: latchFields.candidate.describe("The pool that was rolled back."),
      reason: latchFields.reason.describe("Why, in a few words."),
      time: latchFields.time.describe("When: ISO 8601 with a zone."),
    },
    { error: "an object with candidate, reason, time" },
  )
  .describe("Written by the rollout command: this candidate gets no weight until it is resumed.");

export const resumedSchema = z
  .strictObject(
    {
      candidate: latchFields.candidate.describe("The pool that may have weight again."),
      reason: latchFields.reason.describe("Why, in a few words."),
      time: latchFields.time.describe(
        "When: ISO 8601 with a zone; only what is later than the rolling back counts.",
      ),
    },
    { error: "an object with candidate, reason, time" },
  )
  .describe("Written by the rollout command: a candidate that was rolled back may have weight again.");

export const freezeWindowSchema = z.strictObject(
  {
    from: time().optional().describe("When it begins: ISO 8601 with a zone. Default: it has begun."),
    to: time()
      .optional()
      .describe("When it is over: ISO 8601 with a zone. Default: when it is taken out of the config."),
    reason: reason().describe("Why; whoever is refused is told."),
  },
  { error: "an object with from, to, reason" },
);

export const freezeSchema = z
  .array(freezeWindowSchema, { error: "a list of {from, to, reason}" })
  .describe("Times in which nothing may touch the customers but going back.");
