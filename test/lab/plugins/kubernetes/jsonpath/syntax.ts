import type { Json } from "../api/objects";

/** The parts of an RFC 9535 query. */

export interface Query {
  /** `$` is the whole document, `@` the node that a filter looks at. */
  root: "$" | "@";
  segments: readonly Segment[];
}

export interface Segment {
  /** `..`: the node itself and everything below it. */
  descendant: boolean;
  selectors: readonly Selector[];
}

export type Selector =
  | { kind: "name"; name: string }
  | { kind: "index"; index: number }
  | { kind: "wildcard" }
  | { kind: "slice"; start?: number; end?: number; step: number }
  | { kind: "filter"; test: Test };

export type Test =
  | { kind: "or" | "and"; tests: readonly Test[] }
  | { kind: "not"; test: Test }
  | { kind: "exists"; query: Query }
  | { kind: "call"; call: Call }
  | { kind: "compare"; left: Operand; operator: Comparison; right: Operand };

export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

export type Operand = { literal: Json } | { query: Query } | { call: Call };

export interface Call {
  name: "length" | "count" | "value" | "match" | "search";
  args: readonly Operand[];
}

/** Whether a query selects one node at most, so that it can be compared. */
export function isSingular(query: Query): boolean {
  return query.segments.every(
    ({ descendant, selectors }) =>
      !descendant &&
      selectors.length === 1 &&
      selectors.every(({ kind }) => kind === "name" || kind === "index"),
  );
}
