import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { own, sameValue, withEdits } from "../../../rollout/steps/values";
import { commandText } from "../../../stacks/messages/edits";
import {
  editsIn,
  pulumiUp,
  remove,
  run,
  set,
  setList,
  setSecret,
  setTime,
  fix,
} from "../../../stacks/plan/config-edits";
import { runConfig } from "../../stacks/messages/cli-model";
import { allScenarios, refusalsOf } from "../../stacks/messages/refusals";
import { values } from "./cases";

describe("edits of the config as data", () => {
  it("do what their commands do, for every refusal", () => {
    let count = 0;
    for (const scenario of allScenarios) {
      const { config } = scenario;
      for (const refusal of refusalsOf(scenario)) {
        for (const part of refusal.fix.parts) {
          if (part.kind === "text") continue;
          const edits = editsIn({ parts: [part] }).filter(({ op }) => op === "set" || op === "remove");
          const typed = edits.reduce((at, edit) => runConfig(at, commandText(edit)), config);
          const applied = withEdits(values(config), edits);
          const expected = values(typed);
          for (const key of new Set([...Object.keys(applied), ...Object.keys(expected)])) {
            assert.ok(
              sameValue(applied[key], expected[key]),
              `${scenario.rule}: ${key} is ${JSON.stringify(applied[key])}, typed ${JSON.stringify(expected[key])}`,
            );
          }
          count += edits.length;
        }
      }
    }
    assert.ok(count > 60, String(count));
  });

  it("are read out of a fix in its order, and the words around them are kept", () => {
    const proposal = fix`first ${[set("weight", 0), pulumiUp]}; or ${remove("candidate")} (${run("kubectl get pods")})`;
    assert.deepEqual(editsIn(proposal), [set("weight", 0), remove("candidate")]);
  });

  it("set and remove inside lists and objects, and touch nothing else", () => {
    const before = values({ allow: ["a", "b"], pools: { llm: { replicas: 2 } } });
    assert.deepEqual(withEdits(before, [remove("allow[0]")])[own("allow")], { secret: false, value: ["b"] });
    assert.deepEqual(withEdits(before, setList("allow", []))[own("allow")], undefined);
    assert.deepEqual(withEdits(before, [set("pools.new.replicas", 3)])[own("pools")], {
      secret: false,
      value: { llm: { replicas: 2 }, new: { replicas: 3 } },
    });
    assert.deepEqual(before, values({ allow: ["a", "b"], pools: { llm: { replicas: 2 } } }));
  });

  it("are not made inside a secret, nor for what only a person can type", () => {
    const secret = { ...values(), [own("pools")]: { secret: true as const } };
    assert.throws(() => withEdits(secret, [set("pools.llm.replicas", 1)]), /secret/);
    assert.throws(() => withEdits(secret, [setSecret("gate.apiKey")]), /typed/);
    assert.throws(() => withEdits(secret, [setTime("resumed.time")]), /typed/);
  });
});
