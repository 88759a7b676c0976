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

export class QueryError extends Error {}

/**
 * Parses an RFC 9535 query as theory/jsonpath v0.9.0 does, the library of the real provider, with one of its
 * faults: blank space before `&&` or `||` is accepted after the first operand of a chain only, so `a && b && c`
 * is an error there. An expression that works in a rehearsal must work in production.
 * @throws QueryError
 */
export function parseQuery(text: string): Query {
  const parser = new Parser(text);
  const query = parser.query();
  parser.end();
  return query;
}

class Parser {
  private at = 0;
  constructor(private readonly text: string) {}

  query(): Query {
    const root = this.next();
    if (root !== "$" && root !== "@") throw this.unexpected();
    this.at++;
    const segments: Segment[] = [];
    for (;;) {
      if (this.take("..")) {
        const selectors = this.next() === "[" ? this.brackets() : [this.nameOrWildcard()];
        segments.push({ descendant: true, selectors });
      } else if (this.take(".")) segments.push({ descendant: false, selectors: [this.nameOrWildcard()] });
      else if (this.next() === "[") segments.push({ descendant: false, selectors: this.brackets() });
      else return { root, segments };
    }
  }

  end(): void {
    if (this.at < this.text.length) throw this.unexpected();
  }

  private brackets(): Selector[] {
    this.expect("[");
    const selectors: Selector[] = [];
    for (;;) {
      this.blanks();
      selectors.push(this.selector());
      this.blanks();
      if (this.take("]")) return selectors;
      this.expect(",");
    }
  }

  private selector(): Selector {
    const c = this.next();
    if (c === '"' || c === "'") return { kind: "name", name: this.string() };
    if (this.take("*")) return { kind: "wildcard" };
    if (this.take("?")) return { kind: "filter", test: this.or() };
    const start = this.integer();
    const mark = this.at;
    this.blanks();
    if (!this.take(":")) {
      this.at = mark;
      if (start === undefined) throw this.unexpected();
      return { kind: "index", index: start };
    }
    this.blanks();
    const end = this.integer();
    this.blanks();
    const step = this.take(":") ? (this.blanks(), this.integer()) : undefined;
    return {
      kind: "slice",
      step: step ?? 1,
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
    };
  }

  private or(): Test {
    const tests = [this.and()];
    this.blanks();
    while (this.take("||")) tests.push(this.and());
    const [only] = tests;
    return tests.length === 1 && only !== undefined ? only : { kind: "or", tests };
  }

  private and(): Test {
    const tests = [this.basic()];
    this.blanks();
    while (this.take("&&")) tests.push(this.basic());
    const [only] = tests;
    return tests.length === 1 && only !== undefined ? only : { kind: "and", tests };
  }

  private basic(): Test {
    this.blanks();
    if (this.take("!")) {
      this.blanks();
      return { kind: "not", test: this.next() === "(" ? this.parenthesised() : this.existsOrCall() };
    }
    if (this.next() === "(") return this.parenthesised();
    const left = this.operand();
    if (!("query" in left) || isSingular(left.query)) this.blanks();
    const operator = this.comparison();
    if (operator !== undefined) {
      if ("call" in left && isTest(left.call)) throw this.unexpected();
      this.blanks();
      return { kind: "compare", left, operator, right: this.comparable() };
    }
    return this.asTest(left);
  }

  private parenthesised(): Test {
    this.expect("(");
    const test = this.or();
    this.blanks();
    this.expect(")");
    return test;
  }

  private existsOrCall(): Test {
    return this.asTest(this.operand());
  }

  private asTest(operand: Operand): Test {
    if ("query" in operand) return { kind: "exists", query: operand.query };
    // length(), count() and value() give values, which are no tests.
    if ("call" in operand && isTest(operand.call)) return { kind: "call", call: operand.call };
    throw this.unexpected();
  }

  private comparable(): Operand {
    const operand = this.operand();
    if ("query" in operand && !isSingular(operand.query))
      throw new QueryError("jsonpath: a comparison needs a query that selects one value");
    if ("call" in operand && isTest(operand.call)) throw this.unexpected();
    return operand;
  }

  private operand(): Operand {
    const c = this.next();
    if (c === "@" || c === "$") return { query: this.query() };
    if (c === '"' || c === "'") return { literal: this.string() };
    const number = this.match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y);
    if (number !== undefined) return { literal: Number(number) };
    const word = this.match(/[a-z][a-z0-9_]*/y);
    if (word === "true" || word === "false") return { literal: word === "true" };
    if (word === "null") return { literal: null };
    if (word !== undefined && this.next() === "(") return { call: this.call(word) };
    throw this.unexpected();
  }

  private call(name: string): Call {
    const known = (["length", "count", "value", "match", "search"] as const).find((one) => one === name);
    if (known === undefined) throw new QueryError(`jsonpath: unknown function ${name}()`);
    this.expect("(");
    const args: Operand[] = [];
    this.blanks();
    while (!this.take(")")) {
      if (args.length > 0) this.expect(",");
      this.blanks();
      args.push(this.operand());
      this.blanks();
    }
    return { name: known, args };
  }

  private comparison(): Comparison | undefined {
    return this.match(/==|!=|<=|>=|<|>/y) as Comparison | undefined;
  }

  private nameOrWildcard(): Selector {
    if (this.take("*")) return { kind: "wildcard" };
    const name = this.match(/[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*/y);
    if (name === undefined) throw this.unexpected();
    return { kind: "name", name };
  }

  private integer(): number | undefined {
    const text = this.match(/0|-?[1-9]\d*/y);
    return text === undefined ? undefined : Number(text);
  }

  private string(): string {
    const quote = this.next();
    const text = this.match(quote === '"' ? /"(?:[^"\\]|\\.)*"/y : /'(?:[^'\\]|\\.)*'/y);
    if (text === undefined) throw new QueryError(`jsonpath: unterminated string at position ${this.at + 1}`);
    const inner = text.slice(1, -1);
    const json = quote === '"' ? inner : inner.replaceAll("\\'", "'").replace(/(?<!\\)"/g, '\\"');
    return JSON.parse(`"${json}"`) as string;
  }

  private blanks(): void {
    this.match(/[ \t\r\n]+/y);
  }

  private next(): string {
    return this.text.charAt(this.at);
  }

  private take(token: string): boolean {
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  private expect(token: string): void {
    if (!this.take(token)) throw this.unexpected();
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private unexpected(): QueryError {
    const c = this.next();
    const what = c === "" ? "eof" : c === " " ? "blank space" : `'${c}'`;
    return new QueryError(`jsonpath: unexpected ${what} at position ${this.at + 1}`);
  }
}

function isTest({ name }: Call): boolean {
  return name === "match" || name === "search";
}
