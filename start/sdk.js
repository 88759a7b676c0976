"use strict";
/*
 * @pulumi/pulumi as the bundle sees it: the same modules, but those that only some programs use are loaded when they
 * are used. Serializing functions alone brings TypeScript and 570 other modules, most of what an update would load.
 */

/** @type {Record<string, unknown>} */
const sdk = module.exports;
Object.defineProperty(sdk, "__esModule", { value: true });

/** @param {object} from */
function addAll(from) {
  for (const [name, value] of Object.entries(from)) sdk[name] ??= value;
}

/** @param {string} name @param {() => unknown} load */
function addLater(name, load) {
  Object.defineProperty(sdk, name, { enumerable: true, get: load });
}

addAll(require("@pulumi/pulumi/config"));
addAll(require("@pulumi/pulumi/errors"));
addAll(require("@pulumi/pulumi/metadata"));
addAll(require("@pulumi/pulumi/output"));
addAll(require("@pulumi/pulumi/resource"));
addAll(require("@pulumi/pulumi/stackReference"));
addAll(require("@pulumi/pulumi/stash"));
sdk["asset"] = require("@pulumi/pulumi/asset");
addLater("automation", () => require("@pulumi/pulumi/automation"));
addLater("dynamic", () => require("@pulumi/pulumi/dynamic"));
sdk["iterable"] = require("@pulumi/pulumi/iterable");
sdk["log"] = require("@pulumi/pulumi/log");
addLater("provider", () => require("@pulumi/pulumi/provider"));
sdk["runtime"] = require("./sdk-runtime");
sdk["utils"] = require("@pulumi/pulumi/utils");
sdk["deploymentOnlyModule"] = true;
