import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { groupDefinitions, installDefinitions } from "../../lab/cluster/definitions";
import type { Report } from "../../lab/rehearsal/report";
import { projectFolder } from "../../lab/workspace";
import { Command } from "./command";
import { makeCluster } from "./production/production";
import { minutes, StackLab } from "./stack-lab";

/*
 * Examples with the real engine: each previewed as it stands, six of them rolled out under traffic. The one of a
 * service that somebody else made is in adopted.long.test.ts.
 */

const folder = path.join(projectFolder, "examples");
const all = fs.readdirSync(folder).filter((name) => name.endsWith(".yaml"));

describe("examples, previewed in a lab", minutes(15), () => {
  let lab: StackLab;
  before(async () => {
    lab = await StackLab.start();
  }, minutes(3));
  after(async () => lab.stop());

  const notHere = ["Pulumi.adopted-cluster.yaml"];
  for (const file of all.filter((name) => !notHere.includes(name))) {
    test(file, async () => {
      if (file === "Pulumi.multi-host-tpu.yaml") {
        await makeCluster(lab, "us-east5");
        await installDefinitions(lab.lab.controlPlane.kubeconfig, await groupDefinitions());
      }
      const stack = await lab.stack(`example-${file.split(".")[1] ?? ""}`, {}, path.join(folder, file));
      const { status, output } = await stack.pulumi.attempt(["preview"]);
      assert.equal(status, 0, output);
      for (const kind of ["NodePool", "InferencePool", "HTTPRoute"]) assert.ok(output.includes(kind), output);
    });
  }
});

describe("examples, rolled out in a lab", minutes(60), () => {
  for (const name of [
    "quickstart",
    "security-fix",
    "v5e-to-v6e",
    "base-model",
    "follow-weight",
    "server-settings",
  ]) {
    test(name, async () => {
      const out = fs.mkdtempSync(path.join(os.tmpdir(), "example-"));
      const file = path.join("examples", `Pulumi.${name}.yaml`);
      const command = new Command("lab/rehearsal/main.ts", ["--stack", file, "--out", out]);
      assert.equal(await command.ended, 0, command.output);
      const report = JSON.parse(fs.readFileSync(path.join(out, "report.json"), "utf8")) as Report;
      assert.deepEqual(
        report.stages.map(({ weight }) => weight),
        [0, 10, 30, 60, 100, 0, 100, 100],
      );
      assert.equal(report.totals.failed + report.totals.brokenStreams, 0);
      const { hours = 0, fullHours = 0 } = report.accelerators ?? {};
      console.log(
        `# ${name}: ${((100 * hours) / fullHours).toFixed(0)} % of the accelerator-hours of full size`,
      );
      assert.ok(hours > 0 && hours <= fullHours * 1.001, JSON.stringify(report.accelerators));
      fs.rmSync(out, { recursive: true, force: true });
    });
  }
});
