import assert from "node:assert/strict";
import * as fs from "node:fs";
import { describe, it } from "node:test";
import { allowances, rules } from "../../../stacks/plan/rules/all-rules";
import { planFor, serviceConfig } from "../cases";
import { file, refusalsPage } from "./refusals-page";
import { scenarios } from "./scenarios";

describe("docs/refusals.md", () => {
  it("is what the rules say: npm run docs writes it", () => {
    assert.equal(fs.readFileSync(file, "utf8"), refusalsPage());
  });

  for (const { rule, config, world } of scenarios) {
    it(`shows a case that ${rule} refuses`, () => {
      assert.ok(planFor(serviceConfig(config), world()).refusals.some((one) => one.rule === rule));
    });
  }
});

describe("the list of rules", () => {
  it("has each id once", () => {
    const ids = rules.map(({ id }) => id);
    assert.deepEqual([...new Set(ids)], ids);
  });

  it("has the words that allow takes", () => {
    for (const name of allowances)
      assert.deepEqual(serviceConfig({ ...scenarios[0]!.config, allow: [name] }).allow, [name]);
  });

  it("names in the rules' own fixes only words that allow takes", () => {
    for (const { config, world } of scenarios) {
      for (const { waiver } of planFor(serviceConfig(config), world()).refusals) {
        if (waiver !== undefined) assert.ok(allowances.includes(waiver), waiver);
      }
    }
  });
});
