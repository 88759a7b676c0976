import type { Json } from "../api/objects";
import {
  isSingular,
  type Call,
  type Comparison,
  type Operand,
  type Query,
  type Segment,
  type Selector,
  type Test,
} from "./syntax";

/** What a query selects of a document, in document order. */
export function select(query: Query, document: Json): Json[] {
  return selectFrom(query, document, document);
}

function selectFrom(query: Query, document: Json, current: Json): Json[] {
  let nodes = [query.root === "$" ? document : current];
  for (const segment of query.segments) nodes = nodes.flatMap((node) => apply(segment, node, document));
  return nodes;
}

function apply({ descendant, selectors }: Segment, node: Json, document: Json): Json[] {
  const from = descendant ? withDescendants(node) : [node];
  return from.flatMap((one) => selectors.flatMap((selector) => pick(selector, one, document)));
}

function withDescendants(node: Json): Json[] {
  return [node, ...children(node).flatMap(withDescendants)];
}

function children(node: Json): Json[] {
  if (Array.isArray(node)) return node;
  if (typeof node !== "object" || node === null) return [];
  return Object.values(node).filter((value) => value !== undefined);
}

function pick(selector: Selector, node: Json, document: Json): Json[] {
  switch (selector.kind) {
    case "name": {
      if (typeof node !== "object" || node === null || Array.isArray(node)) return [];
      const value = node[selector.name];
      return Object.hasOwn(node, selector.name) && value !== undefined ? [value] : [];
    }
    case "index": {
      const value = Array.isArray(node) ? node.at(selector.index) : undefined;
      return value === undefined ? [] : [value];
    }
    case "wildcard":
      return children(node);
    case "slice":
      return Array.isArray(node) ? slice(node, selector.start, selector.end, selector.step) : [];
    case "filter":
      return children(node).filter((child) => holds(selector.test, document, child));
  }
}

function slice(list: Json[], start: number | undefined, end: number | undefined, step: number): Json[] {
  const { length } = list;
  const normal = (i: number): number => (i >= 0 ? i : length + i);
  const result: Json[] = [];
  if (step > 0) {
    const last = Math.min(Math.max(normal(end ?? length), 0), length);
    for (let i = Math.min(Math.max(normal(start ?? 0), 0), length); i < last; i += step) push(i);
  } else if (step < 0) {
    const last = end === undefined ? -1 : Math.min(Math.max(normal(end), -1), length - 1);
    for (let i = Math.min(Math.max(normal(start ?? length - 1), -1), length - 1); i > last; i += step)
      push(i);
  }
  return result;

  function push(i: number): void {
    const value = list[i];
    if (value !== undefined) result.push(value);
  }
}

function holds(test: Test, document: Json, current: Json): boolean {
  switch (test.kind) {
    case "or":
      return test.tests.some((one) => holds(one, document, current));
    case "and":
      return test.tests.every((one) => holds(one, document, current));
    case "not":
      return !holds(test.test, document, current);
    case "exists":
      return selectFrom(test.query, document, current).length > 0;
    case "call":
      return call(test.call, document, current) === true;
    case "compare":
      return compare(
        valueOf(test.left, document, current),
        test.operator,
        valueOf(test.right, document, current),
      );
  }
}

/** `undefined` is RFC 9535's Nothing. */
function valueOf(operand: Operand, document: Json, current: Json): Json | undefined {
  if ("literal" in operand) return operand.literal;
  if ("call" in operand) return call(operand.call, document, current);
  const nodes = selectFrom(operand.query, document, current);
  return isSingular(operand.query) || nodes.length === 1 ? nodes[0] : undefined;
}

function compare(a: Json | undefined, operator: Comparison, b: Json | undefined): boolean {
  switch (operator) {
    case "==":
      return equal(a, b);
    case "!=":
      return !equal(a, b);
    case "<":
      return less(a, b);
    case ">":
      return less(b, a);
    case "<=":
      return less(a, b) || equal(a, b);
    case ">=":
      return less(b, a) || equal(a, b);
  }
}

function less(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a === "number" && typeof b === "number") return a < b;
  return typeof a === "string" && typeof b === "string" && a < b;
}

function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((value, i) => equal(value, b[i]));
  if (typeof a === "object" && typeof b === "object" && a !== null && b !== null) {
    if (Array.isArray(a) || Array.isArray(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => equal(a[key], b[key]));
  }
  return a === b;
}

function call({ name, args }: Call, document: Json, current: Json): Json | undefined {
  const [first, second] = args;
  if (first === undefined) return undefined;
  if (name === "count") return "query" in first ? selectFrom(first.query, document, current).length : 0;
  const value = valueOf(first, document, current);
  if (name === "value") return value;
  if (name === "length") {
    if (typeof value === "string") return Array.from(value).length;
    return typeof value === "object" && value !== null ? children(value).length : undefined;
  }
  const pattern = second === undefined ? undefined : valueOf(second, document, current);
  if (typeof value !== "string" || typeof pattern !== "string") return false;
  try {
    return new RegExp(name === "match" ? `^(?:${pattern})$` : pattern, "us").test(value);
  } catch {
    return false;
  }
}
