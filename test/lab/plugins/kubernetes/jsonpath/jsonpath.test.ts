import * as assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Json } from "../api/objects";
import { parseQuery } from "./parse";
import { select } from "./select";

/** The example of RFC 9535, section 1.5. */
const store: Json = {
  store: {
    book: [
      { category: "reference", author: "Nigel Rees", title: "Sayings of the Century", price: 8.95 },
      { category: "fiction", author: "Evelyn Waugh", title: "Sword of Honour", price: 12.99 },
      {
        category: "fiction",
        author: "Herman Melville",
        title: "Moby Dick",
        isbn: "0-553-21311-3",
        price: 8.99,
      },
      {
        category: "fiction",
        author: "J. R. R. Tolkien",
        title: "The Lord of the Rings",
        isbn: "0-395-19395-8",
        price: 22.99,
      },
    ],
    bicycle: { color: "red", price: 399 },
  },
};
const run = (query: string, document: Json = store): Json[] => select(parseQuery(query), document);

describe("JSONPath", () => {
  test("the examples of RFC 9535", () => {
    const authors = ["Nigel Rees", "Evelyn Waugh", "Herman Melville", "J. R. R. Tolkien"];
    const titles = (query: string): unknown[] => run(query).map((book) => (book as { title: string }).title);
    assert.deepEqual(run("$.store.book[*].author"), authors);
    assert.deepEqual(run("$..author"), authors);
    assert.equal(run("$.store.*").length, 2);
    assert.deepEqual(run("$.store..price"), [8.95, 12.99, 8.99, 22.99, 399]);
    assert.deepEqual(titles("$..book[2]"), ["Moby Dick"]);
    assert.deepEqual(titles("$..book[-1]"), ["The Lord of the Rings"]);
    assert.deepEqual(titles("$..book[0,1]"), titles("$..book[:2]"));
    assert.deepEqual(titles("$..book[?@.isbn]"), ["Moby Dick", "The Lord of the Rings"]);
    assert.deepEqual(titles("$..book[?@.price<10]"), ["Sayings of the Century", "Moby Dick"]);
    assert.deepEqual(titles("$.store.book[::-2]"), ["The Lord of the Rings", "Sword of Honour"]);
  });

  test("names in brackets, escapes, nothing and null", () => {
    const document = { "a.b/c": { d: [1] }, "it's": 2, none: null };
    assert.deepEqual(run(`$['a.b/c']["d"][0]`, document), [1]);
    assert.deepEqual(run(`$['it\\'s']`, document), [2]);
    assert.deepEqual(run("$.none", document), [null]);
    assert.deepEqual(run("$.nowhere.at.all", document), []);
    assert.deepEqual(run("$[0]", document), []);
  });

  test("filters: comparisons, existence, negation, functions, the root from inside", () => {
    const document = {
      generation: 2,
      list: [{ at: 2, ok: true, n: "ab" }, { at: 1, ok: false, n: "abc" }, { n: "x" }],
    };
    const names = (filter: string): unknown[] => run(`$.list[?${filter}].n`, document);
    assert.deepEqual(names("@.at==$.generation"), ["ab"]);
    assert.deepEqual(names("@.at!=$.generation"), ["abc", "x"]);
    assert.deepEqual(names("!@.at"), ["x"]);
    assert.deepEqual(names("@.ok == false"), ["abc"]);
    assert.deepEqual(names("(@.at >= 2) || length(@.n) > 2"), ["ab", "abc"]);
    assert.deepEqual(names('match(@.n, "a.*") && !(@.ok == true)'), ["abc"]);
    assert.deepEqual(names("@.missing == @.absent"), ["ab", "abc", "x"], "nothing equals nothing");
    assert.deepEqual(run("$.list[?count(@.*)==1].n", document), ["x"]);
  });

  test("the fault of the real provider's parser is kept: blank space inside a chain of three", () => {
    assert.throws(() => parseQuery("$.a[?@.b==1 && @.c==2 && @.d==3]"), /unexpected/);
    assert.throws(() => parseQuery("$.a[?@.b==1 || @.c==2 && @.d==3 || @.e==4]"), /unexpected/);
    parseQuery("$.a[?@.b==1 || @.c==2 || @.d==3]");
    parseQuery("$.a[?@.b==1 && (@.c==2 && @.d==3)]");
    parseQuery("$.a[?@.b==1 && @.c==2&& @.d==3]");
  });

  test("what is no query is refused, with its place", () => {
    for (const text of [
      "",
      "a",
      "$.",
      "$[",
      "$[?]",
      "$[?@.a=1]",
      "$.a b",
      "$['a",
      "$[01]",
      "$[?nothing(@.a)]",
    ])
      assert.throws(() => parseQuery(text), /jsonpath/, text);
    assert.throws(() => parseQuery("$[?@.a[*] == 1]"), /unexpected/);
    assert.throws(() => parseQuery("$[?1 == @.a[*]]"), /one value/);
  });
});
