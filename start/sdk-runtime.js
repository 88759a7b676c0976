"use strict";
/*
 * @pulumi/pulumi/runtime as the bundle sees it: without what serializes functions, until somebody asks for it.
 */

/** @type {Record<string, unknown>} */
const runtime = module.exports;
Object.defineProperty(runtime, "__esModule", { value: true });

for (const part of [
  require("@pulumi/pulumi/runtime/config"),
  require("@pulumi/pulumi/runtime/invoke"),
  require("@pulumi/pulumi/runtime/resource"),
  require("@pulumi/pulumi/runtime/rpc"),
  require("@pulumi/pulumi/runtime/settings"),
  require("@pulumi/pulumi/runtime/stack"),
]) {
  for (const [name, value] of Object.entries(/** @type {object} */ (part))) runtime[name] ??= value;
}

// For tests; they need nothing else of the rest.
Object.defineProperty(runtime, "setMocks", {
  enumerable: true,
  get: () => require("@pulumi/pulumi/runtime/mocks").setMocks,
});

for (const name of ["serializeFunctionAsync", "serializeFunction", "computeCodePaths"]) {
  Object.defineProperty(runtime, name, {
    enumerable: true,
    // By another name than the one that stands for this file.
    get: () => /** @type {Record<string, unknown>} */ (require("@pulumi/pulumi/runtime/index"))[name],
  });
}
