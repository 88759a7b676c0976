import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fixText } from "../../../stacks/messages/edits";
import { resolveConfig } from "../../../stacks/config/resolve";
import type { Mistake } from "../../../stacks/messages/mistakes";
import type { RawConfig } from "../../../stacks/config/parse";
import { cloud, serviceConfig, sourceCase } from "../cases";

const mistakesOf = (raw: RawConfig): Mistake[] => resolveConfig({ ...sourceCase, ...raw }, cloud).mistakes;
const keysOf = (raw: RawConfig): string[] => mistakesOf(raw).map(({ key }) => key);
const turn = { candidate: "llm-new", reason: "worse answers", time: "2026-11-20T09:00:00Z" };

describe("the config of what keeps a rollout from harm", () => {
  it("has defaults that need nothing said", () => {
    const { capacity, freeze, rolledBack, resumed } = serviceConfig();
    assert.deepEqual(capacity, { mode: "full", headroom: 1, rollbackReserve: 1 });
    assert.deepEqual([freeze, rolledBack, resumed], [[], undefined, undefined]);
  });

  it("takes numbers as pulumi config set stores them; a reserve of 0 is 0", () => {
    const capacity = { mode: "follow-weight", headroom: "1.2", rollbackReserve: "0" };
    assert.deepEqual(serviceConfig({ ...sourceCase, capacity }).capacity, {
      mode: "follow-weight",
      headroom: 1.2,
      rollbackReserve: 0,
    });
  });

  for (const [key, raw] of [
    ["capacity.mode", { capacity: { mode: "auto" } }],
    ["capacity.headroom", { capacity: { headroom: 0.9 } }],
    ["capacity.headroom", { capacity: { headroom: "3.1" } }],
    ["capacity.rollbackReserve", { capacity: { rollbackReserve: 1.1 } }],
    ["capacity.rollbackReserve", { capacity: { rollbackReserve: "half" } }],
    ["capacity.size", { capacity: { size: 1 } }],
    ["freeze", { freeze: { reason: "a sale" } }],
    ["freeze[0].reason", { freeze: [{ to: "2026-11-30T00:00:00Z" }] }],
    ["freeze[0].to", { freeze: [{ to: "tomorrow", reason: "a sale" }] }],
    ["freeze[0].from", { freeze: [{ from: "2026-11-30T00:00:00", reason: "a time without a zone" }] }],
    [
      "freeze[1].to",
      { freeze: [{ reason: "x" }, { from: turn.time, to: "2026-11-19T00:00:00Z", reason: "x" }] },
    ],
    ["rolledBack.time", { weight: 0, rolledBack: { ...turn, time: "2026-11-20" } }],
    ["rolledBack.reason", { weight: 0, rolledBack: { ...turn, reason: "" } }],
    ["rolledBack.candidate", { weight: 0, rolledBack: { ...turn, candidate: "llm" } }],
    ["resumed.candidate", { resumed: { reason: "x", time: turn.time } }],
    ["allow[0]", { allow: ["latched"] }],
  ] as const) {
    it(`refuses ${JSON.stringify(raw)}`, () => {
      assert.deepEqual(keysOf(raw), [key]);
      for (const { found, allowed, fix } of mistakesOf(raw)) {
        assert.ok(found !== "" && allowed !== "");
        assert.match(fixText(fix), /^pulumi config (set|rm) /);
      }
    });
  }

  it("takes a time that stands in the YAML without quotes, as pulumi hands it over, if it surely has a zone", () => {
    const freeze = [{ to: "2026-11-30 09:00:00 +0100 +0100", reason: "sale" }];
    assert.deepEqual(serviceConfig({ ...sourceCase, freeze }).freeze, [
      { to: "2026-11-30T09:00:00+01:00", reason: "sale" },
    ]);
  });

  it("leaves it to the plan, which knows what is live, whether a rolled-back candidate may keep weight", () => {
    assert.deepEqual(keysOf({ weight: 30, rolledBack: turn }), []);
  });
});
