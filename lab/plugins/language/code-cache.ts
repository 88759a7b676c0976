import { cacheVariable } from "./variables";
import * as fs from "node:fs";
import Module from "node:module";
import * as path from "node:path";
import * as vm from "node:vm";

/**
 * Loaded into the Pulumi program before anything else: keeps V8's compiled code of installed packages from one
 * update to the next, which halves the time in which a program loads the SDK. What Node 22.1 and later do by
 * themselves (NODE_COMPILE_CACHE), for Node 20. The program's own files are never cached: V8 tells sources apart
 * by their length only, and those files change.
 */

interface Entry {
  code: Buffer;
  /** Size and time of the file that it was made from. */
  stamp: string;
}

/** Parts of Node's module loader that have no types. */
interface Internals {
  prototype: { _compile: (this: Module, content: string, filename: string) => unknown };
  _resolveFilename: (request: string, parent: Module, isMain: boolean, options?: object) => string;
  _resolveLookupPaths: (request: string, parent: Module) => string[] | null;
  _extensions: object;
  _cache: object;
}

const internals = Module as unknown as Internals;
// Since Node 20.12.
const { constants } = vm as { constants?: Record<string, number | undefined> };
const loader = constants?.["USE_MAIN_CONTEXT_DEFAULT_LOADER"];
const file = process.env[cacheVariable];
// Without that loader, import() would not work in cached code.
if (file !== undefined && file !== "" && loader !== undefined && !("enableCompileCache" in Module))
  install(file, loader);

function install(cacheFile: string, importModuleDynamically: number): void {
  const { prototype } = internals;
  const original = prototype._compile;
  const known = read(cacheFile);
  const made = new Map<string, { script: vm.Script; stamp: string }>();

  prototype._compile = function (content, filename): unknown {
    if (!filename.includes("/node_modules/")) return original.call(this, content, filename);
    const { mtimeMs, size } = fs.statSync(filename);
    const stamp = `${size} ${mtimeMs}`;
    const entry = known.get(filename);
    const cachedData = entry?.stamp === stamp ? entry.code : undefined;
    const source = Module.wrap(content.replace(/^#!.*/, ""));
    const script = new vm.Script(source, {
      filename,
      ...(cachedData === undefined ? {} : { cachedData }),
      // The types know functions only; Node takes this constant for its own loader.
      importModuleDynamically: importModuleDynamically as never,
    });
    if (cachedData === undefined || script.cachedDataRejected === true) made.set(filename, { script, stamp });
    const run = script.runInThisContext() as (...args: unknown[]) => unknown;
    return run.call(this.exports, this.exports, requireOf(this), this, filename, path.dirname(filename));
  };
  process.once("exit", () => {
    if (made.size > 0) write(cacheFile, known, made);
  });
}

/** `require` of a module, as Node makes it. */
function requireOf(module: Module): object {
  const resolve = (request: string, options?: object): string =>
    internals._resolveFilename(request, module, false, options);
  resolve.paths = (request: string): string[] | null => internals._resolveLookupPaths(request, module);
  const own = (id: string): unknown => module.require(id);
  return Object.assign(own, {
    resolve,
    // Not `require.main`: the main module is loaded after this one.
    main: (process as { mainModule?: unknown }).mainModule,
    extensions: internals._extensions,
    cache: internals._cache,
  });
}

/** A length, an index in JSON, and the compiled code of all files behind it. */
function read(cacheFile: string): Map<string, Entry> {
  try {
    const bytes = fs.readFileSync(cacheFile);
    const start = 4 + bytes.readUInt32LE(0);
    const index = JSON.parse(bytes.toString("utf8", 4, start)) as [string, string, number, number][];
    return new Map(
      index.map(([name, stamp, from, length]) => [
        name,
        { stamp, code: bytes.subarray(start + from, start + from + length) },
      ]),
    );
  } catch {
    return new Map();
  }
}

function write(
  cacheFile: string,
  known: ReadonlyMap<string, Entry>,
  made: ReadonlyMap<string, { script: vm.Script; stamp: string }>,
): void {
  const all = new Map(known);
  for (const [name, { script, stamp }] of made) all.set(name, { stamp, code: script.createCachedData() });
  let from = 0;
  const index = [...all].map(([name, { stamp, code }]) => {
    from += code.length;
    return [name, stamp, from - code.length, code.length];
  });
  const head = Buffer.from(JSON.stringify(index));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  try {
    // Two programs may end at the same time: each writes a whole file, and the last one stays.
    const temporary = `${cacheFile}.${process.pid}`;
    fs.writeFileSync(temporary, Buffer.concat([length, head, ...[...all.values()].map(({ code }) => code)]));
    fs.renameSync(temporary, cacheFile);
  } catch {
    // A cache that cannot be written costs time and nothing else.
  }
}
