import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import { acceleratorReference } from "../../../components/accelerators/reference";

describe("docs/accelerators.md", () => {
  it("is what the catalogue says", () => {
    const file = path.join(__dirname, "..", "..", "..", "docs", "accelerators.md");
    const command = "node --require ts-node/register components/accelerators/reference.ts";
    assert.equal(fs.readFileSync(file, "utf8"), acceleratorReference(), `run: ${command}`);
  });
});
