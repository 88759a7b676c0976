import { isDeepStrictEqual } from "node:util";
import { hiddenText } from "../../stacks/config/secrets";
import { withoutSecure } from "../../stacks/config/config-file";

/**
 * One value of a stack's config. A secret's value is never known here: not to show it is to not have it. Of an object
 * with secrets inside, `around` is the rest.
 */
export type Value = { secret: true; around?: Around } | { secret: false; value: unknown };

/** An object without its secrets: something else stands in their places. */
export interface Around {
  value: unknown;
  /** Where the secrets are, as `pools.llm.server.args[1]`. */
  secrets: readonly string[];
}

/** A stack's config by full key (`inference-rollout:weight`, `gcp:project`), as the CLI prints it. */
export type StackValues = Readonly<Record<string, Value>>;

interface Printed {
  value?: string;
  objectValue?: unknown;
  secret: boolean;
}

/** What `pulumi config --json` prints, and what `pulumi stack history --json` says of an update. */
export function parseValues(printed: unknown): StackValues {
  const entries = Object.entries((printed ?? {}) as Record<string, Printed>);
  return Object.fromEntries(
    entries.map(([key, { value, objectValue, secret }]) => [
      key,
      secret ? { secret } : { secret, value: objectValue ?? value ?? "" },
    ]),
  );
}

/**
 * The same config with what its file tells beyond what the CLI prints: what is around the secrets of an object.
 * @param written keys without the project's prefix: see stacks/config/written.ts.
 */
export function asWritten(values: StackValues, written: Readonly<Record<string, unknown>>): StackValues {
  return Object.fromEntries(
    Object.entries(values).map(([key, entry]): [string, Value] => {
      const inFile = key === short(key) ? undefined : written[short(key)];
      if (inFile === undefined || !entry.secret) return [key, entry];
      const around = withoutSecure(short(key), inFile, hiddenText);
      const isWhole = around.secrets.length === 0 || around.secrets.includes(short(key));
      return [key, isWhole ? entry : { secret: true, around }];
    }),
  );
}

export const project = "inference-rollout";

/** Full key of one of the program's own. */
export const own = (key: string): string => `${project}:${key}`;

/** The key as people write it on the command line. */
export const short = (key: string): string =>
  key.startsWith(`${project}:`) ? key.slice(project.length + 1) : key;

/** The value of one of the program's own keys; undefined where it is absent, empty or secret. */
export function valueOf(values: StackValues, key: string): unknown {
  const entry = values[own(key)];
  return entry === undefined || entry.secret || entry.value === "" ? undefined : entry.value;
}

/** The same config with other values of the program's own keys; undefined: without the key. */
export function withValues(values: StackValues, changes: Readonly<Record<string, unknown>>): StackValues {
  const result: Record<string, Value> = { ...values };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) Reflect.deleteProperty(result, own(key));
    else result[own(key)] = { secret: false, value };
  }
  return result;
}

/** Whether two values are the same to the program: at the top level, Pulumi keeps numbers as text. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.secret || b.secret) return a.secret && b.secret;
  return isDeepStrictEqual(plain(a.value), plain(b.value));
}

const plain = (value: unknown): unknown =>
  typeof value === "number" || typeof value === "boolean" ? String(value) : value;
