import { z } from "zod";

/*
 * The types that the config's keys have, and what is known of a key beside its type. The error text of a type says
 * what is expected there; parse.ts adds the key, what was found and the command that fixes it.
 */

/** What is known of a key. docs/config.md, proposed fixes and the rollout command all read it here. */
export interface KeyInfo {
  /** One or two sentences. */
  description: string;
  /** A value that is right. Also proposed as a fix, so it must do no harm when somebody types it as it is. */
  example: unknown;
  /** The default in words; absent: it is the schema's own, or the key is required. */
  default?: string;
  /**
   * What a change of the key means. new-pool: it is part of what a pool is made as, and refused on a pool that exists.
   * later-pools: pools that exist keep what they have, pools that are created later get it.
   * restart: the next update applies it, and the pool's pods restart one by one. new-service: the stack would be another
   * service somewhere else. Default: the next update applies it.
   */
  change?: "new-pool" | "later-pools" | "restart" | "new-service";
  /** The value may be a secret, and is kept as one from the config to the container that reads it. */
  secret?: true;
  /** An empty text counts as no value. Objects and lists need not say so: theirs always does. */
  emptyIsAbsent?: true;
  /** The key says what may be done now, not what was deployed: going back to an earlier config leaves it as it is. */
  keptOnRollback?: true;
}

const infos = z.registry<KeyInfo>();

export const infoOf = (schema: z.ZodType): KeyInfo | undefined => infos.get(schema);

/** A key that must be there, or whose absence the checks of its group report. */
export function required<S extends z.ZodType>(type: S, info: KeyInfo): S {
  // A type can be used for several keys: each has its own description.
  const own = type.clone();
  infos.add(own, info);
  return own;
}

/** A key whose default depends on other keys, or that has none. */
export function optional<S extends z.ZodType>(
  type: S,
  info: KeyInfo & { default: string },
): z.ZodOptional<S> {
  const own = type.optional();
  infos.add(own, info);
  return own;
}

/** A key with a constant default. */
export function withDefault<S extends z.ZodType>(
  type: S,
  value: z.output<S>,
  info: KeyInfo,
): z.ZodDefault<S> {
  const own = type.default(value as never);
  infos.add(own, info);
  return own;
}

/** A key that holds more keys, all of which have defaults or may be absent. */
export function section<S extends z.ZodType>(type: S, info: KeyInfo & { default: string }): z.ZodPrefault<S> {
  const own = type.prefault({} as never);
  infos.add(own, info);
  return own;
}

const longForms = new WeakMap<z.ZodType, z.ZodObject>();

/**
 * A key that is a text, or an object where more has to be said.
 * @param expected what either can be, where the value is neither.
 */
export function textOrObject<T extends z.ZodType, O extends z.ZodObject>(
  text: T,
  long: O,
  expected: string,
): z.ZodType<z.output<T> | z.output<O>> {
  // Not a union: that would only say that neither fits, and not what is wrong inside the object.
  const type = z.unknown().transform((value, context): z.output<T> | z.output<O> => {
    const isLong = typeof value === "object" && value !== null && !Array.isArray(value);
    const result = (isLong ? long : text).safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const isWhole = typeof value !== "string" && issue.path.length === 0 && !isLong;
      context.issues.push({ ...issue, input: value, ...(isWhole ? { message: expected } : {}) } as never);
    }
    return z.NEVER;
  });
  longForms.set(type, long);
  return type;
}

/** The type itself, or the object that its value can be. */
export const longFormOf = (type: z.ZodType): z.ZodType => longForms.get(type) ?? type;

/** The type of a key, without what says that the key may be absent. */
export function unwrapped(schema: z.ZodType): { inner: z.ZodType; optional: boolean } {
  let [inner, isOptional] = [schema, false];
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    isOptional = true;
    inner = inner.unwrap() as z.ZodType;
  }
  return { inner, optional: isOptional };
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const dnsName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
/** As the hostname of a listener: `*.` and a name stands for the names below it. */
export const anyDnsName = /^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** A name that Kubernetes accepts everywhere, also where it must start with a letter (Services). */
export const name = (max: number): z.ZodString => {
  const expected = `a name of at most ${max} characters: a-z, 0-9 and -, starting with a letter and not ending with -`;
  return z
    .string({ error: expected })
    .max(max, expected)
    .regex(/^[a-z]/, expected)
    .regex(dnsLabel, expected);
};

/** A name of an object that exists: its owner need not have kept to what names of this program's own objects keep to. */
export const existingName = (): z.ZodString => {
  const expected =
    "a name of at most 253 characters: a-z, 0-9 and -, starting and ending with a letter or digit";
  return z.string({ error: expected }).max(253, expected).regex(dnsLabel, expected);
};

export const text = (expected: string): z.ZodString => z.string({ error: expected }).min(1, expected);

export const matching = (pattern: RegExp, expected: string): z.ZodString =>
  text(expected).regex(pattern, expected);

/** An integer, also as the string that `pulumi config set` stores. */
export function integer(min: number, max: number, unit?: string): z.ZodType<number> {
  const expected = `a whole number from ${min} to ${max}${inUnit(unit)}`;
  return z.preprocess(
    (value) => (typeof value === "string" && /^[+-]?\d+$/.test(value) ? Number(value) : value),
    z.int({ error: expected }).min(min, expected).max(max, expected),
  );
}

/** A number, also as the string that `pulumi config set` stores. */
export function number(min: number, max: number, unit?: string): z.ZodType<number> {
  const expected = `a number from ${min} to ${max}${inUnit(unit)}`;
  return z.preprocess(
    (value) => (typeof value === "string" && /^[+-]?\d+(\.\d+)?$/.test(value) ? Number(value) : value),
    z.number({ error: expected }).min(min, expected).max(max, expected),
  );
}

const inUnit = (unit: string | undefined): string => (unit === undefined ? "" : ` (${unit})`);

export function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values, { error: `one of ${values.join(", ")}` });
}

/** What a list's elements are chosen from; absent: anything. */
export function choicesOf({ element }: z.ZodArray): readonly (string | number)[] | undefined {
  const inner: unknown = element instanceof z.ZodUnion ? element.options[0] : element;
  return inner instanceof z.ZodEnum ? inner.options : undefined;
}

export const flag = (): z.ZodType<boolean> =>
  z.preprocess(
    (value) => (value === "true" ? true : value === "false" ? false : value),
    z.boolean({ error: "true or false" }),
  );

/** An object with these keys and no others. */
export function object<F extends z.ZodRawShape>(fields: F): z.ZodObject<F, z.core.$strict> {
  const names = Object.keys(fields);
  const shown = names.length > 8 ? [...names.slice(0, 8), "..."] : names;
  return z.strictObject(fields, { error: `an object with ${shown.join(", ")}` });
}

/** @param what the elements, as in "a list of networks". */
export function list<S extends z.ZodType>(element: S, what: string): z.ZodArray<S> {
  return z.array(element, { error: `a list of ${what}` });
}

export const aModel = text("a model, for example Qwen/Qwen3-8B");

/** A name as clients write it into `model`: what model servers, the picker's metrics and a shell all accept. */
export function clientName(): z.ZodString {
  const expected = "a model name: letters, digits and . _ / -, starting with a letter or digit";
  return z
    .string({ error: expected })
    .max(128, expected)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, expected);
}

/** One entry of a list, with its place there, which the commands that fix it name. */
export interface Entry<T> {
  input: T;
  index: number;
}

/** An object whose keys are names. */
export function record<S extends z.ZodType>(
  key: z.ZodString,
  value: S,
  expected: string,
): z.ZodRecord<z.ZodString, S> {
  return z.record(key, value, { error: expected });
}
