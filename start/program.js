"use strict";
/*
 * Starts TypeScript as JavaScript. The first start after an edit bundles the entry and all it imports into one file;
 * later starts load that file with V8's compiled code of it. Neither TypeScript nor a transpiler is loaded then, which
 * is most of the time that a small update would take.
 */
const fs = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");
const vm = require("node:vm");
const { bundle } = require("./bundle");
const { fresh, kept } = require("./kept");
const { showSources } = require("./positions");

const root = path.dirname(__dirname);

/**
 * The checkout that these files are in: where they are links, the one that the links lead to.
 * @param {string} entry a TypeScript file, from the root of the project.
 * @returns {Promise<unknown>} what the entry exports.
 * @throws {SyntaxError} with file, line and column, where a source cannot be read.
 */
exports.start = async (entry) => {
  const known = kept(root, entry);
  if (known !== undefined) return run(known, path.join(root, entry));
  const { program, keep } = await bundled(entry);
  const exported = run(program, path.join(root, entry));
  // Only what could be loaded replaces the last one that could.
  keep();
  return exported;
};

/**
 * The same, for what must start whatever somebody is just editing: where the sources cannot be bundled or loaded, the
 * last bundle of this entry that could be.
 * @param {string} entry
 */
exports.startLastGood = async (entry) => {
  try {
    return await exports.start(entry);
  } catch (error) {
    const last = kept(root, entry, "of any sources");
    if (last === undefined) throw error;
    console.error(
      `${String(error)}\nThis checkout cannot be started; its last version that could be runs instead.`,
    );
    return run(last, path.join(root, entry));
  }
};

/** Bundles an entry for a later start, without running it; what is broken now is said then. @param {string} entry */
exports.prepare = async (entry) => {
  if (kept(root, entry) !== undefined) return;
  await bundled(entry).then(
    ({ keep }) => keep(),
    () => undefined,
  );
};

/** @param {string} entry */
async function bundled(entry) {
  const began = new Date().getTime();
  return fresh(root, entry, await bundle(root, entry), began);
}

/**
 * @param {import("./kept").Program} program
 * @param {string} entry
 */
function run(program, entry) {
  const { file, code, map, compiled } = program;
  showSources(file, map);
  const cachedData = compiled === undefined ? undefined : readIfThere(compiled);
  const script = new vm.Script(`(function (exports, require, module) {${code}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (compiled !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) {
    // At the end it also holds the functions that were compiled on the way.
    process.once("exit", () => write(compiled, script.createCachedData()));
  }
  const module = { exports: /** @type {unknown} */ ({}) };
  const load = /** @type {(exports: unknown, require: NodeJS.Require, module: object) => void} */ (
    script.runInThisContext()
  );
  load(module.exports, createRequire(entry), module);
  return module.exports;
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

/** @param {string} file @param {Buffer} content */
function write(file, content) {
  try {
    fs.writeFileSync(`${file}.${process.pid}`, content);
    fs.renameSync(`${file}.${process.pid}`, file);
  } catch {
    // Compiling again costs time and nothing else.
  }
}
