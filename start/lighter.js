"use strict";
const path = require("node:path");

/**
 * What stands for the SDK, by the name with which it is imported: in the bundle (bundle.js), and where TypeScript is
 * started without one (typescript.js).
 * @type {ReadonlyMap<string, string>}
 */
module.exports = new Map([
  ["@pulumi/pulumi", path.join(__dirname, "sdk.js")],
  ["@pulumi/pulumi/runtime", path.join(__dirname, "sdk-runtime.js")],
]);
