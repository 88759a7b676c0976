import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import { pages } from "../docs/pages";

describe("generated pages", () => {
  for (const { file, text } of pages) {
    it(`${path.basename(file)} is what its generator says (npm run docs writes it)`, async () =>
      assert.equal(fs.readFileSync(file, "utf8"), await text()));
  }
});
