"use strict";
/*
 * What Pulumi runs (package.json, "main"). Nobody starts it by hand: `pulumi up` does.
 */
const { start } = require("./program");

/** Runs index.ts; what it exports is the program, as with every Pulumi program. */
module.exports = async () => {
  const program = await start("index.ts");
  return typeof program === "function" ? /** @type {() => unknown} */ (program)() : program;
};
