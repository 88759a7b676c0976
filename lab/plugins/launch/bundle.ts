import * as fs from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import * as path from "node:path";
import * as ts from "typescript";

interface Module {
  id: number;
  file: string;
  code: string;
  /** Specifiers as the module writes them, to ids in the bundle. */
  needs: Record<string, number>;
}

/** Needed by grpc-js for a debugging service only, and as large as all the rest. */
const left = /^(@grpc\/proto-loader|protobufjs)/;

/**
 * Everything a plugin loads, in one function `(require, createRequire) => void`: one file to read and to compile
 * instead of eighty to find, and V8 can cache the whole. TypeScript is only transpiled; `npm run check` checks it.
 */
export function bundle(entry: string): string {
  const modules = new Map<string, Module>();
  const add = (file: string): number => {
    const known = modules.get(file);
    if (known !== undefined) return known.id;
    const module: Module = { id: modules.size, file, code: load(file), needs: {} };
    modules.set(file, module);
    if (file.endsWith(".json")) return module.id;
    for (const specifier of requiredBy(module.code)) {
      const target = resolve(file, specifier);
      if (target !== undefined) module.needs[specifier] = add(target);
    }
    return module.id;
  };
  add(entry);
  return `(function (require, createRequire) {
const modules = [
${[...modules.values()].map(wrapped).join(",\n")}
];
const loaded = [];
function load(id) {
  if (loaded[id]) return loaded[id].exports;
  const [run, needs, file] = modules[id];
  const module = (loaded[id] = { exports: {}, id: file, filename: file, children: [] });
  const own = (name) =>
    name in needs ? load(needs[name]) : /^[.@]/.test(name) ? createRequire(file)(name) : require(name);
  run.call(module.exports, module.exports, own, module, file, file.replace(/\\/[^/]*$/, ""));
  return module.exports;
}
load(0);
})`;
}

function wrapped({ file, code, needs }: Module): string {
  const body = file.endsWith(".json")
    ? `module.exports = ${code}\n`
    : `${code.replace(/^#!.*/, "").replace(/\/\/# sourceMappingURL=.*\s*$/, "")}\n`;
  return `[function (exports, require, module, __filename, __dirname) {\n${body}}, ${JSON.stringify(needs)}, ${JSON.stringify(file)}]`;
}

function load(file: string): string {
  const text = fs.readFileSync(file, "utf8");
  return file.endsWith(".ts") ? transpile(text) : text;
}

/** JavaScript of a TypeScript file, for Node's CommonJS. */
export function transpile(text: string): string {
  return ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
      esModuleInterop: true,
    },
  }).outputText;
}

function requiredBy(code: string): string[] {
  return [...code.matchAll(/\brequire\((['"])([^'"]+)\1\)/g)].map((match) => match[2] ?? "");
}

/** File of a module; undefined for what stays outside the bundle. */
function resolve(from: string, specifier: string): string | undefined {
  if (isBuiltin(specifier) || left.test(specifier)) return undefined;
  const typescript = path.resolve(path.dirname(from), `${specifier}.ts`);
  if (specifier.startsWith(".") && fs.existsSync(typescript)) return typescript;
  try {
    return createRequire(from).resolve(specifier);
  } catch {
    // Optional for the module that asks: it gets Node's own error when it tries.
    return undefined;
  }
}
