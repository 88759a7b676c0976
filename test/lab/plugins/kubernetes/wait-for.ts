import { annotation, at, listAt, numberAt, textAt, type Json, type KubeObject } from "./api/objects";
import { parseQuery } from "./jsonpath/parse";
import { select } from "./jsonpath/select";
import type { Query } from "./jsonpath/syntax";

/** One expression of the annotation `pulumi.com/waitFor`. */
export type Expectation =
  | { kind: "condition"; type: string; status: string }
  | { kind: "jsonpath"; query: Query; path: string; value: string };

export interface Verdict {
  done: boolean;
  /** What to show while waiting. */
  message?: string;
  /** Why waiting cannot succeed; the real provider waits on until its timeout all the same. */
  error?: string;
}

/**
 * What the annotation asks for: a JSON array of expressions, which must all hold, or a single one; undefined where
 * there is none. @throws Error in the real provider's words where an expression is malformed.
 */
export function expectations(object: KubeObject): Expectation[] | undefined {
  const text = annotation(object, "pulumi.com/waitFor");
  if (text === "") return undefined;
  const expressions = stringArray(text) ?? [text];
  if (expressions.length === 0) throw new Error("at least one condition must be specified");
  return expressions.map(parseExpectation);
}

function stringArray(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

export function parseExpectation(text: string): Expectation {
  if (text.startsWith("condition=")) {
    const [type = "", ...status] = text.slice("condition=".length).split("=");
    return { kind: "condition", type, status: status.length === 0 ? "True" : status.join("=") };
  }
  if (!text.startsWith("jsonpath="))
    throw new Error(`expected a "jsonpath=" or "condition=" prefix, got ${JSON.stringify(text)}`);
  const raw = text.slice("jsonpath=".length);
  // Split at "=", not at "==": so `!=`, `<=` and `>=` in a filter break it, there as here.
  const placeholder = "\uFFFD";
  const parts = raw.replaceAll("==", placeholder).split("=");
  if (parts.length > 2)
    throw new Error(`format should be {.path}=value or {.path}, got ${JSON.stringify(raw)}`);
  const [path = "", value] = parts.map((part) => part.replaceAll(placeholder, "=="));
  if (value === "") throw new Error(`${path}= requires a value`);
  if (path.startsWith("'") && path.endsWith("'")) throw new Error(`${path} should omit shell quotes`);
  const inner = /\{\s*(.*?)\s*\}/.exec(path)?.[1];
  if (inner === undefined) throw new Error(`${path} should be wrapped in brackets { ... }`);
  try {
    const query = parseQuery(inner.startsWith("$") ? inner : `$${inner}`);
    return { kind: "jsonpath", query, path, value: value ?? "" };
  } catch (error) {
    throw new Error(
      `parsing ${JSON.stringify(path)}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** Whether the live object meets the expectation. */
export function meets(object: KubeObject, expectation: Expectation): Verdict {
  return expectation.kind === "condition"
    ? meetsCondition(object, expectation.type, expectation.status)
    : meetsQuery(object, expectation);
}

/** Only `.status.conditions` at the top are looked at; routes and pools keep theirs below `.status.parents`. */
function meetsCondition(object: KubeObject, type: string, status: string): Verdict {
  if (at(object, "status", "conditions") === undefined)
    return { done: false, message: "Has no .status.conditions" };
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const condition = listAt(object, "status", "conditions").find((one) => same(textAt(one, "type"), type));
  if (condition === undefined) return { done: false };
  const generation = numberAt(object, "metadata", "generation");
  const observed =
    numberAt(condition, "observedGeneration") ?? numberAt(object, "status", "observedGeneration");
  if (generation !== undefined && observed !== undefined && observed < generation)
    return { done: false, message: `Generation ${observed} is less than expected ${generation}` };
  const found = textAt(condition, "status");
  if (same(found, status)) return { done: true };
  return { done: false, message: `Resource has condition ${type}=${found} (want ${status})` };
}

function meetsQuery(object: KubeObject, { query, path, value }: Expectation & { kind: "jsonpath" }): Verdict {
  const generation = numberAt(object, "metadata", "generation");
  const observed = numberAt(object, "status", "observedGeneration");
  if (generation !== undefined && observed !== undefined && observed < generation) return { done: false };
  const text = value === "" ? path : `${path}=${value}`;
  // A live object is plain JSON; only the first result counts.
  const results = select(query, object as Json);
  if (results.length === 0) return { done: false, message: `${path} selected nothing` };
  const found = results[0] ?? null;
  if (typeof found === "object" && found !== null) {
    if (value === "") return { done: true };
    return {
      done: false,
      error: `${JSON.stringify(path)} has a non-primitive value (${JSON.stringify(found)})`,
    };
  }
  const printed = found === null ? "<nil>" : String(found);
  if (value === "" || value === printed) return { done: true };
  return { done: false, message: `Waiting for ${text} (found ${JSON.stringify(printed)})` };
}
