import assert from "node:assert/strict";
import { test } from "node:test";
import { bestCover, covers, effectiveHostnames, moreSpecific } from "./translate/hostnames";

const coverage: [string, string, boolean][] = [
  ["*", "a.b", true],
  ["*", "*.b", true],
  ["a.b", "a.b", true],
  ["*.b", "a.b", true],
  ["*.b", "x.a.b", true],
  ["*.b", "*.a.b", true],
  ["*.b", "b", false],
  ["*.b", "ab", false],
  ["*.a.b", "*.b", false],
  ["a.b", "*.b", false],
  ["a.b", "*", false],
];
for (const [wide, narrow, expected] of coverage) {
  test(`${wide} ${expected ? "covers" : "does not cover"} ${narrow}`, () => {
    assert.equal(covers(wide, narrow), expected);
  });
}

const effective: [string | undefined, string[] | undefined, string[]][] = [
  [undefined, undefined, ["*"]],
  [undefined, ["a.b", "c.d"], ["a.b", "c.d"]],
  ["*.b", undefined, ["*.b"]],
  ["*.b", ["a.b", "c.d"], ["a.b"]],
  ["*.b", ["*.a.b", "b"], ["*.a.b"]],
  ["a.b", ["*.b", "*"], ["a.b"]],
  ["a.b", ["c.d"], []],
  ["A.b", ["a.B"], ["a.b"]],
];
for (const [listener, routes, expected] of effective) {
  test(`listener ${listener ?? "-"} with route ${routes?.join() ?? "-"} serves ${expected.join() || "nothing"}`, () => {
    assert.deepEqual(effectiveHostnames(listener, routes), expected);
  });
}

test("an exact hostname is more specific than any wildcard, a longer wildcard than a shorter", () => {
  const sorted = ["*", "*.b", "*.long.example.org", "a.b", "long.example.org"].sort(moreSpecific);
  assert.deepEqual(sorted, ["long.example.org", "a.b", "*.long.example.org", "*.b", "*"]);
  assert.equal(bestCover(["*", "*.b", "*.a.b"], "x.a.b"), "*.a.b");
  assert.equal(bestCover(["*.c"], "x.a.b"), undefined);
});
