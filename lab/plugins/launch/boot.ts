import * as fs from "node:fs";
import { Script } from "node:vm";

/**
 * Starts a bundle: `node boot.js BUNDLE ARGS...`. With V8's cached code beside it, compiling takes next to nothing;
 * a cache made by another version of Node is rejected by V8 and does no harm.
 */
const file = process.argv[2] ?? "";
process.argv.splice(1, 2, file);
const script = new Script(fs.readFileSync(file, "utf8"), {
  filename: file,
  cachedData: readIfThere(`${file}.cache`),
});
if (process.env["INFERENCE_LAB_WARM"] === file) {
  // Made at the end, it also holds the functions that were compiled on the way.
  process.once("exit", () => fs.writeFileSync(`${file}.cache`, script.createCachedData()));
}
(script.runInThisContext() as (require: NodeJS.Require, module: object) => void)(require, {});

function readIfThere(name: string): Buffer | undefined {
  try {
    return fs.readFileSync(name);
  } catch {
    return undefined;
  }
}
