import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as yaml from "js-yaml";

/*
 * Golden snapshots: what the program renders, as a person can read it. A test compares; the files are written anew by
 *   GOLDEN=write node --require ./start/typescript.js --test test/components/golden/*.test.ts
 * Read the difference before it is committed: whatever changes in a pool that exists touches customers.
 */

const folder = path.join(__dirname, "golden");

/** Holds `documents` against the golden file of this name. */
export function assertGolden(name: string, documents: Readonly<Record<string, unknown>>): void {
  const file = path.join(folder, `${name}.yaml`);
  // Through JSON: what is undefined is not there, as for the engine.
  const plain: unknown = JSON.parse(JSON.stringify(documents));
  const text = `# Golden snapshot; see test/components/golden.ts for how it is made.\n${yaml.dump(plain, { lineWidth: 120, noRefs: true, sortKeys: true })}`;
  if (process.env["GOLDEN"] === "write") {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(file, text);
    return;
  }
  assert.ok(fs.existsSync(file), `${name} has no golden file yet: GOLDEN=write makes it`);
  assert.equal(text, fs.readFileSync(file, "utf8"), `${name} renders differently`);
}
