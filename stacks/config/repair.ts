import { z } from "zod";
import { defaultEngine, imageOf } from "../../components/engines/catalogue";
import { listCommands, removeCommand, setCommand, type ConfigPath } from "../messages/edits";

/*
 * The command that puts a wrong value right. It is looked for with the schema itself, so that what is proposed is
 * accepted: the user's own value in another form where that is one, else an example, else the key goes.
 */

type Scalar = string | number | boolean;

/** @param schema of the whole key that `path` leads into. */
export function repair(
  schema: z.ZodType,
  path: readonly (string | number)[],
  at: ConfigPath,
  found: unknown,
  allowed: string,
): string {
  const { inner, optional } = schemaAt(schema, path);
  const name = at.findLast((part) => typeof part === "string") ?? "";
  const isElement = typeof at.at(-1) === "number";
  if (inner instanceof z.ZodArray && !isElement) {
    const element = accepted(inner.element as z.ZodType, found, name, allowed);
    return element === undefined ? removeCommand(at) : listCommands(at, [element]);
  }
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return removeCommand(at);
  const value = inner === undefined ? undefined : accepted(inner, found, name, allowed);
  if (value !== undefined) return setCommand(at, value);
  return optional || isElement ? removeCommand(at) : setCommand(at, "VALUE");
}

/** The first value that the schema takes. */
function accepted(schema: z.ZodType, found: unknown, name: string, allowed: string): Scalar | undefined {
  return [...candidates(found, name, allowed)].find((value) => schema.safeParse(value).success);
}

function* candidates(found: unknown, name: string, allowed: string): Generator<Scalar> {
  if (typeof found === "string") {
    const [, day, hour] = withoutZone.exec(found) ?? [];
    if (day !== undefined) yield `${day}T${hour ?? "00:00:00"}Z`;
    if (/^-?\d+$/.test(found)) yield Number(found);
    yield found;
  }
  if (typeof found === "number" || typeof found === "boolean") {
    yield found;
    yield String(found);
  }
  const example = examples[name];
  if (example !== undefined) yield example;
  // What the message itself gives as an example, its first choice, or its lowest number.
  const [, as] = /\bas ([^\s,;]+)/.exec(allowed) ?? [];
  if (as !== undefined) yield as;
  const [, choice] = /\bone of ([^\s,;]+)/.exec(allowed) ?? [];
  if (choice !== undefined) yield choice;
  const [, lowest] = /\bfrom (-?\d+(?:\.\d+)?) to/.exec(allowed) ?? [];
  if (lowest !== undefined) yield Number(lowest);
}

/** A time without a zone, also as Pulumi prints one that stands without quotes. */
const withoutZone = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?: \+0000 UTC)?)?$/;

/** What a place in a value has to be; undefined where the schema does not say. */
function schemaAt(
  schema: z.ZodType,
  path: readonly (string | number)[],
): { inner: z.ZodType | undefined; optional: boolean } {
  let at = unwrapped(schema);
  for (const part of path) {
    const next: unknown =
      at.inner instanceof z.ZodObject
        ? (at.inner.shape as Record<string | number, unknown>)[part]
        : at.inner instanceof z.ZodArray
          ? at.inner.element
          : at.inner instanceof z.ZodRecord
            ? at.inner.valueType
            : undefined;
    if (!(next instanceof z.ZodType)) return { inner: undefined, optional: true };
    at = unwrapped(next);
  }
  return at;
}

function unwrapped(schema: z.ZodType): { inner: z.ZodType; optional: boolean } {
  let [inner, optional] = [schema, false];
  while (inner instanceof z.ZodOptional) {
    optional = true;
    inner = inner.unwrap() as z.ZodType;
  }
  return { inner, optional };
}

/** Values that would be right, by the last name of a key. */
const examples: Readonly<Record<string, Scalar>> = {
  weight: 10,
  role: "all",
  service: "llm",
  route: "routes-to-llm",
  namespace: "default",
  model: "Qwen/Qwen3-8B",
  stable: "llm",
  candidate: "llm-new",
  accelerator: "nvidia-l4",
  acceleratorsPerReplica: 1,
  replicas: 2,
  port: 8000,
  loadingMinutes: 20,
  priority: 0,
  existing: true,
  like: "llm",
  via: "gateway",
  endpoint: "embeddings",
  names: "declared",
  timeoutSeconds: 600,
  exposure: "internal",
  mode: "full",
  headroom: 1.2,
  rollbackReserve: 0.5,
  time: "2026-11-27T18:00:00Z",
  from: "2026-11-27T00:00:00Z",
  to: "2026-11-30T00:00:00Z",
  reason: "WHY",
  name: "food-review",
  source: "acme/food-review",
  adapters: true,
  image: imageOf(defaultEngine),
  hostname: "llm.example.com",
  apiKey: "VALUE",
};
