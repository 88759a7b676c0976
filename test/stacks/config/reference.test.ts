import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { it } from "node:test";
import { configReference } from "../../../stacks/config/reference";

it("docs/config.md says what the schema says (npm run docs writes it)", () => {
  const file = path.join(__dirname, "..", "..", "..", "docs", "config.md");
  assert.equal(fs.readFileSync(file, "utf8"), configReference());
});
