import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { describeRefusals } from "../../../stacks/messages/refusals";
import { allow, editsIn, fix, type ConfigEdit } from "../../../stacks/plan/config-edits";
import type { Refusal } from "../../../stacks/plan/model";
import { waive, waivedBy, waiverEdit, withWaivers, type WaiverWords } from "../../../stacks/plan/waivers";
import { serviceConfig, sourceCase } from "../cases";

const refusal = (waiver?: string): Refusal => ({
  rule: `rule-${waiver ?? "without"}`,
  found: "found",
  fix: fix`do something else`,
  ...(waiver === undefined ? {} : { waiver }),
});

const rules = fc.uniqueArray(
  fc.constantFrom<string>("frozen", "route-edited", "pool-missing", "other-route"),
);
const refusals = rules.map((list) => [refusal(), ...list.map(refusal)]);
const word = fc
  .tuple(
    fc.constantFrom("frozen", "route-edited", "pool-missing", "other-route"),
    fc.constantFrom("", "@2", "@3"),
  )
  .map(([rule, number]) => `${rule}${number}`);
const words: fc.Arbitrary<WaiverWords> = fc.record({
  named: fc.uniqueArray(word, { maxLength: 4 }),
  used: fc.uniqueArray(word, { maxLength: 4 }),
});

function typed(named: readonly string[], edit: ConfigEdit): string[] {
  assert.ok(edit.op === "set");
  const list = [...named];
  list[Number(edit.path[1])] = String(edit.value);
  assert.ok(!Array.from(list).includes(undefined as never), "no place is skipped");
  return list;
}

describe("a waiver", () => {
  it("is valid for one update, however long the config names it", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ found: refusals, named: words }), { maxLength: 8 }), (updates) => {
        let used: readonly string[] = [];
        let seen = new Set<string>();
        for (const {
          found,
          named: { named },
        } of updates) {
          const { refusals: left, waived, spent } = waive(found, { named, used });
          const fresh = named.filter((one) => !seen.has(one)).map(waivedBy);
          for (const name of waived) assert.ok(fresh.includes(name), `${name} without a word that is new`);
          // Whatever it is used for is what it was given for.
          const stay = found.filter(({ waiver }) => waiver === undefined || !waived.includes(waiver));
          assert.deepEqual(
            left.map(({ rule }) => rule),
            stay.map(({ rule }) => rule),
          );
          if (left.length > 0) continue;
          used = spent;
          seen = new Set(named.filter((one) => seen.has(one) || waived.includes(waivedBy(one))));
        }
      }),
    );
  });

  it("that is used up does not come back by an update that has no need of it", () => {
    const first = waive([refusal("frozen")], { named: ["frozen"], used: [] });
    assert.deepEqual(first, { refusals: [], waived: ["frozen"], spent: ["frozen"] });
    const second = waive([], { named: ["frozen"], used: first.spent });
    assert.deepEqual(second, { refusals: [], waived: [], spent: ["frozen"] });
    const third = { named: ["frozen"], used: second.spent };
    assert.match(
      describeRefusals(waive([refusal("frozen")], third).refusals, third),
      /an earlier update used allow: frozen, [^]* or: {4}pulumi config set --path 'allow\[0\]' frozen@2 waives/,
    );
    assert.deepEqual(waive([], { named: [], used: second.spent }).spent, []);
  });

  it("works by the command that is printed, as it is typed, whatever allow has and had", () => {
    fc.assert(
      fc.property(refusals, words, (found, before) => {
        const { refusals: left } = waive(found, before);
        let { named } = before;
        for (const { or } of withWaivers(left, before)) if (or !== undefined) named = typed(named, or);
        const after = waive(found, { ...before, named });
        assert.deepEqual(
          after.refusals.filter(({ waiver }) => waiver !== undefined),
          [],
        );
        for (const one of before.named.map(waivedBy))
          assert.ok(named.map(waivedBy).includes(one), `${one} is lost`);
      }),
    );
  });

  it("inside of a fix is the same command", () => {
    const inside = { ...refusal("take-over-route"), fix: fix`take it over: ${allow("take-over-route")}` };
    const found = withWaivers([refusal("frozen"), inside], {
      named: ["other-route"],
      used: ["take-over-route"],
    });
    assert.deepEqual(
      found.map(({ fix: way, or }) => [editsIn(way), or]),
      [
        [[], allow("frozen", 1)],
        [[allow("take-over-route@2", 2)], allow("take-over-route@2", 2)],
      ],
    );
  });

  it("is read from the config with its number", () => {
    const config = serviceConfig({ ...sourceCase, allow: ["frozen", "frozen@2", "route-edited@12"] });
    assert.deepEqual(config.allow, ["frozen", "route-edited"]);
    assert.deepEqual(config.waivers, ["frozen", "frozen@2", "route-edited@12"]);
    // The CLI leaves null where a place is skipped: the next command fills it.
    const { allow: named, waivers } = serviceConfig({ ...sourceCase, allow: [null, "frozen"] });
    assert.deepEqual([named, waivers], [["frozen"], ["", "frozen"]]);
    assert.deepEqual(waiverEdit("route-edited", { named: waivers, used: [] }), allow("route-edited", 0));
    for (const wrong of ["frozen@", "frozen@x", "melted@2", "frozen2", "destroy@2", "release@2"])
      assert.throws(() => serviceConfig({ ...sourceCase, allow: [wrong] }), wrong);
  });
});
