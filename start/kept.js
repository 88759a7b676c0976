"use strict";
/*
 * Bundles are kept from one start to the next: in node_modules, or in the user's own cache where the checkout cannot be
 * written, or not at all. A bundle is used only while every file it was made from is the same: sources of the project
 * by content, packages by size and time.
 */
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

/**
 * @typedef {object} Program
 * @property {string} file name of the bundle, in stack traces too.
 * @property {string} code
 * @property {() => string} map its source map, read only when it is needed.
 * @property {string} [compiled] file for V8's compiled code of it; absent: it is kept nowhere.
 */

/**
 * @typedef {object} Manifest
 * @property {string} root the checkout: sources of it name their folders.
 * @property {string} by what made it besides the inputs, see {@link maker}.
 * @property {string} hash of the code.
 * @property {[file: string, mark: string][]} inputs from the root, with what they were then.
 */

const packages = `${path.sep}node_modules${path.sep}`;

/**
 * @param {string} root
 * @param {string} entry
 * @param {"of these sources" | "of any sources"} [which]
 * @returns {Program | undefined} undefined: there is none.
 */
exports.kept = function kept(root, entry, which = "of these sources") {
  for (const folder of folders(root)) {
    try {
      const text = fs.readFileSync(manifestFile(folder, entry), "utf8");
      const manifest = /** @type {Manifest} */ (JSON.parse(text));
      if (manifest.root !== root || (which === "of these sources" && !isOf(root, manifest))) continue;
      const file = bundleFile(folder, entry, manifest.hash);
      const code = fs.readFileSync(file, "utf8");
      // A file that a crash of the machine has emptied is a program that declares nothing.
      if (digest(code) !== manifest.hash) continue;
      return { file, code, map: () => fs.readFileSync(`${file}.map`, "utf8"), compiled: compiledFile(file) };
    } catch {
      // Never made there, or another start is just replacing it.
    }
  }
  return undefined;
};

/**
 * A bundle that was just made, to be run; and how to keep it, for once it could be run.
 * @param {string} root
 * @param {string} entry
 * @param {import("./bundle").Bundle} bundle
 * @param {number} began when the bundling began: what was edited since may be in it, or not.
 * @returns {{ program: Program; keep: () => void }}
 */
exports.fresh = function fresh(root, entry, { code, map, inputs }, began) {
  const sources = [...inputs, ...foldersOf(inputs)];
  const edited = sources.some((file) => changedSince(file, began));
  const folder = edited ? undefined : folders(root).find(isWritable);
  if (folder === undefined) {
    const file = path.join(root, `${nameOf(entry)}.bundle.js`);
    return { program: { file, code, map: () => map }, keep: () => undefined };
  }
  const hash = digest(code);
  const file = bundleFile(folder, entry, hash);
  /** @type {Manifest} */
  const manifest = {
    root,
    by: maker(root),
    hash,
    inputs: sources.map((source) => [path.relative(root, source), markOf(source)]),
  };
  const keep = () => {
    try {
      replace(file, code);
      replace(`${file}.map`, map);
      replace(manifestFile(folder, entry), JSON.stringify(manifest));
      removeOthers(folder, entry, path.basename(file));
    } catch {
      // A full disk: bundling again costs time and nothing else.
    }
  };
  return { program: { file, code, map: () => map, compiled: compiledFile(file) }, keep };
};

/** Whether a bundle was made from the sources as they are. @param {string} root @param {Manifest} manifest */
function isOf(root, { by, inputs }) {
  return by === maker(root) && inputs.every(([file, mark]) => markOf(path.join(root, file)) === mark);
}

/** @param {string} file @param {number} time */
function changedSince(file, time) {
  const { mtimeMs, ctimeMs } = fs.statSync(file);
  return Math.max(mtimeMs, ctimeMs) >= time;
}

/** @param {string} folder */
function isWritable(folder) {
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    fs.accessSync(folder, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where bundles of this checkout may be kept, best first. @param {string} root */
function folders(root) {
  const inPackages = path.join(root, "node_modules", ".cache", "program");
  const own = ownCache();
  return own === undefined
    ? [inPackages]
    : [inPackages, path.join(own, "gke-inference-rollout", "program", digest(root).slice(0, 16))];
}

/** The user's own cache; a user without a home has none. */
function ownCache() {
  const named = process.env["XDG_CACHE_HOME"] ?? "";
  if (path.isAbsolute(named)) return named;
  try {
    return path.join(os.homedir(), ".cache");
  } catch {
    return undefined;
  }
}

/** What a bundle depends on besides its inputs: the bundler, how it is called, and the versions of all packages. */
function maker(/** @type {string} */ root) {
  const { version } = require("esbuild/package.json");
  const parts = [
    path.join(__dirname, "bundle.js"),
    path.join(__dirname, "lighter.js"),
    path.join(root, "tsconfig.json"),
    path.join(root, "node_modules", ".package-lock.json"),
  ].map((file) => (fs.existsSync(file) ? digest(fs.readFileSync(file)) : ""));
  return digest([version, ...parts].join(" "));
}

/** Folders of the project's own sources: a new file in one can be what an import means from now on. @param {string[]} inputs */
function foldersOf(inputs) {
  return new Set(inputs.filter((file) => !file.includes(packages)).map((file) => path.dirname(file)));
}

/** What tells whether a file or folder is still the same. @param {string} file */
function markOf(file) {
  if (file.includes(packages)) {
    const { size, mtimeMs } = fs.statSync(file);
    return `${size} ${mtimeMs}`;
  }
  return fs.statSync(file).isDirectory()
    ? digest(fs.readdirSync(file).sort().join("\n"))
    : digest(fs.readFileSync(file));
}

/** @param {string | Buffer} content */
function digest(content) {
  return createHash("sha256").update(content).digest("hex");
}

/** @param {string} entry */
const nameOf = (entry) => entry.replace(/\.ts$/, "").replaceAll("/", "-");
/** @param {string} folder @param {string} entry */
const manifestFile = (folder, entry) => path.join(folder, `${nameOf(entry)}.json`);
/** @param {string} folder @param {string} entry @param {string} hash */
const bundleFile = (folder, entry, hash) => path.join(folder, `${nameOf(entry)}-${hash.slice(0, 16)}.js`);
/** @param {string} file */
const compiledFile = (file) => `${file}.${process.version}-${process.arch}`;

/** Two starts may write at the same time: each writes a whole file. @param {string} file @param {string} content */
function replace(file, content) {
  const temporary = `${file}.${process.pid}`;
  fs.writeFileSync(temporary, content, { mode: 0o600 });
  fs.renameSync(temporary, file);
}

/** @param {string} folder @param {string} entry @param {string} current name of the bundle that stays */
function removeOthers(folder, entry, current) {
  for (const name of fs.readdirSync(folder)) {
    const ofEntry = name.startsWith(`${nameOf(entry)}-`) && /-[0-9a-f]{16}\.js/.test(name);
    if (ofEntry && !name.startsWith(current)) fs.rmSync(path.join(folder, name), { force: true });
  }
}
