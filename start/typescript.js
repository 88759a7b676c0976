"use strict";
/*
 * `node --require ./start/typescript.js FILE.ts`: for what is not bundled, the tests, the lab and the scripts of
 * package.json. A source is transpiled once and kept by its content: hundreds of processes of a test run load the same
 * ones, and neither TypeScript nor a transpiler is loaded for it again. Types are checked by `npm run check`.
 */
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const lighter = require("./lighter");

const { SourceMap } = Module;

const root = path.dirname(__dirname);
/** How sources are transpiled: a change makes other files. @type {import("@swc/core").Options} */
const options = {
  swcrc: false,
  sourceMaps: true,
  module: { type: "commonjs", ignoreDynamic: true },
  jsc: { target: "es2022", parser: { syntax: "typescript" }, keepClassNames: true },
};
const folder = path.join(root, "node_modules", ".cache", "typescript");
const by = JSON.stringify([options, require("@swc/core/package.json").version]);

/** Where each loaded source's map is. @type {Map<string, () => string>} */
const maps = new Map();
/** @type {Map<string, import("node:module").SourceMap>} */
const read = new Map();

// Deprecated for as long as there is nothing else for modules that are required.
// eslint-disable-next-line @typescript-eslint/no-deprecated
require.extensions[".ts"] = (/** @type {NodeJS.Module} */ module, /** @type {string} */ file) => {
  const source = fs.readFileSync(file, "utf8");
  const name = createHash("sha256").update([by, file, source].join("\0")).digest("hex").slice(0, 40);
  const kept = path.join(folder, name);
  let code;
  try {
    code = fs.readFileSync(`${kept}.js`, "utf8");
    maps.set(file, () => fs.readFileSync(`${kept}.map`, "utf8"));
  } catch {
    const { transformSync } = /** @type {typeof import("@swc/core")} */ (require("@swc/core"));
    const made = transformSync(source, { ...options, filename: file });
    ({ code } = made);
    maps.set(file, () => made.map ?? "{}");
    // In this order: where a code is kept, its map is too.
    if (keep(`${kept}.map`, made.map ?? "{}")) keep(`${kept}.js`, code);
  }
  /** @type {{ _compile(code: string, file: string): void }} */ (/** @type {unknown} */ (module))._compile(
    code,
    file,
  );
};

/** @param {string} file @param {string} content */
function keep(file, content) {
  try {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(`${file}.${process.pid}`, content);
    fs.renameSync(`${file}.${process.pid}`, file);
    return true;
  } catch {
    // Transpiling again costs time and nothing else.
    return false;
  }
}

// The SDK as the bundle has it: every other test file needs it, and by itself it loads TypeScript.
const modules = /** @type {{ _resolveFilename(name: string, ...more: unknown[]): string }} */ (
  /** @type {unknown} */ (Module)
);
const resolve = modules._resolveFilename.bind(Module);
modules._resolveFilename = (/** @type {string} */ name, /** @type {unknown[]} */ ...more) =>
  lighter.get(name) ?? resolve(name, ...more);

// Positions in the sources, found when somebody looks at the stack of an error.
Error.prepareStackTrace = (error, frames) =>
  [String(error), ...frames.map((frame) => `    at ${inSource(frame)}`)].join("\n");

/** @param {NodeJS.CallSite} frame */
function inSource(frame) {
  // V8's own text for it.
  // eslint-disable-next-line @typescript-eslint/no-base-to-string
  const text = String(frame);
  const [file, line, column] = [frame.getFileName(), frame.getLineNumber(), frame.getColumnNumber()];
  try {
    const map = typeof file === "string" ? mapOf(file) : undefined;
    if (map === undefined || line === null || column === null) return text;
    const entry = map.findEntry(line - 1, column - 1);
    return "originalLine" in entry
      ? text.replace(/:\d+:\d+(?=\)?$)/, `:${entry.originalLine + 1}:${entry.originalColumn + 1}`)
      : text;
  } catch {
    // Positions in what was made of it are better than another error.
    return text;
  }
}

/** @param {string} file */
function mapOf(file) {
  const known = read.get(file);
  const text = maps.get(file);
  if (known !== undefined || text === undefined) return known;
  const map = new SourceMap(/** @type {import("node:module").SourceMapPayload} */ (JSON.parse(text())));
  read.set(file, map);
  return map;
}
