"use strict";
/*
 * Where an error came from, in the sources that people edit. Stack traces name positions in the bundle; they are
 * translated when one is about to be shown, and only then: the SDK takes a stack trace for every output and resource,
 * and translating all of them was a tenth of an update. Frames of packages are left out: they tell nobody anything.
 */
const { SourceMap } = require("node:module");
const path = require("node:path");

/**
 * @param {string} file name of the bundle in stack traces.
 * @param {() => string} readMap its source map.
 */
exports.showSources = function showSources(file, readMap) {
  // The runner's own translation, of every trace as it is taken.
  Reflect.deleteProperty(Error, "prepareStackTrace");
  const translate = (/** @type {unknown} */ error) => {
    if (!(error instanceof Error) || error.stack === undefined) return;
    try {
      const { stack } = error;
      error.stack = withoutPackages(stack.includes(file) ? translated(stack, file, readMap()) : stack);
    } catch {
      // Positions in the bundle are better than none.
    }
  };
  // Before whoever prints it. The monitor leaves what happens then as it is; a listener would keep Node from ending.
  process.on("uncaughtExceptionMonitor", translate);
  if (process.listenerCount("unhandledRejection") > 0)
    process.prependListener("unhandledRejection", translate);
};

/**
 * @param {string} stack
 * @param {string} file
 * @param {string} map
 */
function translated(stack, file, map) {
  const sources = new SourceMap(/** @type {import("node:module").SourceMapPayload} */ (JSON.parse(map)));
  return stack
    .split(file)
    .map((part, i) => {
      const [, line, column] = (i > 0 ? /^:(\d+):(\d+)/.exec(part) : undefined) ?? [];
      if (line === undefined || column === undefined) return i === 0 ? part : file + part;
      const entry = sources.findEntry(Number(line) - 1, Number(column) - 1);
      if (!("originalSource" in entry)) return file + part;
      const place = `${sourceOf(entry.originalSource)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
      return place + part.slice(`:${line}:${column}`.length);
    })
    .join("");
}

/**
 * Whoever prints it may colour it: for a frame like `node_modules/@pulumi/x.ts`, which is what source maps make of a
 * package's, Node 20 needs half a minute.
 * @param {string} stack of translated positions: the bundle lies in node_modules too.
 */
const withoutPackages = (stack) =>
  stack
    .split("\n")
    .filter((line) => !/^\s+at .*node_modules/.test(line))
    .join("\n");

/** Sources are relative to the root, where esbuild would have written the bundle. @param {string} source */
const sourceOf = (source) => path.join(path.dirname(__dirname), source);
