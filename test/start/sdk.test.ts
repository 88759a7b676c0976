import assert from "node:assert/strict";
import { test } from "node:test";

/* What stands for the SDK in a bundle, and here, is the SDK: every name that it has, and the very same things. */

/* eslint-disable @typescript-eslint/no-require-imports -- as the bundle does */
const lighter = require("../../start/sdk") as Record<string, unknown>;
const lighterRuntime = require("../../start/sdk-runtime") as Record<string, unknown>;
const real = require("@pulumi/pulumi/index") as Record<string, unknown>;
const runtime = require("@pulumi/pulumi/runtime/index") as Record<string, unknown>;
/* eslint-enable @typescript-eslint/no-require-imports */

const namespaces = new Set([
  "asset",
  "automation",
  "dynamic",
  "iterable",
  "log",
  "provider",
  "runtime",
  "utils",
]);

function sameNames(actual: object, expected: object): void {
  const names = (of: object): string[] =>
    Object.keys(of)
      .filter((name) => name !== "default")
      .sort();
  assert.deepEqual(names(actual), names(expected));
}

test("the lighter SDK has what the SDK has", () => {
  sameNames(lighter, real);
  for (const name of Object.keys(real).filter((key) => key !== "default")) {
    if (namespaces.has(name)) sameNames(lighter[name] as object, real[name] as object);
    else assert.equal(lighter[name], real[name], name);
  }
});

test("its runtime has what the SDK's runtime has", () => {
  sameNames(lighterRuntime, runtime);
  for (const name of Object.keys(runtime)) assert.equal(lighterRuntime[name], runtime[name], name);
  assert.equal(lighter["runtime"], lighterRuntime);
  assert.notEqual(lighterRuntime, runtime);
});
