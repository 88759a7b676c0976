import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describePreview, previewReport } from "../../../rollout/steps/preview-report";

const facts = {
  stack: "acme/prod",
  now: { llm: 90, "llm-new": 10 },
  then: { llm: 70, "llm-new": 30 },
  begun: [
    "update HTTPRoute llm",
    "create Deployment llm-new",
    "create-replacement Secret a",
    "delete-replaced Secret a",
  ],
  warnings: ["a note"],
  errors: [],
  ok: true,
};

describe("the report of a preview", () => {
  it("says on one screen what moves and what changes", () => {
    assert.deepEqual(describePreview(previewReport(facts), true), [
      "### Preview of acme/prod",
      "",
      "**Would succeed.** Traffic moves: llm 90 % -> 70 %, llm-new 10 % -> 30 %.",
      "",
      "| effect | number | resources |",
      "| --- | --- | --- |",
      "| created | 1 | Deployment llm-new |",
      "| updated | 1 | HTTPRoute llm |",
      "| replaced | 1 | Secret a |",
      "",
      "- a note",
    ]);
  });

  it("shows a refusal as it is, and nothing else as a change", () => {
    const errors = ["Update refused (1 rule)\n  latched: ```"];
    const lines = describePreview(
      previewReport({ ...facts, then: facts.now, begun: [], warnings: [], errors, ok: false }),
      true,
    );
    assert.deepEqual(lines.slice(2), [
      "**Refused.** Traffic stays: llm 90 %, llm-new 10 %.",
      "",
      "No resources change.",
      "",
      "```",
      "Update refused (1 rule)",
      "  latched: '''",
      "```",
    ]);
  });

  it("does not guess the traffic", () => {
    const { then, ...rest } = facts;
    assert.equal(then.llm, 70);
    assert.match(describePreview(previewReport(rest), false).join("\n"), /The traffic is not known/);
  });

  it("shortens long lists", () => {
    const begun = Array.from({ length: 30 }, (_, i) => `delete Secret s${i}`);
    const text = describePreview(previewReport({ ...facts, begun }), false).join("\n");
    assert.match(text, /s11 and 18 more/);
  });
});
