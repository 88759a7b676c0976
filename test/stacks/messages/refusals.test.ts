import { commandsText, fixText } from "../../../stacks/messages/edits";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { rules } from "../../../stacks/plan/rules/all-rules";
import { serviceConfig, planFor } from "../cases";
import { type Situation, prose } from "./refusal-cases";
import { allScenarios, follow, planned, refusalsOf, waysOf } from "./refusals";

/*
 * Every fix of every refusal ends it. Commands of the stack's config are carried out on the model of the CLI
 * (cli.long.test.ts: on the real one), `pulumi up` as the plan says; for what is done in the cluster, the plan is made
 * of the world after it. On a real cluster: ownership.long.test.ts, and the tests of the rollout in a lab.
 */

const isThere = ({ config, world }: Situation, rule: string, found: string): boolean =>
  planned({ config, world }).refusals.some((refusal) => refusal.rule === rule && refusal.found === found);

describe("a refusal's fix", () => {
  for (const [i, scenario] of allScenarios.entries()) {
    const { rule } = scenario;
    it(`ends ${rule} when it is typed as printed (${i})`, () => {
      const start: Situation = { config: scenario.config, world: scenario.world() };
      const refusals = refusalsOf(scenario);
      assert.ok(refusals.length > 0, "the scenario is not refused");
      for (const refusal of refusals) {
        const ways = waysOf(rule, refusal);
        const act = prose[rule];
        const commands = ways.slice(0, refusal.waiver === undefined ? undefined : -1);
        assert.ok(
          commands.length > 0 || act !== undefined,
          `the fix of ${rule} names no command: ${fixText(refusal.fix)}\nGive it one, or say in "prose" of test/stacks/messages/refusal-cases.ts what a person does`,
        );
        for (const way of ways) {
          const told = `${fixText(refusal.fix)}\nway: ${JSON.stringify(way)}`;
          const end = attempt(() => follow(rule, start, way), told);
          assert.ok(
            !attempt(() => isThere(end, rule, refusal.found), told),
            `still refused: ${refusal.found}\n${told}`,
          );
        }
        if (act !== undefined) assert.ok(!isThere(act(start), rule, refusal.found), refusal.found);
      }
    });
  }

  it("is something that a shell can read", () => {
    for (const scenario of allScenarios)
      for (const { fix } of refusalsOf(scenario))
        for (const part of fix.parts) {
          if (part.kind === "text") continue;
          const text = commandsText(part.commands);
          const { status, stderr } = spawnSync("bash", ["-n", "-c", text], { encoding: "utf8" });
          assert.equal(status, 0, `${scenario.rule}: ${text}\n${stderr}`);
        }
  });

  it("is tried for every rule that refuses", () => {
    const tried = new Set(allScenarios.map(({ rule }) => rule));
    // What the gate holds and not the plan: test/stacks/gates and the lab have its ways.
    const missing = rules.filter(({ id, heldBy }) => !tried.has(id) && heldBy !== "gate");
    assert.deepEqual(
      missing.map(
        ({ id }) =>
          `no scenario is refused by ${id}: add one to test/stacks/plan/scenarios.ts (or moreScenarios of test/stacks/messages/refusal-cases.ts)`,
      ),
      [],
    );
  });

  it("leaves a scenario's config without mistakes to begin with", () => {
    for (const { config, world } of allScenarios) planFor(serviceConfig(config), world());
  });
});

function attempt<T>(what: () => T, told: string): T {
  try {
    return what();
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${told}`);
  }
}
