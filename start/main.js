"use strict";
/*
 * What Pulumi runs (package.json, "main"). Nobody starts it by hand: `pulumi up` does.
 */
const { start } = require("./program");

/** Runs what index.ts exports. */
module.exports = async () => {
  const program = await start("index.ts");
  // Anything else is a program that declares nothing: to Pulumi, a stack to be emptied.
  if (typeof program !== "function") throw new Error("index.ts does not export the program");
  return /** @type {() => unknown} */ (program)();
};
