import { z } from "zod";
import { remove, set, setList, type ConfigEdit, type ConfigPath } from "../plan/config-edits";
import { choicesOf, infoOf } from "./fields";
import { typeAt } from "./schema";

/*
 * The edits that fix a wrong value. The schema itself tries every proposal, so that what is proposed is accepted:
 * the user's own value in another form, else the key's example, else the key is removed.
 */

type Scalar = string | number | boolean;

/** @param schema of the whole key that `path` leads into. */
export function repair(
  schema: z.ZodType,
  path: readonly (string | number)[],
  at: ConfigPath,
  found: unknown,
): ConfigEdit[] {
  const place = typeAt(schema, path);
  if (place === undefined) return [remove(at)];
  const { type, inner, optional } = place;
  const isEntry = typeof at.at(-1) === "number";
  const example = infoOf(type)?.example;
  if (inner instanceof z.ZodArray && !isEntry) {
    const entry = firstAccepted(inner.element as z.ZodType, [
      ...otherForms(found),
      ...harmless(inner, example),
    ]);
    return entry === undefined ? [remove(at)] : setList(at, [entry]);
  }
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return [remove(at)];
  const value = firstAccepted(inner, [...otherForms(found), ...scalarsIn(example)]);
  if (value !== undefined) return [set(at, value)];
  return [optional || isEntry ? remove(at) : set(at, "VALUE")];
}

function firstAccepted(schema: z.ZodType, proposals: readonly Scalar[]): Scalar | undefined {
  return proposals.find((value) => schema.safeParse(value).success);
}

/** The value that was found, as the types that it may have been meant to be. */
function otherForms(found: unknown): Scalar[] {
  if (typeof found === "number" || typeof found === "boolean") return [found, String(found)];
  if (typeof found !== "string") return [];
  const [, day, hour] = withoutZone.exec(found) ?? [];
  return [
    ...(day === undefined ? [] : [`${day}T${hour ?? "00:00:00"}Z`]),
    ...(/^-?\d+$/.test(found) ? [Number(found)] : []),
    found,
  ];
}

/** A time without a zone, also as Pulumi prints one that stands without quotes. */
const withoutZone = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?: \+0000 UTC)?)?$/;

function scalarsIn(example: unknown): Scalar[] {
  const values: unknown[] = Array.isArray(example) ? example : [example];
  return values.filter((value): value is Scalar => ["string", "number", "boolean"].includes(typeof value));
}

/** One of a fixed set is chosen by the user: nobody should waive a rule because a message proposed it. */
function harmless(list: z.ZodArray, example: unknown): Scalar[] {
  return choicesOf(list) === undefined ? scalarsIn(example) : [];
}
