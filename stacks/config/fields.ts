import { z } from "zod";

/** Kinds of fields that a config is made of. Each error text is what is allowed there. */

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const dnsName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** A name that Kubernetes takes everywhere, so also where it must begin with a letter (Services). */
export const name = (max: number): z.ZodString => {
  const allowed = `a name of at most ${max} characters: a-z, 0-9 and -, beginning with a letter, not ending with -`;
  return z
    .string({ error: allowed })
    .max(max, allowed)
    .regex(/^[a-z]/, allowed)
    .regex(dnsLabel, allowed);
};

export const text = (allowed: string): z.ZodString => z.string({ error: allowed }).min(1, allowed);

/** An integer, also as the string that `pulumi config set` stores. */
export function integer(min: number, max: number, what: string): z.ZodType<number> {
  const allowed = `a whole number from ${min} to ${max}${what}`;
  return z.preprocess(
    (value) => (typeof value === "string" && /^[+-]?\d+$/.test(value) ? Number(value) : value),
    z.int({ error: allowed }).min(min, allowed).max(max, allowed),
  );
}

export function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values, { error: `one of ${values.join(", ")}` });
}

export const flag = (): z.ZodType<boolean> =>
  z.preprocess(
    (value) => (value === "true" ? true : value === "false" ? false : value),
    z.boolean({ error: "true or false" }),
  );
