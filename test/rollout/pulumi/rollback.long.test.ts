import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { minutes, StackLab, StackUnderTest, weightsOf } from "../../end-to-end/stack-lab";
import { Pulumi } from "../../../lab/pulumi";
import { layOutWorkspace } from "../../../lab/workspace";
import { prefixed } from "../../../lab/rehearsal/config-file";
import { CloudService, organization } from "./service";

/*
 * The way back where the state is Pulumi Cloud's: the real engine and CLI against a stand-in of its API (service.ts).
 * Pulumi Cloud itself was never asked.
 */

describe("npm run rollout, on Pulumi Cloud's API", minutes(10), () => {
  const cloud = new CloudService();
  let lab: StackLab;
  let stack: StackUnderTest;
  before(async () => {
    lab = await StackLab.start({ speed: 4 });
    const folder = path.join(lab.lab.folder, "workspace");
    const workspace = layOutWorkspace(folder, "dev", {
      ...lab.lab.stackConfig(),
      ...prefixed({ weight: 0 }),
    });
    const environment: NodeJS.ProcessEnv = {
      ...lab.lab.plugins.environment(),
      PULUMI_BACKEND_URL: await cloud.start(),
      PULUMI_ACCESS_TOKEN: "pul-of-a-test",
    };
    Reflect.deleteProperty(environment, "PULUMI_CONFIG_PASSPHRASE_FILE");
    stack = new StackUnderTest(new Pulumi(workspace, environment), workspace);
    await stack.pulumi.run(["stack", "init", `${organization}/dev`, "--non-interactive"]);
  }, minutes(4));
  after(async () => {
    cloud.stop();
    await lab.stop();
  });

  async function rollout(...args: string[]): Promise<string> {
    const { status, output } = await stack.rollout(...args);
    assert.equal(status, 0, output);
    return output;
  }
  const weights = async (): Promise<Record<string, number>> => weightsOf(await lab.route());

  test("the ladder is climbed, and every update stands in the history with its config", async () => {
    for (const weight of ["10", "30", "60"]) {
      const { status, output } = await stack.update({ weight });
      assert.equal(status, 0, output);
    }
    assert.deepEqual(await weights(), { llm: 40, "llm-new": 60 });
    assert.deepEqual(
      cloud.updates("inference-rollout", "dev").map(({ version, result }) => [version, result]),
      [3, 2, 1].map((version) => [version, "succeeded"]),
    );
  });

  test("an update by its number is gone back to", async () => {
    assert.match(await rollout("rollback", "--list"), /\b2\b/);
    await rollout("rollback", "--to-update", "2", "--yes");
    assert.deepEqual(await weights(), { llm: 70, "llm-new": 30 });
  });

  test("everything goes back, and is latched", async () => {
    await rollout("rollback", "--reason", "worse answers", "--yes");
    assert.deepEqual(await weights(), { llm: 100 });
    await stack.set("weight", "30");
    assert.match(await stack.refusedUp(), /latched/);
  });
});
