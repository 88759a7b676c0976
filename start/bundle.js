"use strict";
/*
 * One file of JavaScript from an entry and everything it imports, by esbuild. Loaded only when there is something to
 * bundle.
 */
const fs = require("node:fs");
const path = require("node:path");
const lighter = require("./lighter");

/**
 * @typedef {object} Bundle
 * @property {string} code
 * @property {string} map its source map, as JSON.
 * @property {string[]} inputs the files it was made from, absolute.
 */

/**
 * Left to Node: the SDK, because Pulumi's runner has loaded it already and two copies would not know of each other.
 */
const external = ["@pulumi/pulumi/*"];

/**
 * @param {string} root
 * @param {string} entry from the root.
 * @returns {Promise<Bundle>}
 * @throws {SyntaxError} with file, line and column.
 */
exports.bundle = async function bundle(root, entry) {
  const { build } = esbuild();
  try {
    const { outputFiles, metafile } = await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: "program.js",
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "cjs",
      target: "node20",
      // import() of what is left to Node would be looked for from where the bundle lies, which may be anywhere.
      supported: { "dynamic-import": false },
      external,
      sourcemap: "external",
      sourcesContent: false,
      logLevel: "silent",
      plugins: [lighterSdk, ownFolders, kubeconfigOnly],
    });
    const text = (/** @type {string} */ end) => outputFiles.find((one) => one.path.endsWith(end))?.text ?? "";
    return {
      code: text(".js"),
      map: text(".map"),
      inputs: Object.keys(metafile.inputs)
        .filter((file) => !file.startsWith("left out:"))
        .map((file) => path.join(root, file)),
    };
  } catch (error) {
    throw described(error);
  }
};

/** @type {import("esbuild").Plugin} */
const lighterSdk = {
  name: "lighter SDK",
  setup(build) {
    build.onResolve({ filter: /^@pulumi\/pulumi/ }, (/** @type {import("esbuild").OnResolveArgs} */ args) => {
      const instead = lighter.get(args.path);
      return instead === undefined ? undefined : { path: instead };
    });
  },
};

/**
 * Files of ours that read what lies beside them by `__dirname` keep their own; a bundle would give all of them its own.
 * @type {import("esbuild").Plugin}
 */
const ownFolders = {
  name: "own folders",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
      const contents = fs.readFileSync(file, "utf8");
      if (/[\\/]node_modules[\\/]/.test(file) || !contents.includes("__dirname")) return undefined;
      const folder = JSON.stringify(path.dirname(file));
      // On the same line: positions in errors stay right but for the columns of the first line.
      return { contents: `const __dirname = ${folder}; ${contents}`, loader: "ts" };
    });
  },
};

/**
 * The Kubernetes client brings a class for every kind of Kubernetes; the program only reads kubeconfigs with it. What
 * stands for them says so where it is used after all.
 * @type {import("esbuild").Plugin}
 */
const kubeconfigOnly = {
  name: "kubeconfig only",
  setup(build) {
    build.onResolve({ filter: /^\.\/gen\/index\.js$/ }, ({ importer }) =>
      /@kubernetes.client-node.dist.config\.js$/.test(importer)
        ? { path: "generated", namespace: "left out" }
        : undefined,
    );
    build.onLoad({ filter: /./, namespace: "left out" }, () => ({
      contents: `
        export const createConfiguration = () => {
          throw new Error("start/bundle.js leaves the API classes of @kubernetes/client-node out");
        };
        export const ServerConfiguration = createConfiguration;`,
    }));
  },
};

/** @returns {typeof import("esbuild")} */
function esbuild() {
  try {
    return require("esbuild");
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code !== "MODULE_NOT_FOUND") throw error;
    // No stack trace: where it was missed tells nobody anything.
    throw new SyntaxError("packages that package.json lists are not installed. Run: npm ci", {
      cause: error,
    });
  }
}

/** @param {unknown} error */
function described(error) {
  const { errors } = /** @type {import("esbuild").BuildFailure} */ (error);
  if (!Array.isArray(errors) || errors.length === 0) return error;
  const lines = errors.map(({ text, location }) =>
    location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`,
  );
  return new SyntaxError(lines.join("\n"));
}
