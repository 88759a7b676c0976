import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deployedOf } from "../../../rollout/steps/deployed";
import { statusOf } from "../../../rollout/steps/status";
import { nextSteps } from "../../../stacks/outputs";
import { commandsText } from "../../../stacks/messages/edits";
import type { ApprovedPlan } from "../../../stacks/plan/model";
import {
  commandsFor,
  nextWeight,
  poolSteps,
  sortedLadder,
  versionSteps,
} from "../../../stacks/plan/next-steps";
import { plan } from "../../../stacks/plan/plan";
import { Simulated, values } from "../../rollout/steps/cases";
import { planFor, serviceConfig } from "../cases";
import { at, resumed, rolledBack, serving } from "./scenarios";
import { deployed } from "./worlds";

const ladder = [60, 10, 100, 30, 30];
const pool = { candidate: "llm-new", latched: false, staged: true, ladder };

describe("what comes next", () => {
  it("is the next weight of the ladder, in whatever order the config has it", () => {
    assert.deepEqual(sortedLadder(ladder), [10, 30, 60, 100]);
    const next = [0, 10, 45, 99].map((share) => nextWeight({ share, staged: true, ladder }));
    assert.deepEqual(next, [10, 30, 60, 100]);
    assert.equal(nextWeight({ share: 0, staged: false, ladder }), 0, "staged first");
    assert.equal(nextWeight({ share: 60, staged: true, ladder: [10, 60] }), undefined);
  });

  it("is 100 where the ladder ends below, and the promotion with the names that it keeps at 100", () => {
    const { next, back } = poolSteps({ ...pool, ladder: [10], share: 10, configured: 10 });
    assert.equal(commandsText(commandsFor(next)), "pulumi config set weight 100 && pulumi up");
    assert.equal(commandsText(commandsFor(back)), "pulumi config set weight 0 && pulumi up");
    const keeps = { names: ["chat"], at: 1 };
    assert.equal(
      commandsText(commandsFor(poolSteps({ ...pool, share: 100, configured: 100, keeps }).next)),
      "pulumi config set --path 'aliases[1]' chat && pulumi config set stable llm-new && pulumi config rm candidate && pulumi config rm weight && pulumi up",
    );
  });

  it("is the update itself where the config has gone back already, and else to resume", () => {
    const latched = { ...pool, latched: true };
    assert.equal(poolSteps({ ...latched, share: 30, configured: 0 }).next.kind, "update");
    assert.equal(poolSteps({ ...latched, share: 30, configured: 30 }).next.kind, "resume");
    const { next, back } = poolSteps({ ...latched, share: 0, configured: 0 });
    assert.deepEqual([next.kind, back.kind], ["resume", "abandon"]);
  });

  it("is the same for a version of an adapter, at its place in the list", () => {
    const version = { index: 1, candidate: { version: "v2", source: "acme/v2" }, staged: true, ladder };
    const text = (share: number): string[] => {
      const { next, back } = versionSteps({ ...version, share });
      return [next, back].map((step) => commandsText(commandsFor(step)));
    };
    assert.deepEqual(text(30), [
      "pulumi config set --path 'adapters[1].weight' 60 && pulumi up",
      "pulumi config set --path 'adapters[1].weight' 0 && pulumi up",
    ]);
    const without =
      "pulumi config rm --path 'adapters[1].candidate' && pulumi config rm --path 'adapters[1].weight' && pulumi up";
    assert.deepEqual(text(100), [
      `pulumi config set --path 'adapters[1].version' v2 && pulumi config set --path 'adapters[1].source' acme/v2 && ${without}`,
      "pulumi config set --path 'adapters[1].weight' 0 && pulumi up",
    ]);
    assert.equal(text(0)[1], without);
  });

  it("is in the outputs and in the status of the command alike", () => {
    for (const [config, next] of [
      [at(0), /^npm run rollout -- next$/],
      [at(30), /^npm run rollout -- next$/],
      [at(100), /^npm run rollout -- promote$/],
    ] as const) {
      const stack = new Simulated(values(at(0))).up().up(values(config));
      const { deployed: left } = stack;
      const status = statusOf("dev", stack.values, left, { outcome: "unreadable", why: "no cluster" });
      assert.match(status.next, next);
      const outputs = nextSteps(serviceConfig(config), planFor(serviceConfig(config), deployed(at(0))));
      assert.equal(outputs.next?.includes("set stable"), config["weight"] === 100);
    }
    const latched = { ...at(0), rolledBack };
    const outputs = nextSteps(
      serviceConfig(latched),
      planFor(serviceConfig(latched), deployed(at(0), at(30))),
    );
    const status = statusOf(
      "dev",
      values(latched),
      deployedOf({ deployed: deployed(at(0), at(30), latched).record }),
      { outcome: "unreadable", why: "no cluster" },
    );
    assert.equal(status.next, outputs.next);
    assert.equal(status.back, outputs.back);
    const again = { ...latched, resumed };
    assert.match(
      nextSteps(serviceConfig(again), planFor(serviceConfig(again), deployed(at(0), latched))).next ?? "",
      /^pulumi config set weight 10 /,
    );
  });
});

describe("a refused plan", () => {
  it("cannot be built, by its type", () => {
    const build = ({ stable }: ApprovedPlan): string => stable.name;
    const result = plan(serviceConfig(serving), deployed(at(0), at(30)));
    assert.equal(result.outcome, "refused");
    // @ts-expect-error: it is a plan, and not an approved one.
    assert.equal(build(result.plan), "llm");
    const allowed = plan(serviceConfig(at(0)), deployed(at(0), at(30)));
    assert.ok(allowed.outcome === "approved");
    assert.equal(build(allowed.plan), "llm");
  });
});
