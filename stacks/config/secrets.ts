import { z } from "zod";
import { hiddenText } from "../plan/secret-args";
import { edits, mapFix, remove, setPlain, setSecret, type Command, type Fix } from "../plan/config-edits";
import type { Mistake } from "../messages/mistakes";
import { infoOf, unwrapped } from "./fields";
import { allKeys, configSchema } from "./schema";

/*
 * Which values of a config are secret, and what becomes of them. A key that ends here is written as messages write it:
 * `pools.llm.server.args[1]`. A top-level key that holds an object stands for "somewhere inside": the engine says no
 * more of it, and only the config file can (config-file.ts).
 */

/** Keys whose values may be secret, as the schema has them; of a list or an object with names, its entries. */
const keeps: readonly RegExp[] = allKeys()
  .filter(({ info }) => info?.secret === true)
  .map(({ key, type }) => {
    const pattern = key.replaceAll(".", "\\.").replaceAll("*", "[^[]+");
    const { inner } = unwrapped(type);
    const entry =
      inner instanceof z.ZodArray ? "\\[\\d+\\]" : inner instanceof z.ZodRecord ? "\\.[^.[]+" : "";
    return new RegExp(`^${pattern}${entry}$`);
  });

/** A misspelt key is still meant to be a secret. */
const meantAsSecret = /(^|\.)[A-Za-z]*(apiKey|token|password)$/i;

/** Values that are never shown, even if the user did not mark them as secret. */
const alwaysHidden = /token|kubeconfig|apiKey|password/i;

/** Whether a value can be secret at a key: every other value stands in objects that all who read the cluster read. */
export function keepsSecrets(key: string): boolean {
  return meantAsSecret.test(key) || keeps.some((pattern) => pattern.test(key));
}

/**
 * A patch of pods holds anything. A secret that is known to be there has a better place, and is refused; one that is
 * somewhere in the same top-level key may be any of its values, so all of them are kept from everybody who reads state,
 * logs and annotations. Who may read the pods themselves still reads it.
 */
const isInPatch = (key: string): boolean => /(^|\.)server\.podPatch[.[]/.test(key);

/** The field of an object at the top level that may be secret; undefined if none is. */
export function secretFieldOf(key: string): string | undefined {
  const schema = (configSchema as Readonly<Record<string, z.ZodType>>)[key];
  const { inner } = schema === undefined ? {} : unwrapped(schema);
  if (!(inner instanceof z.ZodObject)) return undefined;
  const fields = Object.entries<z.ZodType>(inner.shape);
  return fields.find(
    ([, field]) => infoOf(field)?.secret === true && !holdsEntries(unwrapped(field).inner),
  )?.[0];
}

const holdsEntries = (type: z.ZodType): boolean => type instanceof z.ZodArray || type instanceof z.ZodRecord;

/** Whether what is at a key is secret, holds a secret, or is part of one. */
export function isHidden(key: string, secrets: ReadonlySet<string>): boolean {
  if (alwaysHidden.test(key)) return true;
  return [...secrets].some((secret) => isInside(secret, key) || isInside(key, secret));
}

const isInside = (inner: string, outer: string): boolean =>
  inner === outer || (inner.startsWith(outer) && /^[.[]/.test(inner.slice(outer.length)));

/** A mistake for every secret at a key that would be written in clear text. */
export function secretsInClear(
  raw: Readonly<Record<string, unknown>>,
  secrets: ReadonlySet<string>,
  known: ReadonlySet<string>,
): Mistake[] {
  return [...secrets]
    .filter((key) => known.has(key.split(/[.[]/)[0] ?? key))
    .filter((key) => {
      const value = raw[key];
      // Somewhere inside: as long as there is a place where it can be kept, it is taken to be there.
      if (isObject(value))
        return !leavesOf(key, value).some(([leaf]) => keepsSecrets(leaf) || isInPatch(leaf));
      return !keepsSecrets(key);
    })
    .map((key) => ({
      key,
      found: hiddenText,
      allowed:
        "a value that is not secret: it is written in clear text to Kubernetes objects and stack outputs",
      fix: isObject(raw[key]) ? edits(remove(key), setPlain(`${key}.KEY`)) : edits(setPlain(key)),
    }));
}

/** The same mistakes without any secret in them: neither where it stands, nor where another message repeats it. */
export function withoutSecrets(
  mistakes: readonly Mistake[],
  raw: Readonly<Record<string, unknown>>,
  secrets: ReadonlySet<string>,
): Mistake[] {
  const values = secretValues(raw, secrets);
  const holds = (text: string): boolean => values.some((value) => text.includes(value));
  const scrub = (text: string, by: string): string =>
    values.reduce((rest, value) => rest.replaceAll(value, by), text);
  // Only what is set can hold a secret: the names of keys are none, whatever a secret looks like.
  const scrubbed = (command: Command): Command =>
    command.op === "set" && holds(String(command.value))
      ? { ...command, value: scrub(String(command.value), "VALUE") }
      : command;
  return mistakes.map((mistake) => {
    const hidden = isHidden(mistake.key, secrets);
    const fix = mapFix(mistake.fix, { text: (text) => scrub(text, "VALUE"), command: scrubbed });
    return {
      key: mistake.key,
      found: hidden || holds(mistake.found) ? hiddenText : mistake.found,
      allowed: scrub(mistake.allowed, hiddenText),
      fix: hidden && keepsSecrets(mistake.key) ? secretly(fix) : fix,
    };
  });
}

/** The same fix for a value that is secret: no command has the value in it. */
const secretly = (fix: Fix): Fix =>
  mapFix(fix, {
    text: (text) => text,
    command: (command) =>
      command.op === "set" || command.op === "set-plain" ? setSecret(command.path) : command,
  });

/**
 * Texts of secrets, as messages would have them. One of less than three characters is no secret, and no text. Where a
 * secret is known to be somewhere inside only, it is one of the values that can be kept or hidden, if there is any.
 */
function secretValues(raw: Readonly<Record<string, unknown>>, secrets: ReadonlySet<string>): string[] {
  const leaves = Object.entries(raw).flatMap(([key, value]) => leavesOf(key, value));
  const found = [...secrets].flatMap((secret) => {
    const inside = leaves.filter(([key]) => isInside(key, secret));
    const kept = inside.filter(([key]) => keepsSecrets(key) || isInPatch(key));
    return isObject(raw[secret]) && kept.length > 0 ? kept : inside;
  });
  return [...new Set(found.map(([, value]) => String(value)))]
    .filter((text) => text.length > 2 && !/^(true|false|\d{1,5})$/.test(text))
    .sort((a, b) => b.length - a.length);
}

/** Everything inside a value that is no object or list, with its key. */
export function leavesOf(key: string, value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return value.flatMap((inner, i) => leavesOf(`${key}[${i}]`, inner));
  if (isObject(value)) return Object.entries(value).flatMap(([k, inner]) => leavesOf(`${key}.${k}`, inner));
  return [[key, value]];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/**
 * Places of the secret words in a server's arguments.
 * @param key config key of the server.
 * @returns undefined: none is secret.
 */
export function secretArgs(
  key: string,
  args: readonly string[] | undefined,
  secrets: ReadonlySet<string>,
): readonly number[] | undefined {
  if (args === undefined) return undefined;
  const somewhere = isSomewhere(key, secrets);
  const places = args.flatMap((word, i) =>
    secrets.has(`${key}.args[${i}]`) || (somewhere && !isPlain(args, i, word)) ? [i] : [],
  );
  return places.length === 0 ? undefined : places;
}

/** Whether the value of a variable is secret. @param key config key of the server. */
export function secretVariable(
  key: string,
  variable: string,
  secrets: ReadonlySet<string>,
): "known" | "guessed" | undefined {
  if (secrets.has(`${key}.env.${variable}`)) return "known";
  return isSomewhere(key, secrets) ? "guessed" : undefined;
}

/** Whether all that is known is that there is a secret somewhere in the top-level key. */
export const isSomewhere = (key: string, secrets: ReadonlySet<string>): boolean =>
  secrets.has(key.split(".")[0] ?? key);

/** A flag by itself, and the names by which clients ask: they stand in outputs, so they are no secret. */
function isPlain(args: readonly string[], at: number, word: string): boolean {
  const isFlag = (text: string): boolean => /^--?[A-Za-z][\w.-]*$/.test(text);
  if (isFlag(word) || servedNames.test(word)) return true;
  const flag = args.slice(0, at).findLast(isFlag);
  return flag !== undefined && servedNames.test(flag);
}

const servedNames = /^--served[-_]model[-_]name(=|$)/;
