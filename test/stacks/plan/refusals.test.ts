import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import { describeRefusals } from "../../../stacks/messages/refusals";
import { serviceConfig, planFor } from "../cases";
import { scenarios } from "./scenarios";

const page = fs.readFileSync(path.join(__dirname, "..", "..", "..", "docs", "refusals.md"), "utf8");

describe("docs/refusals.md", () => {
  for (const { rule, config, world } of scenarios) {
    it(`tells of ${rule}, with the message that the program gives`, () => {
      const refusals = planFor(serviceConfig(config), world()).refusals.filter((one) => one.rule === rule);
      assert.ok(refusals.length > 0, "the scenario is not refused");
      assert.ok(page.includes(`## ${rule}\n`), "no section");
      const message = describeRefusals(refusals);
      assert.ok(
        page.includes(`\`\`\`\n${message}\n\`\`\``),
        `the page does not hold this message:\n${message}`,
      );
    });
  }

  it("has a section for every rule that the code names, and no other", () => {
    const folder = path.join(__dirname, "..", "..", "..", "stacks", "plan");
    const sources = fs.readdirSync(folder).map((file) => fs.readFileSync(path.join(folder, file), "utf8"));
    const named = sources.flatMap((text) =>
      [...text.matchAll(/\brule: "([a-z-]+)"/g)].map((found) => found[1] ?? ""),
    );
    const sections = [...page.matchAll(/^## (.+)$/gm)].map((found) => found[1] ?? "");
    assert.deepEqual([...new Set(named)].sort(), sections.sort());
  });
});
