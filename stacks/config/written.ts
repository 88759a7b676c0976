import { leavesOf } from "./secrets";

/*
 * What a stack's config file says that the engine does not pass on: where inside an object a secret is, and how a time
 * was written (the YAML of Pulumi reads one without quotes as a moment, and one without a zone as UTC). The file may be
 * another than the engine read (--config-file, an environment of Pulumi ESC): it counts only where it says the same.
 */

/** A value of the stack's config, by what is written in the file. */
export interface Reconciled {
  /** The same value, with times as they are written. */
  value: unknown;
  /** Keys inside it that are secret, as `pools.llm.server.args[1]`. */
  secrets: readonly string[];
}

/** Keys of a project in a config file, without its prefix. @returns undefined where the text is no config file. */
export async function writtenConfig(
  text: string,
  project: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  // Loaded only here: most updates need no file.
  const { CORE_SCHEMA, load } = await import("js-yaml");
  let file: unknown;
  try {
    // Its schema knows no times: they stay as they are written.
    file = load(text, { schema: CORE_SCHEMA });
  } catch {
    return undefined;
  }
  const { config } = (file ?? {}) as { config?: unknown };
  if (typeof config !== "object" || config === null) return undefined;
  const own = Object.entries(config).filter(([key]) => key.startsWith(`${project}:`));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(project.length + 1), value]));
}

/** @returns undefined where the file says something else. */
export function reconcile(key: string, value: unknown, written: unknown): Reconciled | undefined {
  if (isSecure(written)) return { value, secrets: [key] };
  if (Array.isArray(value) && Array.isArray(written)) {
    if (value.length !== written.length) return undefined;
    const parts = value.map((inner, i) => reconcile(`${key}[${i}]`, inner, written[i]));
    if (!parts.every((part) => part !== undefined)) return undefined;
    return { value: parts.map((part) => part.value), secrets: parts.flatMap(({ secrets }) => secrets) };
  }
  if (isObject(value) && isObject(written)) {
    const names = Object.keys(value);
    if (names.length !== Object.keys(written).length) return undefined;
    const parts = names.map(
      (name) => [name, reconcile(`${key}.${name}`, value[name], written[name])] as const,
    );
    const known = parts.filter((part): part is readonly [string, Reconciled] => part[1] !== undefined);
    if (known.length < parts.length) return undefined;
    return {
      value: Object.fromEntries(known.map(([name, part]) => [name, part.value])),
      secrets: known.flatMap(([, { secrets }]) => secrets),
    };
  }
  if (isMoment(value) && typeof written === "string" && isSameMoment(value, written)) {
    return { value: written, secrets: [] };
  }
  return String(value) === String(written) && typeof value !== "object" && typeof written !== "object"
    ? { value, secrets: [] }
    : undefined;
}

/** A value as the file has it, with something in the place of each secret. */
export function withoutSecure(
  key: string,
  written: unknown,
  instead: string,
): { value: unknown; secrets: string[] } {
  const secrets: string[] = [];
  const visit = (at: string, value: unknown): unknown => {
    if (isSecure(value)) {
      secrets.push(at);
      return instead;
    }
    if (Array.isArray(value)) return value.map((inner, i) => visit(`${at}[${i}]`, inner));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, visit(`${at}.${name}`, inner)]),
    );
  };
  return { value: visit(key, written), secrets };
}

/** Whether a value holds a time that stands in the file without quotes. */
export const holdsMoment = (value: unknown): boolean =>
  leavesOf("", value).some(([, leaf]) => isMoment(leaf));

/** How the engine writes a time that stands in the YAML without quotes: 2026-11-27 18:00:00 +0000 UTC (tried). */
export const moment = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d\d)(\d\d) \S+$/;

const isMoment = (value: unknown): value is string => typeof value === "string" && moment.test(value);

/** The forms that Pulumi's YAML reads as times (gopkg.in/yaml.v3): only the first has a zone. */
const forms = {
  zoned: /^\d{4}-\d\d?-\d\d?[Tt]\d\d?:\d\d?:\d\d?(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  zoneless: /^\d{4}-\d\d?-\d\d?([Tt ]\d\d?:\d\d?:\d\d?(\.\d+)?)?$/,
};

/** Of a time without a zone, UTC is what was made of it. */
function isSameMoment(value: string, written: string): boolean {
  const parts = moment.exec(value);
  if (parts === null) return false;
  const [, day, hour, hours, minutes] = parts;
  const moments = [`${day}T${hour}${hours}:${minutes}`, writtenMoment(written)].map((text) =>
    Date.parse(text),
  );
  return moments[0] === moments[1];
}

/** The same as ISO 8601; a day by itself is its first moment. */
function writtenMoment(text: string): string {
  if (forms.zoned.test(text)) return text;
  if (!forms.zoneless.test(text)) return "";
  return text.length <= 10 ? `${text}T00:00:00Z` : `${text.replace(" ", "T")}Z`;
}

function isSecure(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 1 && typeof value["secure"] === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
