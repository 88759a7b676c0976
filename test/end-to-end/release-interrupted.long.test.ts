import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { projectFolder } from "../../lab/workspace";
import { asHelmMadeIt, everything, leftAsBefore } from "./cluster-before";
import { Command } from "./command";
import { adoptingConfig, makeCluster, serve } from "./production/production";
import { minutes, StackLab, weightsOf, type StackUnderTest } from "./stack-lab";

/* Leaving is interrupted in each of its steps, and the command run again goes on. */

describe("a release that is interrupted", minutes(25), () => {
  let lab: StackLab;
  let stack: StackUnderTest;
  let earlier: Record<string, unknown>;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    await makeCluster(lab, "us-central1");
    await serve(lab);
    await asHelmMadeIt(lab);
    earlier = await everything(lab);
    stack = await lab.stack("adopted", {}, adoptingConfig);
    await stack.setPath("allow[0]", "take-over-route");
    await stack.up();
    await stack.unset("allow");
  }, minutes(10));
  after(async () => lab.stop());

  const steps: readonly [name: string, printed: RegExp][] = [
    ["its preparation", /prepare the stack to leave\n/],
    ["the handing back", /hand back what serves\n/],
    ["the removal", /remove the rest of the stack\n[^]*delete /],
  ];
  for (const [name, printed] of steps) {
    test(`in ${name}: customers keep their route`, async () => {
      const command = release(stack);
      await command.prints(printed, 300);
      command.signal("SIGINT");
      await command.ended;
      assert.notEqual(weightsOf(await lab.route())["llm"], undefined, command.output);
    });
  }

  test("and goes on to the end", async () => {
    const { status, output } = await stack.rollout("release", "--yes");
    assert.ok(status === 0 || /the stack is empty/.test(output), output);
    await leftAsBefore(lab, stack, earlier);
  });
});

function release({ pulumi, workspace }: StackUnderTest): Command {
  const env = { ...process.env, ...pulumi.environment };
  return new Command(
    path.join(projectFolder, "start", "rollout.js"),
    ["release", "--yes"],
    env,
    workspace.folder,
  );
}
