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
 * @property {string} [compiled] file for V8's compiled code of it; not there: it is kept nowhere.
 */

/**
 * @typedef {object} Manifest
 * @property {string} by what made it, see {@link maker}.
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
      if (which === "of any sources" || isOf(root, manifest)) return programIn(folder, entry, manifest.hash);
    } catch {
      // Never made there, or another start is just replacing it.
    }
  }
  return undefined;
};

/**
 * @param {string} root
 * @param {string} entry
 * @param {import("./bundle").Bundle} bundle
 * @returns {Program}
 */
exports.keep = function keep(root, entry, { code, map, inputs }) {
  const hash = digest(code);
  /** @type {Manifest} */
  const manifest = {
    by: maker(root),
    hash,
    inputs: [...inputs, ...foldersOf(inputs)].map((file) => [path.relative(root, file), markOf(file)]),
  };
  for (const folder of folders(root)) {
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      replace(bundleFile(folder, entry, hash), code);
      replace(`${bundleFile(folder, entry, hash)}.map`, map);
      replace(manifestFile(folder, entry), JSON.stringify(manifest));
      removeOthers(folder, entry, hash);
      return programIn(folder, entry, hash);
    } catch {
      // Not writable: the next folder.
    }
  }
  return { file: path.join(root, `${nameOf(entry)}.bundle.js`), code, map: () => map };
};

/** Whether a bundle was made from the sources as they are. @param {string} root @param {Manifest} manifest */
function isOf(root, { by, inputs }) {
  return by === maker(root) && inputs.every(([file, mark]) => markOf(path.join(root, file)) === mark);
}

/** @param {string} folder @param {string} entry @param {string} hash @returns {Program} */
function programIn(folder, entry, hash) {
  const file = bundleFile(folder, entry, hash);
  return {
    file,
    code: fs.readFileSync(file, "utf8"),
    map: () => fs.readFileSync(`${file}.map`, "utf8"),
    compiled: `${file}.${process.version}-${process.arch}`,
  };
}

/** Where bundles of this checkout may be kept, best first. @param {string} root */
function folders(root) {
  const own = process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache");
  return [
    path.join(root, "node_modules", ".cache", "program"),
    path.join(own, "gke-inference-rollout", "program", digest(root).slice(0, 16)),
  ];
}

/** What a bundle depends on besides its inputs. @param {string} root */
function maker(root) {
  const { version } = require("esbuild/package.json");
  // Files of ours name their folders, so a checkout that was moved needs another bundle.
  return `3 esbuild ${version} ${root}`;
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

/** Two starts may write at the same time: each writes a whole file. @param {string} file @param {string} content */
function replace(file, content) {
  const temporary = `${file}.${process.pid}`;
  fs.writeFileSync(temporary, content, { mode: 0o600 });
  fs.renameSync(temporary, file);
}

/** @param {string} folder @param {string} entry @param {string} hash */
function removeOthers(folder, entry, hash) {
  const current = path.basename(bundleFile(folder, entry, hash));
  for (const name of fs.readdirSync(folder)) {
    const ofEntry = name.startsWith(`${nameOf(entry)}-`) && /-[0-9a-f]{16}\.js/.test(name);
    if (ofEntry && !name.startsWith(current)) fs.rmSync(path.join(folder, name), { force: true });
  }
}
