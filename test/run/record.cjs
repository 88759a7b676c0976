"use strict";
/*
 * A reporter of node:test for file.ts: what happens in a test file, one JSON line each, written at once to file
 * descriptor 3. What a test prints stays its own, and a file that has to be ended has told everything until then.
 */
const fs = require("node:fs");
const { inspect } = require("node:util");

/** As file.ts reads them. @typedef {import("./file").Happened} Happened */
/** @type {Readonly<Record<string, Happened["what"]>>} */
const told = {
  "test:enqueue": "known",
  "test:dequeue": "begun",
  "test:pass": "passed",
  "test:fail": "failed",
  "test:plan": "planned",
  "test:diagnostic": "said",
};

/** @param {AsyncIterable<{ type: string, data: any }>} events */
module.exports = async function* record(events) {
  for await (const { type, data } of events) {
    const what = told[type];
    if (what === undefined) continue;
    /** @type {Happened} */
    const one = {
      what,
      name: data.name ?? data.message ?? "",
      nesting: data.nesting,
      isSuite: data.details?.type === "suite",
      isLeft: data.skip !== undefined || data.todo !== undefined,
      error: what === "failed" ? textOf(data.details.error) : undefined,
    };
    fs.writeSync(3, `${JSON.stringify(one)}\n`);
    yield "";
  }
};

/** @param {Error & { failureType?: string }} error which node has wrapped around the test's own */
function textOf(error) {
  // A suite that fails by what is in it has nothing to say itself.
  if (error.failureType === "subtestsFailed") return undefined;
  return error.cause === undefined ? error.message : inspect(error.cause, { depth: 8 });
}
