import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import type { Report } from "../rehearsal/report";
import { projectFolder } from "../workspace";
import { Command } from "./command";
import { minutes, StackLab } from "./stack-lab";

/* Examples with the real engine: each previewed as it stands, four of them rolled out under traffic. */

const folder = path.join(projectFolder, "examples");
const all = fs.readdirSync(folder).filter((name) => name.endsWith(".yaml"));

describe("examples, previewed in a lab", minutes(15), () => {
  let lab: StackLab;
  before(async () => {
    lab = await StackLab.start();
  }, minutes(3));
  after(async () => lab.stop());

  for (const file of all.filter((name) => !needsCluster(name))) {
    test(file, async () => {
      const stack = await lab.stack(`example-${file.split(".")[1] ?? ""}`, {}, path.join(folder, file));
      const { status, output } = await stack.pulumi.attempt(["preview"]);
      assert.equal(status, 0, output);
      for (const kind of ["NodePool", "InferencePool", "HTTPRoute"]) assert.ok(output.includes(kind), output);
    });
  }
});

describe("examples, rolled out in a lab", minutes(60), () => {
  for (const name of ["quickstart", "security-fix", "v5e-to-v6e", "base-model"]) {
    test(name, async () => {
      const out = fs.mkdtempSync(path.join(os.tmpdir(), "example-"));
      const file = path.join("examples", `Pulumi.${name}.yaml`);
      const command = new Command("test/lab/rehearsal/main.ts", ["--stack", file, "--out", out]);
      assert.equal(await command.ended, 0, command.output);
      const report = JSON.parse(fs.readFileSync(path.join(out, "report.json"), "utf8")) as Report;
      assert.deepEqual(
        report.stages.map(({ weight }) => weight),
        [0, 10, 30, 60, 100, 0, 100, 100],
      );
      assert.equal(report.totals.failed + report.totals.brokenStreams, 0);
      fs.rmSync(out, { recursive: true, force: true });
    });
  }
});

/** Examples that begin with a cluster that somebody else made. */
function needsCluster(file: string): boolean {
  return /cluster:\s*\n?\s*\{?\s*name:/.test(fs.readFileSync(path.join(folder, file), "utf8"));
}
